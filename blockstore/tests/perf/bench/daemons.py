"""Figures of separate daemons: RabbitMQ, MariaDB, one of each daemon.

What is measured is what the daemons themselves cost; the broker's and the
database's part stands beside it.  Single requests are measured twice: with
little in the database, and with 10,000 volumes and 50,000 snapshots.
"""

from collections.abc import Callable
from collections.abc import Iterator
import os
import pathlib
import time

from oslo_utils import timeutils
import sqlalchemy as sa

from blockstore.db import models
from blockstore.db import rows
from blockstore.tests.integration import fleet
from blockstore.tests.perf.bench import counting
from blockstore.tests.perf.bench import site
from blockstore.tests.perf.bench.figures import Figure
from blockstore.tests.perf.bench.figures import middle

VOLUMES, EACH = 20, 10
_MANY_VOLUMES, _MANY_SNAPSHOTS = 10_000, 50_000
_ONE_BY_ONE = 40
_REPEAT = 3
_LEASE = 5.0
_MS = 1000


def measure(directory: pathlib.Path) -> Iterator[Figure]:
    """Measure everything, on both back ends where they differ."""
    for backend in ('qsd', 'memory'):
        with site.Site(backend) as daemons:
            if backend == 'qsd':
                yield from _starts(daemons)
                yield from _at_rest(daemons)
            volumes = _volumes(daemons)
            yield from _snapshots(daemons, volumes, backend)
            if backend == 'memory':
                yield from _with_many(daemons, volumes)
    yield from _counted(directory)
    yield from _killed()


def _volumes(daemons: site.Site, number: int = VOLUMES) -> list[str]:
    made = [daemons.fleet.make('volumes', size=1)['id']
            for _ in range(number)]
    # The first ones fill caches.
    daemons.await_snapshots(
        daemons.at_once(daemons.snapshot, made * 2))
    daemons.await_rest()
    return made


def _starts(daemons: site.Site) -> Iterator[Figure]:
    subject = 'separate daemons, start'
    yield Figure(subject, 'all at the same moment: until all are ready',
                 max(daemon.ready_after
                     for daemon in daemons.fleet.daemons.values()), 's')
    for name, daemon in daemons.fleet.daemons.items():
        seconds = []
        for _ in range(_REPEAT):
            daemon.stop()
            daemons.fleet.start(name)
            seconds.append(daemon.ready_after)
        yield Figure(subject, f'{name.partition("@")[0]}: until ready',
                     middle(seconds), 's', most=1.5,
                     note=f'the middle of {_REPEAT}, the others at rest')


def _at_rest(daemons: site.Site) -> Iterator[Figure]:
    subject = 'separate daemons, idle'
    time.sleep(3)
    yield Figure(subject, 'memory (PSS) of all', daemons.memory(), 'MiB',
                 most=400, cinder='926 MiB')
    before, began = daemons.cpu(), time.monotonic()
    time.sleep(20)
    yield Figure(subject, 'CPU per second, all',
                 (daemons.cpu() - before) / (time.monotonic() - began) * _MS,
                 'ms')


def _snapshots(daemons: site.Site, volumes: list[str], backend: str,
               ) -> Iterator[Figure]:
    subject = f'daemons: snapshot until available, {backend} back end'
    found = [_one_by_one(daemons, volumes) for _ in range(_REPEAT)]
    goal = backend == 'qsd'
    yield Figure(subject, 'one by one, CPU',
                 middle(cpu for cpu, _ in found) * _MS, 'ms',
                 most=30 if goal else None, cinder='100 ms')
    yield Figure(subject, 'one by one, wall',
                 middle(wall for _, wall in found) * _MS, 'ms')
    beside = site.others()
    bursts = [_burst(daemons, volumes) for _ in range(_REPEAT)]
    number = len(volumes) * EACH
    yield Figure(subject, f'burst of {number}, CPU each',
                 middle(cpu for cpu, _ in bursts) * _MS, 'ms',
                 most=20 if goal else None, cinder='61 ms')
    yield Figure(subject, f'burst of {number}, wall',
                 min(wall for _, wall in bursts), 's',
                 most=2.5 if goal else None, cinder='6.9 s',
                 note=f'{len(volumes)} volumes, {EACH} of each, asked for by '
                 f'eight clients; the best of {_REPEAT}; load '
                 f'{os.getloadavg()[0]:.1f}')
    for name, seconds in site.others().items():
        yield Figure(subject, f'burst, CPU each of {name}',
                     (seconds - beside[name]) / number / _REPEAT * _MS, 'ms')


def _one_by_one(daemons: site.Site, volumes: list[str],
                ) -> tuple[float, float]:
    """Return CPU and wall seconds of one snapshot."""
    before, began = daemons.cpu(), time.monotonic()
    for number in range(_ONE_BY_ONE):
        daemons.await_snapshots(
            [daemons.snapshot(volumes[number % len(volumes)])])
    wall = time.monotonic() - began
    daemons.await_rest()
    return (daemons.cpu() - before) / _ONE_BY_ONE, wall / _ONE_BY_ONE


def _burst(daemons: site.Site, volumes: list[str]) -> tuple[float, float]:
    """Return CPU seconds of one snapshot and wall seconds of all."""
    before, began = daemons.cpu(), time.monotonic()
    made = daemons.at_once(daemons.snapshot, volumes * EACH)
    daemons.await_snapshots(made, 0.02)
    wall = time.monotonic() - began
    daemons.await_rest()
    return (daemons.cpu() - before) / len(made), wall


def _with_many(daemons: site.Site, volumes: list[str]) -> Iterator[Figure]:
    """Measure single requests before and after much is in the database."""
    asked = _requests(daemons, volumes[0])
    few = {name: _cpu(daemons, ask) for name, ask in asked.items()}
    few['POST and DELETE snapshot'] = _come_and_go(daemons, volumes[0])
    _fill(daemons)
    many = {name: _cpu(daemons, ask) for name, ask in asked.items()}
    many['POST and DELETE snapshot'] = _come_and_go(daemons, volumes[0])
    subject = f'daemons: {_MANY_VOLUMES:,} volumes, {_MANY_SNAPSHOTS:,} ' \
              'snapshots'
    for name, (ours, database) in many.items():
        yield Figure(subject, f'{name}, CPU', ours * _MS, 'ms')
        yield Figure(subject, '  to that with few',
                     ours / few[name][0], '', most=1.2)
        yield Figure(subject, '  with MariaDB, to that with few',
                     (ours + database) / sum(few[name]), '', most=1.2)


Cost = tuple[float, float]


def _requests(daemons: site.Site, volume_id: str,
              ) -> dict[str, Callable[[], object]]:
    snapshot_id = daemons.snapshot(volume_id)
    daemons.await_snapshots([snapshot_id])
    return {'GET ' + name: (lambda path=path: daemons.send('GET', path))
            for name, path in (
                ('one volume', f'volumes/{volume_id}'),
                ('one snapshot', f'snapshots/{snapshot_id}'),
                ('10 volumes', 'volumes/detail?limit=10'),
                ('10 snapshots', 'snapshots/detail?limit=10'))}


def _cpu(daemons: site.Site, ask: Callable[[], object], number: int = 200,
         ) -> Cost:
    """Return processor seconds of a request: ours and the database's."""
    found = []
    for _ in range(_REPEAT):
        before, database = daemons.cpu(), site.others()['MariaDB']
        for _ in range(number):
            ask()
        found.append(((daemons.cpu() - before) / number,
                      (site.others()['MariaDB'] - database) / number))
    return min(found)


def _come_and_go(daemons: site.Site, volume_id: str) -> Cost:
    def both() -> None:
        made = daemons.snapshot(volume_id)
        daemons.await_snapshots([made], 0.01)
        daemons.send('DELETE', f'snapshots/{made}')
        daemons.await_gone([made])
    return _cpu(daemons, both, 20)


def _fill(daemons: site.Site) -> None:
    """Add rows, as of users who have been here for long."""
    now = timeutils.utcnow()
    common = {'project_id': fleet.PROJECT, 'status': 'available',
              'created_at': now, 'status_changed_at': now}
    host = f'{daemons.fleet.host()}@memory#memory'
    each = _MANY_SNAPSHOTS // _MANY_VOLUMES
    for model, found in (
            (models.Volume, [
                {**common, 'id': f'{number:08d}-0000-4000-8000-000000000001',
                 'size': 1, 'host': host}
                for number in range(_MANY_VOLUMES)]),
            (models.Snapshot, [
                {**common, 'id': f'{number:08d}-0000-4000-8000-000000000002',
                 'volume_size': 1, 'volume_id':
                 f'{number // each:08d}-0000-4000-8000-000000000001'}
                for number in range(_MANY_SNAPSHOTS)])):
        for begin in range(0, len(found), 5000):
            with daemons.database.write() as tx:
                tx.execute(sa.insert(rows.table(model)),
                           found[begin:begin + 5000])


def _counted(directory: pathlib.Path) -> Iterator[Figure]:
    """Count what is asked of the database and the broker."""
    with site.Site('memory', directory) as daemons:
        volumes = _volumes(daemons)
        made = 50
        resting = _counts_at_rest(daemons, directory)
        before, began = counting.read(directory), time.monotonic()
        for number in range(made):
            daemons.await_snapshots(
                [daemons.snapshot(volumes[number % len(volumes)])])
        daemons.await_rest()
        after, seconds = counting.read(directory), time.monotonic() - began
        subject = 'daemons: one snapshot until available, memory back end'
        for name in ('statements', 'commits', 'messages'):
            number = (getattr(after, name) - getattr(before, name)
                      - getattr(resting, name) * seconds) / made
            yield Figure(subject, name, number, '')
        _fill(daemons)
        for noun in ('volumes', 'snapshots'):
            yield Figure(
                'daemons: a page of 1,000 out of 60,000',
                f'{noun}, statements',
                _statements(daemons, directory, f'{noun}/detail?limit=1000'),
                '', most=4)


def _counts_at_rest(daemons: site.Site, directory: pathlib.Path,
                    ) -> counting.Rate:
    """Return what is asked each second when nobody wants anything."""
    before, began = counting.read(directory), time.monotonic()
    time.sleep(12)
    return counting.rate(before, counting.read(directory),
                         time.monotonic() - began)


def _statements(daemons: site.Site, directory: pathlib.Path, path: str,
                ) -> int:
    """Return the statements of a request: heartbeats come in between."""
    found = []
    for _ in range(5):
        before = counting.read(directory).statements
        daemons.send('GET', path)
        found.append(counting.read(directory).statements - before)
    return min(found)


def _killed() -> Iterator[Figure]:
    """Kill the volume service in a burst, and start it again at once."""
    with site.Site('qsd', lease=_LEASE) as daemons:
        volumes = _volumes(daemons)
        volume = daemons.fleet['volume@node1']
        found = []
        starts = []
        for _ in range(_REPEAT):
            made = daemons.at_once(daemons.snapshot, volumes * 3)
            volume.kill()
            began = time.monotonic()
            daemons.fleet.start('volume@node1')
            daemons.await_snapshots(made, 0.02)
            found.append((time.monotonic() - began) / _LEASE)
            daemons.await_rest()
            starts.append(volume.ready_after / _LEASE)
        subject = 'daemons: volume service killed (SIGKILL) in a burst'
        yield Figure(subject, 'until all are available', max(found),
                     'leases', most=2)
        yield Figure(subject, '  of which it starts', max(starts), 'leases',
                     note=f'it is started again at once; a lease is '
                     f'{_LEASE:g} s, the longest of {_REPEAT} times')
