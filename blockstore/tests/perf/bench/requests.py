"""Figures of requests: processor time, statements, memory of a service."""

from collections.abc import Callable
from collections.abc import Iterator
import pathlib
import time

from blockstore.db import engine
from blockstore.tests.perf import statements
from blockstore.tests.perf.bench import figures
from blockstore.tests.perf.bench.figures import Figure
from blockstore.tests.perf.bench.service import PROJECT
from blockstore.tests.perf.bench.service import Service
from blockstore.tests.unit.api import base

VOLUMES = 1000
_REPEAT = 5
_LONG_LIST = f'volumes/detail?limit={VOLUMES}'


def measure(directory: pathlib.Path) -> Iterator[Figure]:
    """Measure a service that keeps a thousand volumes."""
    counts = _statements()
    with Service(directory, backend='memory') as service:
        time.sleep(3.0)
        idle = service.memory()
        processor = _idle_cpu(service)
        database = engine.Database(service.database_url)
        ids = statements.add_volumes(database, PROJECT, VOLUMES,
                                     'bench@memory#pool')
        database.dispose()
        long_list = _cost(service, lambda: service.get(_LONG_LIST), 20)
        one = _cost(service, lambda: service.get(f'volumes/{ids[0]}'), 400)
        after = service.memory()
    note = 'all of the service (HTTP, API, SQLite), by its process time; ' \
           f'median of {_REPEAT} runs'
    subject = f'GET volumes/detail?limit={VOLUMES}'
    yield Figure(subject, 'CPU per request', long_list * 1000, 'ms', most=50,
                 cinder='410-540 ms', note=note)
    yield Figure(subject, 'statements', counts['list'], '', most=4)
    yield Figure('GET one volume', 'CPU per request', one * 1000, 'ms',
                 most=1.5, cinder='8.4 ms')
    yield Figure('GET one volume', 'statements', counts['one'], '', most=3)
    yield Figure('POST', 'statements for a snapshot', counts['snapshot'], '')
    yield Figure('POST', 'statements for a volume', counts['volume'], '')
    yield Figure('idle blockstore-all', 'memory (PSS)', idle['Pss'], 'MiB',
                 most=130, cinder='926 MiB')
    yield Figure('idle blockstore-all', 'memory (RSS)', idle['Rss'], 'MiB',
                 most=130)
    yield Figure('idle blockstore-all', 'memory (RSS) after the lists',
                 after['Rss'], 'MiB')
    yield Figure('idle blockstore-all', 'CPU per second', processor * 1000,
                 'ms')


def _cost(service: Service, ask: Callable[[], object], number: int) -> float:
    """Return the processor seconds of one request."""
    found = []
    ask()
    for _ in range(_REPEAT):
        before = service.cpu()
        for _ in range(number):
            ask()
        found.append((service.cpu() - before) / number)
    return figures.middle(found)


def _idle_cpu(service: Service, seconds: float = 10.0) -> float:
    before = service.cpu()
    time.sleep(seconds)
    return (service.cpu() - before) / seconds


def _statements() -> dict[str, int]:
    """Count what the application, in this process, asks the database."""
    case = _Api('run')
    case.setUp()
    try:
        id_ = statements.add_volumes(
            case.database, base.PROJECT, 2, base.HOST)[0]
        asked = {'list': ('GET', _LONG_LIST, None),
                 'one': ('GET', f'volumes/{id_}', None),
                 'snapshot': ('POST', 'snapshots',
                              {'snapshot': {'volume_id': id_}}),
                 'volume': ('POST', 'volumes', {'volume': {'size': 1}})}
        found = {}
        for name, request in asked.items():
            with statements.counted(case.database.engine) as ran:
                case.ask(*request, version='3.71')
            found[name] = len(ran)
        return found
    finally:
        case.doCleanups()


class _Api(base.ApiTestCase):
    def run(self, result: object = None) -> None:
        """Do nothing: it is used for its set-up."""
