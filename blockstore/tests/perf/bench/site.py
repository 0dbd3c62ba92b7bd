"""The daemons under measurement: separate processes, RabbitMQ, MariaDB.

Options are as in production, but for limits that would end a benchmark.
What the daemons ask each other for is read from the database, not by
requests: only what the measured work costs is counted.

>>> with Site() as site:
...     before = site.cpu()
...     site.await_snapshots(1, [site.snapshot(volume_id)])
...     print(site.cpu() - before)
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import threading
import time
import typing

import sqlalchemy as sa

from blockstore.db import migration
from blockstore.db import models
from blockstore.db import operations
from blockstore.db import rows
from blockstore.tests.integration import fleet
from blockstore.tests.integration import servers
from blockstore.tests.perf.bench import counting

_TICKS = os.sysconf('SC_CLK_TCK')
_MIB = 1024 ** 2
_LIMIT = 120.0
# Seconds after which the server may have closed a connection.
_IDLE = 1.0
_ENOUGH = 10_000_000
KINDS = ('scheduler', 'volume', 'backup', 'api')
#: Programs of others, whose part is told apart.
OTHERS = {'RabbitMQ': 'beam.smp', 'MariaDB': 'mariadbd'}
_SNAPSHOTS = rows.table(models.Snapshot)
_OPERATIONS = rows.table(models.Operation)


class Site(contextlib.ExitStack):
    """One of each daemon, ready.

    :param backend: the driver of the one back end.
    :param counts: where the daemons count what they ask; None: they do not.
    :param lease: seconds; None for the default.
    """

    def __init__(self, backend: str = 'qsd',
                 counts: pathlib.Path | None = None,
                 lease: float | None = None) -> None:
        super().__init__()
        self.database = self.enter_context(
            servers.fresh(servers.MARIADB))
        migration.sync(self.database)
        options: dict[tuple[str, str], typing.Any] = {
            ('service', 'report_interval'): 10,
            ('operations', 'poll_interval'): 3,
            ('api', 'workers'): 2,
            ('volume', 'enabled_backends'): backend,
            (backend, 'volume_driver'): backend,
            **{('quota', name): _ENOUGH for name in (
                'volumes', 'snapshots', 'gigabytes')}}
        if lease is not None:
            options['operations', 'lease'] = lease
        self.fleet = fleet.Fleet(
            self.database.engine.url.render_as_string(hide_password=False),
            options=options)
        self.fleet.setUp()
        self.callback(self.fleet.cleanUp)
        for kind in KINDS:
            self.fleet.add(kind, **({} if counts is None else {
                'module': counting.__name__,
                'environment': counting.environment(kind, counts)}))
        self.fleet.start()
        if counts is not None:
            # The fleet knows an API by the module that it runs.
            self.fleet.await_api()
        self._here = threading.local()
        self._pool = self.enter_context(
            concurrent.futures.ThreadPoolExecutor(8))
        self._await_services(len(KINDS) - 1)

    def _await_services(self, number: int) -> None:
        limit = time.monotonic() + _LIMIT
        while list(self.fleet.states().values()).count('up') < number:
            if time.monotonic() > limit:
                raise RuntimeError(f'not all up: {self.fleet.states()}')
            time.sleep(0.1)

    # What it costs.

    def pids(self) -> list[int]:
        """Return all processes of the daemons, without those they serve by."""
        return [pid for daemon in self.fleet.daemons.values()
                for pid in daemon.pids()]

    def cpu(self) -> float:
        """Return the processor seconds of the daemons and what they ran."""
        return sum(_cpu(pid) for pid in self.pids())

    def cpu_of(self, kind: str) -> float:
        """Return the processor seconds of one kind of daemon."""
        return sum(_cpu(pid) for daemon in self.fleet.daemons.values()
                   if daemon.name.startswith(f'{kind}@')
                   for pid in daemon.pids())

    def memory(self) -> float:
        """Return the proportional set size of all daemons in MiB."""
        return sum(_pss(pid) for pid in self.pids()) / _MIB

    # Work.

    def send(self, method: str, path: str, body: typing.Any = None,
             ) -> typing.Any:
        """Send a request on this thread's own connection."""
        connection = self._connection()
        connection.request(
            method, f'/v3/{fleet.PROJECT}/{path}',
            body=None if body is None else json.dumps(body),
            headers={'X-Auth-Token': f'admin:{fleet.PROJECT}',
                     'Content-Type': 'application/json',
                     'OpenStack-API-Version': 'volume 3.71'})
        answer = connection.getresponse()
        data = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f'{method} {path}: {answer.status} {data!r}')
        return json.loads(data) if data else None

    def _connection(self) -> http.client.HTTPConnection:
        """Return this thread's connection, a new one after a pause."""
        now = time.monotonic()
        found: http.client.HTTPConnection | None = getattr(
            self._here, 'connection', None)
        if found is None or now - self._here.used_at > _IDLE:
            if found is not None:
                found.close()
            found = self._here.connection = http.client.HTTPConnection(
                '127.0.0.1', self.fleet.port, timeout=_LIMIT)
        self._here.used_at = now
        return found

    def snapshot(self, volume_id: str) -> str:
        """Ask for a snapshot; return its id."""
        made = self.send('POST', 'snapshots',
                         {'snapshot': {'volume_id': volume_id}})
        return str(made['snapshot']['id'])

    def at_once(self, work: Callable[[str], typing.Any],
                ids: Iterable[str]) -> list[typing.Any]:
        """Do something for each id, eight at a time."""
        return list(self._pool.map(work, ids))

    def await_snapshots(self, ids: Collection[str], pause: float = 0.002,
                        ) -> None:
        """Wait until snapshots are available, by the database."""
        self._await(sa.select(sa.func.count()).where(
            _SNAPSHOTS.c.status == 'available', _SNAPSHOTS.c.id.in_(ids)),
            len(ids), pause)

    def await_gone(self, ids: Collection[str]) -> None:
        """Wait until snapshots are deleted."""
        self._await(sa.select(sa.func.count()).where(
            _SNAPSHOTS.c.deleted == sa.true(), _SNAPSHOTS.c.id.in_(ids)),
            len(ids), 0.01)

    def await_rest(self) -> None:
        """Wait until no operation is open."""
        self._await(sa.select(sa.func.count()).where(
            _OPERATIONS.c.state.in_(operations.OPEN)), 0, 0.01)

    def _await(self, statement: typing.Any, wanted: int, pause: float,
               ) -> None:
        limit = time.monotonic() + _LIMIT
        while True:
            with self.database.read() as tx:
                found = tx.execute(statement).scalar_one()
            if found == wanted:
                return
            if time.monotonic() > limit:
                raise RuntimeError(f'{found} of {wanted}')
            time.sleep(pause)


def others() -> dict[str, float]:
    """Return the processor seconds of what is not ours, by its name."""
    found = dict.fromkeys(OTHERS, 0.0)
    for entry in pathlib.Path('/proc').iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                program = (entry / 'comm').read_text().strip()
                for name, wanted in OTHERS.items():
                    if program == wanted:
                        found[name] += _cpu(int(entry.name))
    return found


def _cpu(pid: int) -> float:
    try:
        text = pathlib.Path(f'/proc/{pid}/stat').read_text()
    except FileNotFoundError:
        return 0.0
    # Its own, in user mode and in the kernel's, and its children's.
    fields = text.rpartition(')')[2].split()[11:15]
    return sum(int(field) for field in fields) / _TICKS


def _pss(pid: int) -> int:
    text = pathlib.Path(f'/proc/{pid}/smaps_rollup').read_text()
    return next(int(line.split()[1]) * 1024 for line in text.splitlines()
                if line.startswith('Pss:'))
