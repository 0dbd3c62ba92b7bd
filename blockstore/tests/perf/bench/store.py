"""Figures of the backup store alone, between files, in its own processes."""

from collections.abc import Iterator
import json
import pathlib
import subprocess
import sys

from blockstore.tests.perf.bench.figures import Figure


def measure(directory: pathlib.Path, mib: int) -> Iterator[Figure]:
    """Run the store's own benchmark."""
    done = subprocess.run(
        [sys.executable, '-m', 'blockstore.tests.perf.store', '--mib',
         str(mib), '--directory', str(directory)],
        check=True, capture_output=True, text=True)
    cases = json.loads(done.stdout)
    subject = 'the store alone, file to file'
    yield Figure(subject, 'random, as multiple of cp',
                 cases['full_random']['ratio_to_cp'], 'x', most=1.5)
    yield Figure(subject, 'random, of cp and sync',
                 cases['full_random']['ratio_to_cp_sync'], 'x')
    yield Figure(subject, 'mixed, MB per CPU-second',
                 cases['full_mixed']['mb_per_cpu_second'], 'MB/s',
                 least=4 * 54)
    yield Figure(subject, 'sparse, read', cases['sparse']['read_gib'], 'GiB',
                 most=1.05)
    yield Figure(subject, 'incremental, read per changed',
                 cases['incremental']['read_per_changed'], '', most=1.1)
    yield Figure(subject, 'peak memory (RSS)',
                 max(case['peak_mib'] for case in cases.values()), 'MiB',
                 most=256)
