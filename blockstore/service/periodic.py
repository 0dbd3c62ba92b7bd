"""Doing something every so many seconds, in a thread of its own.

The beat does not drift: turns are counted from the start, a turn that would
come while the last one still runs is left out.  A failure never ends the
beat; each kind of failure is logged with its traceback once, until the
function works again.

>>> poller = PeriodicTask('poll', manager.look_for_due_operations, 2.0)
>>> poller.start()
>>> poller.wake()       # now, not at the next beat
"""

from collections.abc import Callable
import math
import threading
import time

from oslo_log import log as logging

from blockstore.service import base

LOG = logging.getLogger(__name__)


class PeriodicTask(base.Service):
    """Calls a function at once and then at every beat.

    :param name: the thread's name, and the name in the log.
    :param function: takes nothing; whatever it raises is logged.
    :param interval: seconds from one beat to the next.
    """

    def __init__(self, name: str, function: Callable[[], object],
                 interval: float) -> None:
        self.name = name
        self._function = function
        self._interval = interval
        self._changed = threading.Condition()
        self._woken = False
        self._stopped = False
        self._failures: set[type[BaseException]] = set()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; the first turn is now."""
        self._thread = threading.Thread(target=self._run, name=self.name,
                                        daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Take a turn as soon as possible; the beat stays what it is."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def stop(self, deadline: float) -> None:
        """Take no more turns and wait for the one that runs."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(base.remaining(deadline))
            if self._thread.is_alive():
                LOG.warning('%s was still running at the deadline',
                            self.name)

    def healthy(self) -> bool:
        """Tell whether the thread is there."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        began = time.monotonic()
        while True:
            with self._changed:
                if self._stopped:
                    return
                self._woken = False
            self._turn()
            now = time.monotonic()
            beats = math.floor((now - began) / self._interval) + 1
            due = began + beats * self._interval
            with self._changed:
                self._changed.wait_for(
                    lambda: self._woken or self._stopped, due - now)

    def _turn(self) -> None:
        try:
            self._function()
        except Exception as error:
            # The boundary of this thread: what fails now is done again at
            # the next beat, and ends neither the thread nor the daemon.
            if type(error) not in self._failures:
                self._failures.add(type(error))
                LOG.exception('%s failed, and goes on every %s s',
                              self.name, self._interval)
            return
        if self._failures:
            self._failures.clear()
            LOG.info('%s works again', self.name)
