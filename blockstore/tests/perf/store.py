"""How fast and how lean the backup store is; prints one JSON object.

Run it alone on the machine: ``python -m blockstore.tests.perf.store``.  Each
case runs in a process of its own, so that its peak memory is its own.  Ratios
are against ``cp``, measured in the same run.

>>> python -m blockstore.tests.perf.store --mib 2048 --directory /var/tmp
"""

import argparse
from collections.abc import Callable
from collections.abc import Iterable
import datetime
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import typing

from blockstore.backup.store import manifest
from blockstore.backup.store import repository
from blockstore.backup.store import settings
from blockstore.backup.stores import posix
from blockstore.tests import fake_connections
from blockstore.tests.perf import data
from blockstore.volume.connections import base as connections

MIB = data.MIB
CLUSTER = data.CLUSTER

Figures = dict[str, typing.Any]


def main() -> None:
    """Run all cases, or, in a child, one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--mib', type=int, default=2048)
    parser.add_argument('--directory')
    parser.add_argument('--repeat', type=int, default=3)
    parser.add_argument('--case', choices=sorted(CASES))
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(CASES[arguments.case](arguments.directory,
                                               arguments.mib)))
        return
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        found = {case: _child(case, directory, arguments)
                 for case in CASES}
    print(json.dumps(found, indent=1))


def _child(case: str, directory: str,
           arguments: argparse.Namespace) -> Figures:
    command = [sys.executable, '-m', 'blockstore.tests.perf.store',
               '--case', case, '--directory', directory,
               '--mib', str(arguments.mib)]
    runs = [json.loads(subprocess.run(
        command, check=True, capture_output=True).stdout)
        for _ in range(arguments.repeat)]
    return {name: (sorted(run[name] for run in runs)[len(runs) // 2])
            for name in runs[0]}


def full_random(directory: str, mib: int) -> Figures:
    """Back up random data without compression, and copy it with cp."""
    path = _random_file(directory, mib)
    copy = os.path.join(directory, 'copy')
    started = time.monotonic()
    subprocess.run(['cp', '--reflink=never', path, copy], check=True)
    plain = time.monotonic() - started
    subprocess.run(['sync', '--file-system', copy], check=True)
    durable = time.monotonic() - started
    os.unlink(copy)
    ours = _backup(directory, path, level=0)
    return {'cp_seconds': plain, 'cp_sync_seconds': durable,
            'seconds': ours['seconds'],
            'cpu_seconds': ours['cpu_seconds'],
            'ratio_to_cp': ours['seconds'] / plain,
            'ratio_to_cp_sync': ours['seconds'] / durable,
            'peak_mib': ours['peak_mib']}


def full_mixed(directory: str, mib: int) -> Figures:
    """Back up a quarter random, half text, a quarter zeros."""
    path = _mixed_file(directory, mib)
    ours = _backup(directory, path)
    return {'seconds': ours['seconds'],
            'mb_per_cpu_second': mib * MIB / 1e6 / ours['cpu_seconds'],
            'stored_share': ours['bytes_stored'] / (mib * MIB),
            'peak_mib': ours['peak_mib']}


def sparse(directory: str, mib: int) -> Figures:
    """Back up and restore 100 GiB with 1 GiB of data."""
    path = os.path.join(directory, 'sparse')
    _make(path, data.SPARSE_BYTES, data.scattered())
    ours = _backup(directory, path, restore=True)
    return {name: ours[name] for name in (
        'seconds', 'restore_seconds', 'peak_mib')} | {
            'read_gib': ours['bytes_read'] / 1024 / MIB}


def incremental(directory: str, mib: int) -> Figures:
    """Back up 1 % of changed clusters of random data."""
    path = _random_file(directory, mib)
    changed = []
    with open(path, 'r+b') as file:
        for offset, piece in data.changes(mib):
            file.seek(offset)
            file.write(piece)
            changed.append(connections.Extent(offset, len(piece)))
    store = _store(directory, 0)
    source = fake_connections.FileConnection(path)
    store.backup(source, _header('full'),
                 extents=source.extents(0, source.size))
    before = source.bytes_read
    started = time.monotonic()
    store.backup(source, _header('incremental'), parent='full',
                 extents=source.extents(0, source.size), changed=changed)
    figures = {
        'seconds': time.monotonic() - started,
        'read_per_changed': ((source.bytes_read - before)
                             / (len(changed) * CLUSTER)),
        'peak_mib': _peak()}
    shutil.rmtree(_place(directory))
    return figures


CASES: dict[str, Callable[[str, int], Figures]] = {
    'full_random': full_random, 'full_mixed': full_mixed,
    'sparse': sparse, 'incremental': incremental}


def round_trip(directory: str, size: int, mib: int) -> Figures:
    """Back up and restore a sparse volume.

    :param size: bytes of the volume.
    :param mib: how much of it has data.
    """
    path = os.path.join(directory, 'sparse')
    _make(path, size, data.scattered(mib, size))
    return _backup(directory, path, restore=True)


def _backup(directory: str, path: str, level: int = 1,
            restore: bool = False) -> Figures:
    store = _store(directory, level)
    source = fake_connections.FileConnection(path)
    started, cpu = time.monotonic(), time.process_time()
    summary = store.backup(source, _header('full'),
                           extents=source.extents(0, source.size))
    figures: Figures = {'seconds': time.monotonic() - started,
                        'cpu_seconds': time.process_time() - cpu,
                        'bytes_read': source.bytes_read,
                        'bytes_stored': summary.progress.bytes_stored}
    if restore:
        target_path = os.path.join(directory, 'target')
        _make(target_path, source.size, iter(()))
        target = fake_connections.FileConnection(target_path)
        started = time.monotonic()
        store.restore('full', target, target_is_new=True)
        figures['restore_seconds'] = time.monotonic() - started
        os.unlink(target_path)
    figures['peak_mib'] = _peak()
    shutil.rmtree(_place(directory))
    return figures


def _store(directory: str, level: int) -> repository.Repository:
    return repository.Repository(posix.PosixStore(_place(directory)),
                                 settings.Settings(level=level))


def _place(directory: str) -> str:
    return os.path.join(directory, 'store')


def _header(backup_id: str) -> manifest.BackupHeader:
    return manifest.BackupHeader(backup_id, 'project', 'volume', 'container',
                                 datetime.datetime(2026, 1, 1))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _random_file(directory: str, mib: int) -> str:
    path = os.path.join(directory, 'random')
    _make(path, mib * MIB, data.noise(mib))
    return path


def _mixed_file(directory: str, mib: int) -> str:
    path = os.path.join(directory, 'mixed')
    _make(path, mib * MIB, data.mixed(mib))
    return path


def _make(path: str, size: int,
          pieces: Iterable[data.Piece]) -> None:
    if os.path.exists(path):
        return
    with open(path, 'wb') as file:
        file.truncate(size)
        for offset, piece in pieces:
            file.seek(offset)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


if __name__ == '__main__':
    main()
