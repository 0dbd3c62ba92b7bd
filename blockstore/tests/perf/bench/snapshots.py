"""Figures of snapshots: how soon the API answers, how soon one is there."""

from collections.abc import Iterator
import pathlib
import time

from blockstore.tests.perf.bench import figures
from blockstore.tests.perf.bench.figures import Figure
from blockstore.tests.perf.bench.service import Service
from blockstore.tests.perf.bench.volumes import Attached

_REPEAT = 30
_PAUSE = 0.05


def measure(directory: pathlib.Path) -> Iterator[Figure]:
    """Measure snapshots on both back ends."""
    for backend in ('memory', 'qsd'):
        below = directory / backend
        below.mkdir()
        with Service(below, backend=backend) as service:
            id_ = service.make('volumes', {'size': 1})['id']
            yield from _figures(
                f'POST snapshot, {backend} back end', service, id_)
            if backend == 'qsd':
                with Attached(service, id_):
                    yield from _figures(
                        'POST snapshot, qsd back end, volume in use',
                        service, id_)


def _figures(subject: str, service: Service, id_: str) -> Iterator[Figure]:
    _snapshot(service, id_)
    found = [_snapshot(service, id_) for _ in range(_REPEAT)]
    answers, ready = ([times[part] * 1000 for times in found]
                      for part in (0, 1))
    yield Figure(subject, 'answer, median', figures.middle(answers), 'ms',
                 most=10, cinder='51 ms')
    yield Figure(subject, 'answer, quickest', min(answers), 'ms')
    yield Figure(subject, 'until available, median', figures.middle(ready),
                 'ms', most=40, cinder='93 ms')
    yield Figure(subject, 'until available, quickest', min(ready), 'ms',
                 note='wall time, so it grows with the load of the machine; '
                 f'{_REPEAT} times, asked for every 2 ms, deleted at once')


def _snapshot(service: Service, volume_id: str) -> tuple[float, float]:
    """Take a snapshot; return the seconds to the answer and to the end."""
    begun = time.monotonic()
    made = service.request('POST', 'snapshots', {
        'snapshot': {'volume_id': volume_id}})['snapshot']
    answered = time.monotonic() - begun
    service.wait('snapshots', made['id'])
    ready = time.monotonic() - begun
    service.request('DELETE', f'snapshots/{made["id"]}')
    service.wait_gone('snapshots', made['id'])
    time.sleep(_PAUSE)
    return answered, ready
