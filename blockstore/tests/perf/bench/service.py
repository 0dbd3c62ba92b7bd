"""A service under measurement: ``blockstore-all`` as a process of its own.

Its processor time and memory are read from /proc, so what the measuring
itself costs is not counted.

>>> with Service(directory, backend='qsd') as service:
...     before = service.cpu()
...     service.get('volumes')
...     print(service.cpu() - before)
"""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import typing

from blockstore.volume.drivers.qsd import daemon

PROJECT = '0123456789abcdef0123456789abcdef'
TOKEN = f'admin:{PROJECT}'
VERSION = 'volume 3.71'
_START_SECONDS = 60.0
_STOP_SECONDS = 30.0
_TICKS = os.sysconf('SC_CLK_TCK')
_CONFIGURATION = """\
[service]
host = bench
state_path = {directory}/state
[quota]
volumes = -1
snapshots = -1
gigabytes = -1
backups = -1
backup_gigabytes = -1
[store]
posix_path = {directory}/store
compression_level = {level}
[volume]
enabled_backends = {backend}
[qsd]
volume_driver = qsd
qsd_directory = {directory}/volumes
qsd_run_directory = {run}
qsd_capacity_gb = 1000
[memory]
volume_driver = memory
[api]
port = {port}
"""


class Service:
    """One running service.

    :param directory: an empty directory that it may fill.
    :param backend: ``qsd`` or ``memory``.
    :param level: compression of backups.
    """

    def __init__(self, directory: pathlib.Path, *, backend: str = 'qsd',
                 level: int = 1) -> None:
        self.directory = directory
        self._port = _free_port()
        # Paths of sockets are short, and the directory's may be long.
        self.run_directory = pathlib.Path(tempfile.mkdtemp(prefix='bench-'))
        self._log = directory / 'service.log'
        self._config = directory / 'blockstore.conf'
        self._config.write_text(_CONFIGURATION.format(
            directory=directory, backend=backend, level=level,
            port=self._port, run=self.run_directory))
        self._process: subprocess.Popen[bytes] | None = None
        self._connection = http.client.HTTPConnection(
            '127.0.0.1', self._port, timeout=60)

    @property
    def database_url(self) -> str:
        """The URL of its database."""
        return f'sqlite:///{self.directory}/state/blockstore.sqlite'

    @property
    def pid(self) -> int:
        """Its process id."""
        if self._process is None:
            raise RuntimeError('the service does not run')
        return self._process.pid

    def __enter__(self) -> 'Service':
        with open(self._log, 'ab') as log:
            self._process = subprocess.Popen(
                [sys.executable, '-W', 'ignore', '-m', 'blockstore.cmd.all',
                 '--config-file', str(self._config)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True)
        limit = time.monotonic() + _START_SECONDS
        while not self._serves():
            if self._process.poll() is not None or time.monotonic() > limit:
                raise RuntimeError(
                    f'the service did not start:\n{self._log.read_text()}')
            time.sleep(0.05)
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._end_storage_daemons()

    def _serves(self) -> bool:
        try:
            answer = self.get('os-services')
        except (OSError, ValueError, http.client.HTTPException):
            self._connection.close()
            return False
        return len([one for one in answer['services']
                    if one['state'] == 'up']) >= 3

    def _end_storage_daemons(self) -> None:
        """Stop the storage daemons, which outlive the service on purpose."""
        for pid in self.storage_daemons():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.run_directory)

    def storage_daemons(self) -> list[int]:
        """Return the process ids of the storage daemons that run."""
        return [pid for path in self.run_directory.glob('*.pid')
                if (pid := daemon.living(str(path))) is not None]

    def request(self, method: str, path: str, body: typing.Any = None,
                ) -> typing.Any:
        """Send one request below the project; return the answer's JSON."""
        headers = {'X-Auth-Token': TOKEN, 'OpenStack-API-Version': VERSION}
        if body is not None:
            headers['Content-Type'] = 'application/json'
        self._connection.request(
            method, f'/v3/{PROJECT}/{path}', headers=headers,
            body=None if body is None else json.dumps(body))
        answer = self._connection.getresponse()
        raw = answer.read()
        if answer.status >= 400:
            raise ValueError(f'{method} {path}: {answer.status} {raw!r}')
        return json.loads(raw) if raw else None

    def get(self, path: str) -> typing.Any:
        """Send a GET."""
        return self.request('GET', path)

    def wait(self, noun: str, id_: str, wanted: str = 'available',
             timeout: float = 600.0, pause: float = 0.002) -> typing.Any:
        """Wait until a resource has a status; return its body."""
        limit = time.monotonic() + timeout
        while True:
            body = self.get(f'{noun}/{id_}')[noun.removesuffix('s')]
            if body['status'] == wanted:
                return body
            if (body['status'].startswith('error')
                    or time.monotonic() > limit):
                raise RuntimeError(f'{noun} {id_} is {body}')
            time.sleep(pause)

    def wait_gone(self, noun: str, id_: str, timeout: float = 60.0) -> None:
        """Wait until a resource is not found any more."""
        limit = time.monotonic() + timeout
        while any(row['id'] == id_ for row in self.get(noun)[noun]):
            if time.monotonic() > limit:
                raise RuntimeError(f'{noun} {id_} is still there')
            time.sleep(0.01)

    def make(self, noun: str, body: typing.Any, **waiting: typing.Any,
             ) -> typing.Any:
        """Create a resource and wait until it is available."""
        made = self.request('POST', noun, {noun.removesuffix('s'): body})
        return self.wait(noun, made[noun.removesuffix('s')]['id'], **waiting)

    def cpu(self) -> float:
        """Return the processor time of the process so far, in seconds."""
        text = pathlib.Path(f'/proc/{self.pid}/stat').read_text()
        fields = text.rpartition(')')[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory(self) -> dict[str, float]:
        """Return PSS and RSS in MiB."""
        return {name: self._kib('smaps_rollup', name) / 1024
                for name in ('Pss', 'Rss')}

    def forget_peak(self) -> None:
        """Begin to note the most memory anew."""
        pathlib.Path(f'/proc/{self.pid}/clear_refs').write_text('5')

    def peak(self) -> float:
        """Return the most memory since then, in MiB."""
        return self._kib('status', 'VmHWM') / 1024

    def _kib(self, file: str, name: str) -> int:
        lines = pathlib.Path(f'/proc/{self.pid}/{file}').read_text()
        return next(int(line.split()[1]) for line in lines.splitlines()
                    if line.startswith(f'{name}:'))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return int(probe.getsockname()[1])
