"""A program, with a listener that lets it die at a boundary.

The parent arms it by writing the file that ``BLOCKSTORE_CRASH_ARM`` names:
a number that is new each time, and on a second line the crossing to die at
(none: only record).  Every crossing from then on is appended to the file of
that name with ``.log`` behind it, before it takes effect.  With a third line
``storage`` it is the storage daemons that die, and this process goes on.
Otherwise the program dies with all processes that it has forked.

On SIGUSR1 it prints where each of its threads stands.
"""

import collections
import ctypes
import faulthandler
import importlib
import os
import signal
import sys
import threading
import typing

from blockstore.lifecycle import boundaries
from blockstore.tests.crash import crossings
from blockstore.tests.crash import storage

_PR_SET_PDEATHSIG = 1


class Striker:
    """Counts and records crossings, and strikes at one of them."""

    def __init__(self, arm: str, run_directory: str) -> None:
        self._arm = arm
        self._run_directory = run_directory
        self._log = os.open(f'{arm}.log',
                            os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._seen = ''
        self._serial = ''
        self._target = ''
        self._victim = ''
        self._turns: collections.Counter[tuple[str, ...]] = (
            collections.Counter())
        self._lock = threading.Lock()

    def heard(self, kind: str, name: str, when: str) -> None:
        """Note a crossing of the current thread; maybe die there."""
        role = crossings.role_of(threading.current_thread().name)
        if role in crossings.BACKGROUND:
            return
        with self._lock:
            self._read_arm()
            if not self._serial:
                return
            place = (role, kind, name, when)
            self._turns[place] += 1
            crossing = crossings.Crossing(*place, self._turns[place])
            os.write(self._log, f'{self._serial} {crossing}\n'.encode())
            if str(crossing) == self._target:
                self._strike()

    def _strike(self) -> None:
        if self._victim == 'storage':
            storage.kill_all(self._run_directory)
        else:
            os.killpg(os.getpgrp(), signal.SIGKILL)

    def _read_arm(self) -> None:
        try:
            with open(self._arm, encoding='utf-8') as source:
                text = source.read()
        except FileNotFoundError:
            return
        if text == self._seen:
            return
        self._seen = text
        lines = [*text.splitlines(), '', '']
        self._serial, self._target, self._victim = lines[:3]
        self._turns.clear()


def run(program: typing.Any) -> int:
    """Run a program under the listener."""
    faulthandler.register(signal.SIGUSR1)
    boundaries.listen(Striker(os.environ['BLOCKSTORE_CRASH_ARM'],
                              os.environ['BLOCKSTORE_CRASH_RUN']).heard)
    return int(program.main())


def main() -> int:
    """Start a program for each line on the standard input.

    A process that has loaded everything forks, which spares each start the
    second that loading takes.  For each start the process id is printed, and
    when it has ended its wait status.
    """
    die_with_parent()
    program = importlib.import_module(sys.argv.pop(1))
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            die_with_parent()
            os.setpgid(0, 0)
            os._exit(run(program))
        # Whichever comes first: its group is there when its id is known.
        os.setpgid(child, child)
        print(child, flush=True)
        print(os.waitpid(child, 0)[1], flush=True)
    return 0


def die_with_parent() -> None:
    """Leave nothing running when the tests are killed."""
    if sys.platform == 'linux':
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == '__main__':
    sys.exit(main())
