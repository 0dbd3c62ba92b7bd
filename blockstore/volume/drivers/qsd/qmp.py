"""A client of QEMU's monitor protocol (QMP) on a unix socket.

One command at a time; threads share a client.  Events are skipped: what this
driver waits for, it asks for.

>>> monitor = Monitor('/run/x.q', timeout=30)
>>> monitor.command('query-version')['qemu']['major']
"""

import json
import socket
import threading
import time
import typing

from blockstore import exceptions

_LONGEST_LINE = 16 << 20
_FIRST_ANSWER = 2.0     # seconds


class Refused(exceptions.DriverError):
    """Raised when the daemon answers a command with an error."""


class Lost(exceptions.DriverError):
    """Raised when the daemon is not there or stopped answering."""


class Monitor:
    """An open monitor of one daemon."""

    def __init__(self, path: str, timeout: float) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(path)
            self._lines = self._socket.makefile('rb')
            self._line()
        except (OSError, Lost) as error:
            self._socket.close()
            raise Lost(f'no monitor at {path}: {error}') from error
        self.command('qmp_capabilities')

    def _line(self) -> dict[str, typing.Any]:
        line = self._lines.readline(_LONGEST_LINE)
        if not line.endswith(b'\n'):
            raise Lost(f'the monitor at {self._path} closed')
        try:
            message = json.loads(line)
        except ValueError as error:
            raise Lost(f'the monitor at {self._path} sent no JSON') from error
        return typing.cast(dict[str, typing.Any], message)

    def command(self, name: str, /, **arguments: typing.Any) -> typing.Any:
        """Run a command; underscores in argument names stand for hyphens.

        :raises Refused: when the daemon answered an error.
        :raises Lost: when it did not answer in time.
        """
        return self.execute(name, {key.replace('_', '-'): value
                                   for key, value in arguments.items()})

    def execute(self, name: str, arguments: dict[str, typing.Any],
                ) -> typing.Any:
        """Run a command with its arguments as they are."""
        with self._lock:
            self._number += 1
            request = {'execute': name, 'arguments': arguments,
                       'id': self._number}
            try:
                self._socket.sendall(json.dumps(request).encode() + b'\n')
                while True:
                    answer = self._line()
                    if answer.get('id') == self._number:
                        break
            except OSError as error:
                # A late answer must not be taken for the next one's.
                self._socket.close()
                raise Lost(f'{name} was not answered: {error}') from error
        if 'error' in answer:
            raise Refused(f'{name}: {answer["error"].get("desc")}')
        return answer.get('return')

    def be_patient(self, timeout: float) -> None:
        """Set how many seconds an answer may take."""
        self._socket.settimeout(timeout)

    def close(self) -> None:
        """Hang up; the daemon goes on."""
        self._lines.close()
        self._socket.close()


def open_when_ready(path: str, timeout: float,
                    alive: typing.Callable[[], bool]) -> Monitor:
    """Wait for a daemon to answer a new client.

    A daemon was seen (once in a thousand starts) to greet and then not to
    answer a client that came very early, or right after another one left;
    the next try reaches it.

    :param alive: tells whether waiting still makes sense.
    :raises Lost: when the daemon ended or time is up.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            monitor = Monitor(path, min(timeout / 3, _FIRST_ANSWER))
        except Lost:
            if not alive() or time.monotonic() > deadline:
                raise
        else:
            monitor.be_patient(timeout)
            return monitor
        time.sleep(0.003)
