"""Measure, and print a table and JSON: see ``--help``.

>>> python -m blockstore.tests.perf.bench requests snapshots
"""

import argparse
from collections.abc import Callable
from collections.abc import Iterator
import logging
import os
import pathlib
import sys
import tempfile
import traceback

from blockstore.tests.perf.bench import backups
from blockstore.tests.perf.bench import daemons
from blockstore.tests.perf.bench import figures
from blockstore.tests.perf.bench import requests
from blockstore.tests.perf.bench import snapshots
from blockstore.tests.perf.bench import store
from blockstore.tests.perf.bench.figures import Figure

#: Name, what it measures, and the function; the order is that of the table.
SUBJECTS: dict[str, Callable[[pathlib.Path, int], Iterator[Figure]]] = {
    'requests': lambda directory, mib: requests.measure(directory),
    'snapshots': lambda directory, mib: snapshots.measure(directory),
    'full': backups.full,
    'mixed': backups.mixed,
    'sparse': backups.sparse,
    'incremental': backups.incremental,
    'memory': backups.memory,
    'store': store.measure,
    'daemons': lambda directory, mib: daemons.measure(directory),
}


def main() -> int:
    """Measure what is asked for; exit 1 when something could not be."""
    parser = argparse.ArgumentParser(
        prog='tools/bench', description='Measure blockstore on this machine.')
    parser.add_argument('what', nargs='*', metavar='WHAT',
                        help=f'of {", ".join(SUBJECTS)}; all if none is named')
    parser.add_argument('--mib', type=int, default=2048,
                        help='size of the volumes of full, mixed and '
                             'incremental (default: %(default)s)')
    parser.add_argument('--directory', type=pathlib.Path,
                        help='where volumes and backups are made; on a real '
                             'disk, with five times the size free')
    parser.add_argument('--json', type=pathlib.Path,
                        default=pathlib.Path('bench.json'),
                        help='where the figures are written '
                             '(default: %(default)s)')
    options = parser.parse_args()
    unknown = sorted(set(options.what) - set(SUBJECTS))
    if unknown:
        parser.error(f'there is no {", ".join(unknown)}')
    # A part of the service runs in this process, to be counted.
    logging.disable(logging.CRITICAL)
    before = figures.conditions()
    found, failed = _measure(options.what or list(SUBJECTS), options)
    options.json.write_text(figures.as_json(found, before) + '\n')
    missed = sum(figure.met is False for figure in found)
    load = ', '.join(f'{number:.1f}' for number in os.getloadavg())
    print(f'\n{missed} missed; {before["cores"]} cores, load {load} '
          f'(before: {before["load"][0]:.1f}); written to {options.json}')
    return 1 if failed else 0


def _measure(names: list[str], options: argparse.Namespace,
             ) -> tuple[list[Figure], bool]:
    found: list[Figure] = []
    failed = False
    for name in names:
        with tempfile.TemporaryDirectory(
                dir=options.directory, prefix='bench-',
                ignore_cleanup_errors=True) as directory:
            try:
                figures_of = list(SUBJECTS[name](
                    pathlib.Path(directory), options.mib))
            except Exception:  # noqa: BLE001 - the others can go on
                traceback.print_exc()
                failed = True
                continue
        print(figures.table(figures_of), flush=True)
        found += figures_of
    return found, failed


if __name__ == '__main__':
    sys.exit(main())
