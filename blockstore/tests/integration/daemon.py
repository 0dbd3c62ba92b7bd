"""One daemon of a fleet: a process of its own, started, frozen, killed."""

import contextlib
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import time
import typing

from blockstore.tests.crash import child

START_SECONDS = 90.0
STOP_SECONDS = 60.0


class Process(typing.Protocol):
    """What a daemon needs of :class:`subprocess.Popen`."""

    @property
    def pid(self) -> int:
        """Its process id, and that of its group."""

    def poll(self) -> int | None:
        """Return its exit code, or None."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its exit code."""

    def send_signal(self, sig: int) -> None:
        """Send it a signal, unless it has ended."""


class Daemon:
    """A daemon as systemd would run it: it tells when it is ready.

    :param name: unique in the fleet, such as ``volume@node1``.
    :param module: what ``python -m`` runs.
    :param files: its configuration files, read in this order.
    :param directory: where its log and its notification socket are.
    :param environment: variables in addition to those of the tests.
    """

    def __init__(self, name: str, module: str,
                 files: typing.Sequence[pathlib.Path],
                 directory: pathlib.Path,
                 environment: typing.Mapping[str, str] | None = None,
                 ) -> None:
        self.name = name
        self.module = module
        self.files = tuple(files)
        self.log = directory / f'{name}.log'
        #: Seconds from its start until it said that it was ready.
        self.ready_after = 0.0
        self.process: Process | None = None
        self._socket = directory / f'{name}.ready'
        self.environment = {**(environment or {}),
                            'NOTIFY_SOCKET': str(self._socket)}
        self._listener: socket.socket | None = None
        self._started_at = 0.0
        #: What it has told systemd and nobody has listened to yet.
        self._heard: list[str] = []

    @property
    def pid(self) -> int:
        """Its process id."""
        if self.process is None:
            raise RuntimeError(f'{self.name} was never started')
        return self.process.pid

    def start(self) -> None:
        """Start it and do not wait."""
        self._listen()
        self._started_at = time.monotonic()
        self.process = self.spawn()

    def spawn(self) -> Process:
        """Make its process, a group of its own."""
        with open(self.log, 'ab') as log:
            return subprocess.Popen(
                [sys.executable, '-m', self.module, *(
                    word for path in self.files
                    for word in ('--config-file', str(path)))],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, preexec_fn=child.die_with_parent,
                env={**os.environ, **self.environment})

    def await_ready(self, seconds: float = START_SECONDS) -> None:
        """Wait until it says that it is ready.

        :raises RuntimeError: it ended, or said nothing for too long.
        """
        limit = time.monotonic() + seconds
        while not self._heard_ready():
            if not self.alive() or time.monotonic() > limit:
                raise RuntimeError(
                    f'{self.name} did not start:\n{self.last_words()}')
        self.ready_after = time.monotonic() - self._started_at

    def hear(self, start: str, seconds: float = START_SECONDS) -> list[str]:
        """Wait until it tells systemd a line that starts so.

        :returns: all lines up to that one, beginning where the last call or
            :meth:`await_ready` had ended.
        :raises RuntimeError: it did not tell that.
        """
        told: list[str] = []
        limit = time.monotonic() + seconds
        while not (told and told[-1].startswith(start)):
            if self._heard:
                told.append(self._heard.pop(0))
            elif not self._receive() and (
                    not self.alive() or time.monotonic() > limit):
                raise RuntimeError(f'{self.name} told {told} and not {start}:'
                                   f'\n{self.last_words()}')
        return told

    def _listen(self) -> None:
        self._hang_up()
        self._heard.clear()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._listener.bind(str(self._socket))

    def _hang_up(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._socket.unlink(missing_ok=True)

    def _heard_ready(self) -> bool:
        self._receive()
        if 'READY=1' not in self._heard:
            return False
        del self._heard[:self._heard.index('READY=1') + 1]
        return True

    def _receive(self) -> bool:
        """Note what it tells next; False if it says nothing for a moment."""
        if self._listener is None or not select.select(
                [self._listener], [], [], 0.05)[0]:
            return False
        self._heard += self._listener.recv(4096).decode().split('\n')
        return True

    def alive(self) -> bool:
        """Tell whether the process runs (or is frozen)."""
        return self.process is not None and self.process.poll() is None

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """End it by SIGTERM, as systemd does; return its exit code."""
        self.terminate()
        return self.wait(seconds)

    def terminate(self) -> None:
        """Ask it to end (SIGTERM) and do not wait."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Wait for its end; return its exit code (a signal's is negative).

        :raises subprocess.TimeoutExpired: it did not end.
        """
        if self.process is None:
            return 0
        code = self.process.wait(seconds)
        self._hang_up()
        return code

    def kill(self) -> None:
        """End it by SIGKILL, with its workers; what it served goes on."""
        self.signal(signal.SIGKILL)
        self.wait()

    def freeze(self) -> None:
        """Stop it in its tracks: SIGSTOP."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after :meth:`freeze`, none the wiser."""
        self.signal(signal.SIGCONT)

    def signal(self, number: int) -> None:
        """Send a signal to the whole process group of it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def pids(self) -> list[int]:
        """Return the process ids of it and of its workers."""
        found = []
        for entry in pathlib.Path('/proc').iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                if os.getpgid(int(entry.name)) == self.pid:
                    found.append(int(entry.name))
        return sorted(found)

    def last_words(self, size: int = 20_000) -> str:
        """Return the end of its log."""
        if not self.log.exists():
            return ''
        return self.log.read_text(encoding='utf-8', errors='replace')[-size:]
