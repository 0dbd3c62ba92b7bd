"""Figures of backups: the main job, by the real service, of volumes in use.

Bytes read are those that the backup took from the volume, as its operation
tells.  What the storage daemon read from its files is told beside it: that is
the same, and what it needs to find the data, and, after an incremental
backup, the merge of the base that is not needed any more.
"""

from collections.abc import Iterator
import dataclasses
import os
import pathlib
import subprocess
import time
import typing

from blockstore.db import engine
from blockstore.db import operations
from blockstore.tests.perf import data
from blockstore.tests.perf.bench.figures import Figure
from blockstore.tests.perf.bench.service import Service
from blockstore.tests.perf.bench.volumes import Attached
from blockstore.tests.perf.bench.volumes import bytes_read

MIB = data.MIB
_MEMORY = 256
_REPEAT = 3
_QUIET = 4096


@dataclasses.dataclass(frozen=True)
class _Cost:
    """What one operation cost the service."""

    result: typing.Any
    seconds: float
    cpu: float
    read: int
    peak: float

    def taken(self, service: Service) -> int:
        """Return how many bytes a backup took from its volume."""
        database = engine.Database(service.database_url)
        try:
            with database.read() as tx:
                row = operations.last_closed(tx, self.result['id'])
        finally:
            database.dispose()
        if row is None:
            raise RuntimeError('the operation of the backup is gone')
        return int(row.facts['bytes_read'])


def full(directory: pathlib.Path, mib: int) -> Iterator[Figure]:
    """Random data without compression, against cp of a file as large."""
    costs, plain, durable = [], [], []
    with Service(directory, level=0) as service:
        volume_id = _volume(service, mib)
        with Attached(service, volume_id) as volume:
            for _ in range(_REPEAT):
                # New data: what the store has already is not stored twice.
                volume.fill(data.noise(mib))
                copied = _copy(directory, mib)
                plain.append(copied[0])
                durable.append(copied[1])
                costs.append(_backup(service, volume_id))
    subject = f'full backup, {mib} MiB of random data, no compression'
    seconds = min(cost.seconds for cost in costs)
    yield Figure(subject, 'time, as multiple of cp',
                 seconds / min(plain), 'x', most=1.5,
                 cinder='3-7 x')
    yield Figure(subject, 'as multiple of cp and sync',
                 seconds / min(durable), 'x')
    yield Figure(subject, 'seconds', seconds, 's')
    yield Figure(subject, 'cp', min(plain), 's')
    yield Figure(subject, 'cp and sync', min(durable), 's',
                 note='from POST to available, of a volume in use by NBD, '
                 f'read past the page cache and made durable; quickest of '
                 f'{_REPEAT} runs, each next to a cp of a cached file')
    yield Figure(subject, 'service, MB per CPU-second',
                 mib * MIB / 1e6 / min(
                     cost.cpu for cost in costs), 'MB/s')
    yield from _peaks(subject, 'backup', max(cost.peak for cost in costs))


def mixed(directory: pathlib.Path, mib: int) -> Iterator[Figure]:
    """A quarter random, half text, a quarter zeros; default compression."""
    with Service(directory) as service:
        volume_id = _volume(service, mib)
        with Attached(service, volume_id) as volume:
            volume.fill(data.mixed(mib))
            cost = _backup(service, volume_id)
    subject = f'full backup, {mib} MiB of mixed data'
    yield Figure(subject, 'MB per CPU-second', mib * MIB / 1e6 / cost.cpu,
                 'MB/s', least=4 * 54, cinder='54 MB/s',
                 note='processor time of all of blockstore-all; a quarter '
                      'random, half text, a quarter zeros; default level')
    yield Figure(subject, 'seconds', cost.seconds, 's')
    yield from _peaks(subject, 'backup', cost.peak)


def sparse(directory: pathlib.Path, mib: int) -> Iterator[Figure]:
    """100 GiB with 1 GiB of data, in pieces of 1 MiB; and restored."""
    del mib
    with Service(directory) as service:
        volume_id = _volume(service, data.SPARSE_BYTES // MIB)
        with Attached(service, volume_id) as volume:
            # Whole clusters: of others, all of the cluster is read.
            written = volume.fill(data.scattered(shift=0))
            cost = _backup(service, volume_id)
            taken = cost.taken(service)
        restored = _restore(service, cost.result['id'])
    subject = f'sparse volume, 100 GiB with {written // MIB} MiB of data'
    yield Figure(subject, 'read', taken / MIB / 1024, 'GiB', most=1.05,
                 cinder='all')
    yield Figure(subject, 'read by the storage daemon',
                 cost.read / MIB / 1024, 'GiB')
    yield Figure(subject, 'backup', cost.seconds, 's')
    yield Figure(subject, 'restore', restored.seconds, 's')
    yield from _peaks(subject, 'backup', cost.peak)
    yield from _peaks(subject, 'restore', restored.peak)


def incremental(directory: pathlib.Path, mib: int) -> Iterator[Figure]:
    """One in a hundred clusters changed since the full backup."""
    with Service(directory, level=0) as service:
        volume_id = _volume(service, mib)
        with Attached(service, volume_id) as volume:
            volume.fill(data.noise(mib))
            _backup(service, volume_id)
            changed = volume.fill(data.changes(mib))
            cost = _backup(service, volume_id, incremental=True)
            taken = cost.taken(service)
    subject = f'incremental backup, 1 % of {mib} MiB changed'
    yield Figure(subject, 'bytes read per byte changed', taken / changed,
                 '', most=1.1, cinder='reads all')
    yield Figure(subject, 'by the storage daemon, with merge',
                 cost.read / changed, '')
    yield Figure(subject, 'seconds', cost.seconds, 's', cinder='2.9 s')


def memory(directory: pathlib.Path, mib: int) -> Iterator[Figure]:
    """The most memory for a dense volume of 1 GiB (sparse: the 100 GiB)."""
    del mib
    with Service(directory) as service:
        volume_id = _volume(service, 1024)
        with Attached(service, volume_id) as volume:
            volume.fill(data.noise(1024))
            cost = _backup(service, volume_id)
        restored = _restore(service, cost.result['id'])
    subject = '1 GiB of random data'
    yield from _peaks(subject, 'backup', cost.peak)
    yield from _peaks(subject, 'restore', restored.peak)


def _peaks(subject: str, what: str, peak: float) -> Iterator[Figure]:
    yield Figure(subject, f'peak memory (RSS), {what}', peak, 'MiB',
                 most=_MEMORY, cinder='2.2-5.8 GiB')


def _volume(service: Service, mib: int) -> str:
    return str(service.make('volumes', {'size': -(-mib // 1024)})['id'])


def _backup(service: Service, volume_id: str, **fields: typing.Any) -> _Cost:
    return _cost(service, lambda: service.make('backups', {
        'volume_id': volume_id, 'force': True, **fields}, pause=0.05))


def _restore(service: Service, backup_id: str) -> _Cost:
    def restore() -> typing.Any:
        made = service.request('POST', f'backups/{backup_id}/restore',
                               {'restore': {}})['restore']
        return service.wait('volumes', made['volume_id'], pause=0.05)

    return _cost(service, restore)


def _cost(service: Service, work: typing.Callable[[], typing.Any]) -> _Cost:
    service.forget_peak()
    cpu, read, begun = service.cpu(), bytes_read(service), time.monotonic()
    result = work()
    seconds, cpu = time.monotonic() - begun, service.cpu() - cpu
    return _Cost(result, seconds, cpu, _settled(service) - read,
                 service.peak())


def _settled(service: Service) -> int:
    """Return what was read once nothing more is read (a merge may go on)."""
    before = -1
    while (now := bytes_read(service)) - before > _QUIET:
        before = now
        time.sleep(1.0)
    return now


def _copy(directory: pathlib.Path, mib: int) -> tuple[float, float]:
    """Copy a file with cp; return the seconds until done and until durable.

    The file is read from the page cache, which is the best that cp can do.
    """
    source, target = directory / 'source', directory / 'copy'
    with open(source, 'wb') as file:
        for _, piece in data.noise(mib):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    begun = time.monotonic()
    subprocess.run(['cp', '--reflink=never', source, target], check=True)
    done = time.monotonic() - begun
    subprocess.run(['sync', target], check=True)
    durable = time.monotonic() - begun
    source.unlink()
    target.unlink()
    return done, durable
