"""How many operations run at a time: of a kind, of a service, of a daemon.

A :class:`Lane` is one kind of operation of one service (of one back end).
Each lane has a place of its own that nobody else can take; so operations that
take long, or wait for others, never keep another kind or another back end
from going on.  All further places are shared, within three limits: that of
the lane, that of its service and that of the daemon.  Limits are looked up
whenever a place is asked for, so they may change at run time.

Who has a place and only waits for others may step aside: another one works
meanwhile.  Who comes back goes before all who have not begun, so that nobody
is overtaken again and again; and no more may stand aside than may run, so
that what has begun has a bound.

>>> lane = Lane(lambda: 4, [service, daemon])
>>> if lane.enter():
...     try:
...         work()
...     finally:
...         lane.leave()
"""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
import contextlib
import threading

Limit = Callable[[], int | None]

_lock = threading.Lock()
_left = threading.Condition(_lock)
# Seconds between two looks whether to go on waiting for a place.
_LOOK = 0.2


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
        self._aside = 0
        self._returning = 0

    def room(self) -> bool:
        """Tell whether another one may begin."""
        with _lock:
            return self._room() and not self._returning

    def enter(self, *, anyway: bool = False) -> bool:
        """Take a place, or tell that there is none.

        :param anyway: take one even if there is none.
        """
        with _lock:
            if not (anyway or (self._room() and not self._returning)):
                return False
            self._count(1)
            return True

    def leave(self) -> None:
        """Give a place back."""
        with _lock:
            self._count(-1)
            _left.notify_all()

    @contextlib.contextmanager
    def aside(self, check: Callable[[], None]) -> Iterator[None]:
        """Let another one have the place of who only waits for something.

        At the end there is a place again, whatever happens: the one that
        was given up, as soon as there is room, or one too many when
        ``check`` says that there is no time to wait for it.

        :param check: raises when waiting for a place must end.
        """
        with _lock:
            stepped = self._aside < self._limit()
            if stepped:
                self._aside += 1
                self._count(-1)
                _left.notify_all()
        try:
            yield
        finally:
            if stepped:
                self._come_back(check)

    def _come_back(self, check: Callable[[], None]) -> None:
        with _lock:
            self._returning += 1
            try:
                while not self._room():
                    _left.wait(_LOOK)
                    check()
            finally:
                self._returning -= 1
                self._aside -= 1
                self._count(1)

    def _room(self) -> bool:
        return self.running == 0 or (
            self.running < self._limit()
            and not any(shared.full() for shared in self._shared))

    def _count(self, change: int) -> None:
        self.running += change
        for shared in self._shared:
            shared.running += change
