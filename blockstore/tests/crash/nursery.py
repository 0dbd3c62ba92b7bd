"""Processes that start at once, because all that they need is loaded.

A nursery is a process that has loaded a program, and forks for each start;
see :mod:`.child` for its side.

>>> nursery = Nursery('blockstore.cmd.all', files, arm, words, run_directory)
>>> process = nursery.start()
>>> process.kill()
"""

import contextlib
import os
import pathlib
import select
import signal
import subprocess
import sys
import time
import typing

from blockstore.tests import rest


class Forked:
    """A process that a nursery has started, as :mod:`subprocess` has them."""

    def __init__(self, pid: int, parent: 'Nursery') -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._parent = parent

    def poll(self) -> int | None:
        """Return its exit code (negative: the signal); None: it runs."""
        if self.returncode is None and self._parent.has_news():
            self.returncode = os.waitstatus_to_exitcode(
                int(self._parent.hear()))
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        :raises subprocess.TimeoutExpired: it did not end in time.
        """
        limit = time.monotonic() + (timeout or float('inf'))
        while self.poll() is None:
            if time.monotonic() > limit:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            time.sleep(0.002)
        return typing.cast(int, self.returncode)

    def send_signal(self, sig: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            # It may end just now.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def kill(self) -> None:
        """End it by SIGKILL, with the processes of its group."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self.wait()


class Nursery:
    """Has loaded a program.

    :param module: the program, such as ``blockstore.cmd.all``.
    :param files: its configuration files.
    :param arm: see :mod:`.child`.
    :param words: gets what it prints.
    :param run_directory: where its storage daemons have their sockets.
    :param environment: further variables.
    """

    def __init__(self, module: str, files: typing.Sequence[pathlib.Path],
                 arm: pathlib.Path, words: pathlib.Path,
                 run_directory: pathlib.Path,
                 environment: typing.Mapping[str, str] | None = None,
                 ) -> None:
        self._words = words
        arguments = [word for path in files
                     for word in ('--config-file', str(path))]
        with open(words, 'ab') as printed:
            self._process = subprocess.Popen(
                [sys.executable, '-m', 'blockstore.tests.crash.child',
                 module, *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=printed, bufsize=0, env={
                    **os.environ, **(environment or {}),
                    'BLOCKSTORE_CRASH_ARM': str(arm),
                    'BLOCKSTORE_CRASH_RUN': str(run_directory)})

    def start(self) -> Forked:
        """Start the program; the one before must have ended."""
        os.write(typing.cast(typing.Any, self._process.stdin).fileno(),
                 b'start\n')
        return Forked(int(self.hear()), self)

    def has_news(self) -> bool:
        """Tell whether there is something to hear."""
        return bool(select.select([self._process.stdout], [], [], 0)[0])

    def hear(self) -> bytes:
        """Return the next line that the nursery says."""
        line: bytes = typing.cast(
            typing.Any, self._process.stdout).readline()
        if not line:
            raise rest.Broken('it cannot be loaded: '
                              + self._words.read_text('utf-8', 'replace'))
        return line

    def end(self) -> None:
        """End it; what it has started ends with it."""
        self._process.kill()
        self._process.communicate()
