"""The directory of a tour: everything is below it, and goes with it.

Only the logs stay when the tour is over.  What an earlier tour has left that
was cut off hard (its service, its storage daemons, its files) is removed
before the next begins.
"""

from collections.abc import Callable
import contextlib
import fcntl
import functools
import os
import pathlib
import shutil
import signal
import socket
import sys
import time
import types

from blockstore.volume.drivers.qsd import daemon
from blockstore.volume.drivers.qsd import settings

CLOUD = 'blockstore'
PROJECT = '00000000000000000000000000b10c57'
_HOST = 'quickstart'
_KILL_SECONDS = 10.0
_CONFIGURATION = """\
# Made by tools/quickstart.
[DEFAULT]
log_file = {place.logs}/blockstore.log

[service]
host = {host}
state_path = {place.state}

[api]
host = 127.0.0.1
port = {place.port}

[operations]
# Short, so that the progress that is shown is new.
lease = 1.5
poll_interval = 1

[qsd]
qsd_directory = {place.volumes}

[store]
posix_path = {place.state}/backups
journal_seconds = 0.1
"""
_CLOUDS = """\
# Made by tools/quickstart: for openstack, openstacksdk and others.
clouds:
  {cloud}:
    auth_type: admin_token
    auth:
      endpoint: {place.endpoint}
      token: admin:{project}
    block_storage_default_microversion: '3.71'
    # There is nothing here but block storage.
    has_compute: false
    has_image: false
    has_network: false
"""


class Busy(Exception):
    """Raised when another tour uses the directory."""


class Place:
    """The files of one tour.

    :param directory: made if it is not there.
    :param port: the port to listen on, or another if that is taken.
    """

    def __init__(self, directory: pathlib.Path, port: int) -> None:
        self.directory = directory.absolute()
        self.logs = self.directory / 'logs'
        self.state = self.directory / 'state'
        self.volumes = self.state / 'volumes'
        self.configuration = self.directory / 'blockstore.conf'
        self.clouds = self.directory / 'clouds.yaml'
        self.pid = self.directory / 'service.pid'
        self.port = free_port(port)
        self._lock: int | None = None

    @property
    def endpoint(self) -> str:
        """The URL of the API."""
        return f'http://127.0.0.1:{self.port}/v3'

    def prepare(self) -> None:
        """Take the directory, and write what programs read.

        :raises Busy: a tour is under way here.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(self.directory / 'lock',
                             os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if _is_held(self._lock):
            raise Busy(f'another quickstart uses {self.directory}; stop it, '
                       'or name another directory with --dir')
        self.sweep()
        shutil.rmtree(self.logs, ignore_errors=True)
        self.logs.mkdir()
        self.state.mkdir()
        self.configuration.write_text(
            _CONFIGURATION.format(place=self, host=_HOST))
        self.clouds.write_text(_CLOUDS.format(
            place=self, cloud=CLOUD, project=PROJECT))

    def sweep(self) -> None:
        """End what still runs here, and remove everything but the logs."""
        self._end_service()
        for pid_file in map(str, self.daemons()):
            _kill(daemon.living(pid_file),
                  functools.partial(daemon.living, pid_file))
        run = self._run_directory()
        if run != self.volumes / 'run':
            shutil.rmtree(run, ignore_errors=True)
        shutil.rmtree(self.state, ignore_errors=True)
        for path in (self.configuration, self.clouds, self.pid):
            path.unlink(missing_ok=True)

    def daemons(self) -> list[pathlib.Path]:
        """List the pid files of storage daemons that run."""
        return [path for path in sorted(self._run_directory().glob('*.pid'))
                if daemon.living(str(path)) is not None]

    def _run_directory(self) -> pathlib.Path:
        return pathlib.Path(settings.from_conf(types.SimpleNamespace(
            qsd_directory=str(self.volumes)), f'{_HOST}@qsd').run_directory)

    def _end_service(self) -> None:
        """Kill the service of an earlier tour, if it is that process."""
        lock = self.state / f'backup-{_HOST}.lock'
        try:
            pid = int(self.pid.read_text())
            descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
        except (OSError, ValueError):
            return
        try:
            if _is_held(descriptor):
                _kill(pid, lambda: _is_held(descriptor))
        finally:
            os.close(descriptor)

    def leave(self) -> None:
        """Remove everything but the logs, and let go of the directory."""
        self.sweep()
        if self._lock is not None:
            (self.directory / 'lock').unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None


def default_directory() -> pathlib.Path:
    """Return where a tour is made when nobody says otherwise."""
    base = os.environ.get('XDG_STATE_HOME')
    root = pathlib.Path(base) if base else (
        pathlib.Path.home() / '.local' / 'state')
    return root / 'blockstore-quickstart'


def free_port(wanted: int) -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(('127.0.0.1', port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError('no port of 127.0.0.1 is free')


def programs() -> pathlib.Path:
    """Return the directory of the programs that belong to this Python."""
    return pathlib.Path(sys.executable).parent


def _is_held(descriptor: int) -> bool:
    """Tell whether another process has locked a file; else lock it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _kill(pid: int | None, alive: Callable[[], object]) -> None:
    """End a process, and wait until what it held is free."""
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + _KILL_SECONDS
    while alive() and time.monotonic() < deadline:
        time.sleep(0.01)
