"""A limit of bytes per second that the copies of a daemon share.

A copy asks before it reads or writes, and goes on when it has got all that it
asked for.  What comes free is split evenly among those who wait, by bytes, so
that a copy with large chunks gets no more than one with small ones; what one
does not need, the others have.  What nobody asks for is saved for a quarter
of a second, no longer.

The rate is looked up whenever somebody asks or waits: a change takes effect
at once, also for copies under way.

>>> reading = Bandwidth(lambda: conf.backup.read_bandwidth)
>>> with reading.sharing() as pace:
...     while not pace(len(buffer), 0.1):
...         check()
"""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import threading
import time

BURST = 0.25
_LONGEST_WAIT = 0.1
_PIECES = 32


class Clock:
    """The time, and waiting; tests have another one."""

    def now(self) -> float:
        """Tell the time in seconds, from any start."""
        return time.monotonic()

    def wait(self, changed: threading.Condition, seconds: float) -> None:
        """Wait until something has changed, but not for longer."""
        changed.wait(seconds)


class _Share:
    """A copy's part.

    :ivar lacking: bytes that it still has to get before it goes on.
    :ivar got: bytes that it has had; who has had least is first.
    """

    def __init__(self) -> None:
        self.lacking = 0.0
        self.got = 0.0


class Bandwidth:
    """A token bucket for any number of copies.

    :param rate: tells the bytes per second; 0 for no limit.
    """

    def __init__(self, rate: Callable[[], int], clock: Clock | None = None,
                 ) -> None:
        self._rate = rate
        self._clock = clock or Clock()
        self._changed = threading.Condition()
        self._waiting: list[_Share] = []
        self._free = 0.0
        self._level = 0.0       # what the last one had that got something
        self._filled_at = self._clock.now()

    @contextlib.contextmanager
    def sharing(self) -> Iterator[Callable[[int, float], bool]]:
        """Take part for the time of a block.

        :returns: a function that asks for a number of bytes and waits for
            some seconds at most.  While it returns False, call it again with
            the same number: what it has got so far is kept.
        """
        share = _Share()
        try:
            yield lambda length, seconds: self._take(share, length, seconds)
        finally:
            with self._changed:
                self._leave(share)

    def _take(self, share: _Share, length: int, seconds: float) -> bool:
        with self._changed:
            if share not in self._waiting:
                share.lacking = float(length)
                # Who was away for long does not have all to itself now.
                share.got = max(share.got,
                                self._level - self._rate() * BURST)
                self._waiting.append(share)
            until = self._clock.now() + seconds
            while not self._settled(share):
                left = until - self._clock.now()
                if left <= 0:
                    return False
                self._clock.wait(self._changed, min(
                    left, self._soonest(share), _LONGEST_WAIT))
            self._leave(share)
            return True

    def _settled(self, share: _Share) -> bool:
        """Give out what has come free; tell whether a share has all."""
        rate, now = self._rate(), self._clock.now()
        if rate <= 0:
            self._free, share.lacking = 0.0, 0.0
        else:
            self._free = min(rate * BURST, self._free
                             + max(0.0, now - self._filled_at) * rate)
            self._split()
        self._filled_at = now
        # What is less than a byte is an error of rounding.
        return share.lacking < 1

    def _split(self) -> None:
        """Give out what is free, piece by piece, to who has had least."""
        piece = self._free / _PIECES
        while self._free > 0 and (
                lacking := [share for share in self._waiting
                            if share.lacking > 0]):
            share = min(lacking, key=lambda one: one.got)
            self._level = share.got
            part = min(piece, share.lacking, self._free)
            share.lacking -= part
            share.got += part
            self._free -= part

    def _soonest(self, share: _Share) -> float:
        """Tell in how many seconds a share has all, if it is alone."""
        return share.lacking / max(1, self._rate())

    def _leave(self, share: _Share) -> None:
        if share in self._waiting:
            self._waiting.remove(share)
            self._changed.notify_all()
