"""The process under test: started, armed, killed and started again."""

import http.client
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import time
import typing
import urllib.error
import urllib.request

from blockstore.tests.crash import checks
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
report_interval = 1
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
enabled_backends = qsd
[qsd]
qsd_directory = {images}
qsd_run_directory = {run}
qsd_capacity_gb = 100
{backend}
[api]
port = {port}
[backup]
{backup}
"""


class Broken(Exception):
    """The service did not answer: it died before it could, or is not up."""


class Answer(typing.NamedTuple):
    """An HTTP answer."""

    status: int
    json: typing.Any


class Service:
    """One ``blockstore-all`` with everything that it keeps.

    :param directory: for all files; short, as sockets are below it.
    :param backend: further lines of its section ``[qsd]``.
    :param backup: lines of its section ``[backup]``.
    """

    def __init__(self, directory: pathlib.Path, *, backend: str = '',
                 backup: str = '', attempts: int = 10) -> None:
        self.directory = directory
        self.images = directory / 'images'
        self.run = directory / 'run'
        self.store = directory / 'store'
        self.database_url = (
            f'sqlite:///{directory}/state/blockstore.sqlite')
        self.backends = (checks.Backend(f'{HOST}@qsd', self.images,
                                        self.run),)
        self.log = directory / 'service.log'
        self._arm = directory / 'arm'
        self._serial = 0
        self._port = _free_port()
        self._nursery: typing.Any = None
        self._pid = 0
        self._status: int | None = None
        (directory / 'state').mkdir()
        (directory / 'conf').write_text(_CONFIG.format(
            log=self.log, host=HOST, state=directory / 'state', lease=LEASE,
            store=self.store, chunk=CHUNK, images=self.images, run=self.run,
            port=self._port, backend=backend, backup=backup,
            attempts=attempts), encoding='utf-8')

    def start(self) -> None:
        """Start it and wait until it answers."""
        if self._nursery is None:
            self._nursery = self._open_nursery()
        self._tell_nursery()
        self._pid, self._status = int(self._hear()), None
        limit = time.monotonic() + _START_TIMEOUT
        while time.monotonic() < limit and not self.dead():
            try:
                if self.request('GET', 'volumes').status == 200:
                    return
            except Broken:
                time.sleep(0.01)
        raise Broken(f'it did not start: {self.last_words()}')

    def _open_nursery(self) -> 'subprocess.Popen[bytes]':
        with open(self.directory / 'words', 'ab') as words:
            return subprocess.Popen(
                [sys.executable, '-m', 'blockstore.tests.crash.child',
                 '--config-file', str(self.directory / 'conf')],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words,
                bufsize=0,
                env={**os.environ, 'BLOCKSTORE_CRASH_ARM': str(self._arm),
                     'BLOCKSTORE_CRASH_RUN': str(self.run)})

    def _tell_nursery(self) -> None:
        os.write(self._nursery.stdin.fileno(), b'start\n')

    def _hear(self) -> bytes:
        line = self._nursery.stdout.readline()
        if not line:
            raise Broken(f'it cannot be loaded: {self.last_words()}')
        return line

    def last_words(self) -> str:
        """Return what it has printed and logged, and where it stands."""
        if not self.dead():
            os.kill(self._pid, signal.SIGUSR1)
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
        if self._status is None and self._pid and select.select(
                [self._nursery.stdout], [], [], 0)[0]:
            self._status = int(self._hear())
        return self._pid == 0 or self._status is not None

    def kill(self) -> None:
        """End the process with SIGKILL, unless it is dead already."""
        if not self.dead():
            os.kill(self._pid, signal.SIGKILL)
            self._status = int(self._hear())

    def was_killed(self) -> bool:
        """Tell whether the process ended by SIGKILL, and not by itself."""
        return self.dead() and self._status == signal.SIGKILL

    def end(self) -> None:
        """End the process and all storage daemons."""
        if self._nursery is not None:
            if self._nursery.poll() is None:
                self.kill()
            self._nursery.kill()
            self._nursery.communicate()
            self._nursery = None
        storage.kill_all(str(self.run))

    # Boundaries.

    def arm(self, target: Crossing | None, victim: str = '') -> None:
        """From now on record crossings, and strike at the target."""
        self._serial += 1
        self._tell(f'{self._serial}\n{target or ""}\n{victim}\n')

    def disarm(self) -> None:
        """Record and strike no more."""
        self._tell('\n')

    def _tell(self, text: str) -> None:
        # Renamed, so that it is another file each time: the child looks.
        fresh = self._arm.with_suffix('.new')
        fresh.write_text(text, encoding='utf-8')
        fresh.rename(self._arm)

    def crossings(self) -> list[Crossing]:
        """Return what was crossed since the process was last armed."""
        found = []
        log = self._arm.with_suffix('.log')
        for line in log.read_text(encoding='utf-8').splitlines():
            serial, _, text = line.partition(' ')
            if serial == str(self._serial):
                found.append(Crossing.parse(text))
        return found

    # HTTP.

    def quota(self) -> typing.Any:
        """Return what is counted for the project."""
        return self.request(
            'GET', f'os-quota-sets/{PROJECT}?usage=true').json['quota_set']

    def request(self, method: str, path: str, body: typing.Any = None,
                ) -> Answer:
        """Send one request as an administrator of the project.

        :raises Broken: no answer came.
        """
        request = urllib.request.Request(
            f'http://127.0.0.1:{self._port}/v3/{PROJECT}/{path}',
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={'X-Auth-Token': f'admin:{PROJECT}',
                     'Content-Type': 'application/json',
                     'OpenStack-API-Version': 'volume 3.71'})
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return _answer(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error.code, error.read())
        except (OSError, http.client.HTTPException) as error:
            raise Broken(f'{method} {path}: {error}') from error


def _answer(status: int, data: bytes) -> Answer:
    return Answer(status, json.loads(data) if data else None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port: int = probe.getsockname()[1]
        return port
