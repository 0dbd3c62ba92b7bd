"""The process under test: started, armed, killed and started again."""

import pathlib
import signal
import time
import typing

from blockstore.tests import rest
from blockstore.tests.crash import arming
from blockstore.tests.crash import backends
from blockstore.tests.crash import nursery
from blockstore.tests.crash import storage
from blockstore.tests.crash.crossings import Crossing

HOST = 'crash'
PROJECT = '00000000000000000000000000000001'
LEASE = 2.0
CHUNK = 256 * 1024
_START_TIMEOUT = 120.0
_CONFIG = """
[DEFAULT]
log_file = {log}
[service]
host = {host}
state_path = {state}
report_interval = {report_interval}
service_down_time = 600
[operations]
lease = {lease}
poll_interval = 0.3
max_attempts = {attempts}
[store]
posix_path = {store}
chunk_size = {chunk}
workers = 2
journal_chunks = 2
journal_seconds = 30
[quota]
volumes = 100
snapshots = 100
backups = 100
[volume]
enabled_backends = {name}
[qsd]
qsd_directory = {images}
qsd_run_directory = {run}
qsd_capacity_gb = 100
[{name}]
{backend}
[api]
port = {port}
[backup]
{backup}
"""


class Service:
    """One ``blockstore-all`` with everything that it keeps.

    :param directory: for all files; short, as sockets are below it.
    :param backend: further lines of its back end's section.
    :param backup: lines of its section ``[backup]``.
    :param report_interval: seconds between its back end's statistics.
    :param looked_at: its back end, if that has no qcow2 files.
    """

    def __init__(self, directory: pathlib.Path, *, backend: str = '',
                 backup: str = '', attempts: int = 10,
                 report_interval: int = 1,
                 looked_at: backends.Backend | None = None) -> None:
        looked_at = looked_at or backends.Qcow(
            f'{HOST}@qsd', directory / 'images', directory / 'run')
        self.directory = directory
        self.images = directory / 'images'
        self.run = directory / 'run'
        self.store = directory / 'store'
        self.database_url = (
            f'sqlite:///{directory}/state/blockstore.sqlite')
        self.backends = (looked_at,)
        self.log = directory / 'service.log'
        self._arm = arming.Arm(directory / 'arm')
        #: When it was started again after the last strike.
        self.struck_at: float | None = None
        self._port = rest.free_port()
        self._nursery: nursery.Nursery | None = None
        self._process: nursery.Forked | None = None
        (directory / 'state').mkdir()
        (directory / 'conf').write_text(_CONFIG.format(
            log=self.log, host=HOST, lease=LEASE,
            state=directory / 'state', store=self.store, chunk=CHUNK,
            images=self.images, run=self.run, port=self._port,
            name=looked_at.name.partition('@')[2], backend=backend,
            backup=backup, attempts=attempts,
            report_interval=report_interval), encoding='utf-8')

    def start(self) -> None:
        """Start it and wait until it answers."""
        if self._nursery is None:
            self._nursery = nursery.Nursery(
                'blockstore.cmd.all', [self.directory / 'conf'],
                self._arm.path, self.directory / 'words', self.run)
        self._process = self._nursery.start()
        limit = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < limit and not self.dead():
            try:
                if self.request('GET', 'volumes').status == 200:
                    return
            except rest.Broken:
                time.sleep(0.01)
        # One that is armed may die before anybody asks it anything.
        if not self.was_killed():
            raise rest.Broken(f'it did not start: {self.last_words()}')

    def last_words(self) -> str:
        """Return what it has printed and logged, and where it stands."""
        if self._process is not None and not self.dead():
            self._process.send_signal(signal.SIGUSR1)
            time.sleep(0.2)
        lines = []
        for path in (self.log, self.directory / 'words'):
            if path.exists():
                lines += path.read_text(
                    encoding='utf-8', errors='replace').splitlines()
        return '\n'.join(line for line in lines[-400:]
                         if 'blockstore.api.router' not in line)

    def words(self) -> str:
        """Return all that it has logged."""
        return self.log.read_text(encoding='utf-8')

    def dead(self) -> bool:
        """Tell whether the process has ended."""
        return self._process is None or self._process.poll() is not None

    def kill(self) -> None:
        """End the process with SIGKILL, unless it is dead already."""
        if self._process is not None:
            self._process.kill()

    def was_killed(self) -> bool:
        """Tell whether the process ended by SIGKILL, and not by itself."""
        return (self._process is not None
                and self._process.poll() == -signal.SIGKILL)

    def revive(self, target: Crossing | None = None) -> None:
        """Start it again after a strike, whether that has hit or not.

        :param target: where the new process is to die.
        :raises rest.Broken: it ended by itself.
        """
        if self.dead() and not self.was_killed():
            raise rest.Broken(f'it ended by itself: {self.last_words()}')
        self.kill()
        self.arm(target)
        self.start()
        self.struck_at = time.monotonic()

    def end(self) -> None:
        """End the process and all storage daemons."""
        if self._nursery is not None:
            self._nursery.end()
            self._nursery = None
        storage.kill_all(str(self.run))

    # Boundaries.

    def arm(self, target: Crossing | None, victim: str = '') -> None:
        """From now on record crossings, and strike at the target."""
        self._arm.set(target, victim)

    def disarm(self) -> None:
        """Record and strike no more."""
        self._arm.clear()

    def crossings(self) -> list[Crossing]:
        """Return what was crossed since the process was last armed."""
        return self._arm.crossings()

    # HTTP.

    def quota(self) -> typing.Any:
        """Return what is counted for the project."""
        return self.request(
            'GET', f'os-quota-sets/{PROJECT}?usage=true').json['quota_set']

    def request(self, method: str, path: str, body: typing.Any = None,
                **how: str) -> rest.Answer:
        """Send one request, by default as an administrator of the project.

        :param how: further arguments of :func:`rest.send`.
        :raises rest.Broken: no answer came.
        """
        return rest.send(self._port, PROJECT, method, path, body, **how)
