"""What the runner expects of a service.

A service is an object with a life inside one process: it is started once,
may be told to reload, is asked whether it is well, and is stopped with a
deadline.  It forks nothing and touches no signal.
"""

import abc
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
import threading
import time

#: Raises when what it asks for is not there; may take its time.
Check = Callable[[], object]


class Service(abc.ABC):
    """A part of a daemon; see :class:`blockstore.service.runner.Runner`."""

    #: For the log.
    name = 'service'

    @abc.abstractmethod
    def start(self) -> None:
        """Begin to serve, and return when requests are accepted.

        :raises Exception: the daemon does not start then.
        """

    @abc.abstractmethod
    def stop(self, deadline: float) -> None:
        """Accept nothing more, let the work in flight end, and return.

        May be called on a service that was never started.

        :param deadline: on :func:`time.monotonic`'s clock, in seconds; give
            up what is not done by then.
        """

    def reload(self) -> None:  # noqa: B027
        """Take over what has changed in the configuration."""

    def ready(self) -> bool:
        """Tell whether the service, once started, does what it is for.

        A service may start and yet have to wait, for its back end perhaps.
        """
        return True

    def checks(self) -> Mapping[str, Check]:
        """Return what else must be there for it to be ready, by name."""
        return {}

    def describe(self) -> Mapping[str, Sequence[str]]:
        """Tell what it does right now: lines for a report, by title.

        Called on the main thread at any moment, so it must take no lock.
        The titles are always the same.
        """
        return {}

    def healthy(self) -> bool:
        """Tell whether the service still does its work.

        False says that only a new process can mend it.
        """
        return True


def remaining(deadline: float) -> float:
    """Tell how many seconds are left until a deadline, zero at least.

    :param deadline: may be infinite; no lock can wait longer than
        :data:`threading.TIMEOUT_MAX`, so neither does this.
    """
    left = max(0.0, deadline - time.monotonic())
    return min(left, threading.TIMEOUT_MAX)
