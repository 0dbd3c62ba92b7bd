"""How many operations run at a time: of a kind, of a service, of a daemon.

A :class:`Lane` is one kind of operation of one service (of one back end).
Each lane has a place of its own that nobody else can take; so operations that
take long, or wait for others, never keep another kind or another back end
from going on.  All further places are shared, within three limits: that of
the lane, that of its service and that of the daemon.  Limits are looked up
whenever a place is asked for, so they may change at run time.

>>> lane = Lane(lambda: 4, [service, daemon])
>>> if lane.enter():
...     try:
...         work()
...     finally:
...         lane.leave()
"""

from collections.abc import Callable
from collections.abc import Sequence
import threading

Limit = Callable[[], int | None]

_lock = threading.Lock()


class Shared:
    """Places that lanes share, beside their own.

    :param limit: tells how many operations may run at a time; None for any
        number.
    """

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self.running = 0

    def full(self) -> bool:
        """Tell whether only a lane's own place may be taken now."""
        limit = self._limit()
        return limit is not None and self.running >= limit


class Lane:
    """The operations of one kind of one service.

    :param limit: tells how many of them may run at a time.
    :param shared: whose places they take, beside their own.
    """

    def __init__(self, limit: Callable[[], int], shared: Sequence[Shared],
                 ) -> None:
        self._limit = limit
        self._shared = tuple(shared)
        self.running = 0

    def room(self) -> bool:
        """Tell whether another one may begin."""
        with _lock:
            return self._room()

    def enter(self, *, anyway: bool = False) -> bool:
        """Take a place, or tell that there is none.

        :param anyway: take one even if there is none.
        """
        with _lock:
            if not (anyway or self._room()):
                return False
            self._count(1)
            return True

    def leave(self) -> None:
        """Give a place back."""
        with _lock:
            self._count(-1)

    def _room(self) -> bool:
        return self.running == 0 or (
            self.running < self._limit()
            and not any(shared.full() for shared in self._shared))

    def _count(self, change: int) -> None:
        self.running += change
        for shared in self._shared:
            shared.running += change
