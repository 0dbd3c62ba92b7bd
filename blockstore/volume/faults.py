"""Faults on command, for tests of everything that lives with drivers.

A :class:`Faults` stands between a caller and what it calls.  The memory
driver and its connections have one each pool; the conformance suite puts one
around any driver.  Orders are served in the order they were given; each is
spent after ``times`` calls.

>>> faults = Faults()
>>> faults.fail('create_snapshot', when='after')
>>> faults.call('create_snapshot', make_it)     # makes it, then raises
"""

from collections.abc import Callable
import dataclasses
import threading
import time
import typing

from blockstore import exceptions

Result = typing.TypeVar('Result')

BEFORE, AFTER, DOUBLE, TIMEOUT = 'before', 'after', 'double', 'timeout'
_WAIT, _HANG = 'wait', 'hang'
_HANG_LIMIT = 60.0


@dataclasses.dataclass
class _Order:
    method: str
    when: str
    times: int
    skip: int = 0
    error: BaseException | None = None
    seconds: float = 0.0
    event: threading.Event | None = None


class Faults:
    """What shall go wrong, by the name of the method that is called."""

    def __init__(self) -> None:
        self._orders: list[_Order] = []
        self._late: list[threading.Thread] = []
        self._lock = threading.Lock()

    def fail(self, method: str, when: str = BEFORE, times: int = 1, *,
             skip: int = 0, error: BaseException | None = None) -> None:
        """Let calls raise ``before`` or ``after`` their effect.

        :param skip: how many calls go well first.
        :param error: what is raised; a DriverError otherwise.
        """
        if when not in (BEFORE, AFTER):
            raise ValueError(f'when is before or after, not {when}')
        self._add(_Order(method, when, times, skip, error))

    def busy(self, method: str, times: int = 1) -> None:
        """Let delete calls be refused as the back end's own refusal."""
        family = (exceptions.SnapshotIsBusy if 'snapshot' in method
                  else exceptions.VolumeIsBusy)
        self.fail(method, BEFORE, times,
                  error=family(f'{method}: busy, as ordered'))

    def double(self, method: str, times: int = 1) -> None:
        """Let calls come twice; the second's answer is given."""
        self._add(_Order(method, DOUBLE, times))

    def delay(self, method: str, seconds: float, times: int = 1) -> None:
        """Let calls wait before their effect."""
        self._add(_Order(method, _WAIT, times, seconds=seconds))

    def hang(self, method: str, event: threading.Event, times: int = 1,
             ) -> None:
        """Let calls wait before their effect until an event is set."""
        self._add(_Order(method, _HANG, times, event=event))

    def time_out(self, method: str, seconds: float = 0.0, times: int = 1, *,
                 error: BaseException | None = None) -> None:
        """Let the caller give up at once while the effect goes on.

        :param seconds: how much later the effect begins.
        """
        self._add(_Order(method, TIMEOUT, times, error=error,
                         seconds=seconds))

    def clear(self) -> None:
        """Forget every order, and wait for effects that came late."""
        with self._lock:
            self._orders.clear()
            late, self._late = self._late, []
        for thread in late:
            thread.join()

    def call(self, method: str, effect: Callable[[], Result]) -> Result:
        """Do something as it was ordered."""
        order = self._next(method)
        if order is None:
            return effect()
        return self._serve(order, method, effect)

    def _serve(self, order: _Order, method: str,
               effect: Callable[[], Result]) -> Result:
        error = order.error or exceptions.DriverError(
            f'{method}: fault {order.when}, as ordered')
        if order.when == BEFORE:
            raise error
        if order.when == TIMEOUT:
            self._begin_late(order.seconds, effect)
            raise error
        if order.when == _WAIT:
            time.sleep(order.seconds)
        elif order.event is not None:
            order.event.wait(_HANG_LIMIT)
        result = effect()
        if order.when == DOUBLE:
            result = effect()
        if order.when == AFTER:
            raise error
        return result

    def _begin_late(self, seconds: float, effect: Callable[[], object],
                    ) -> None:
        def run() -> None:
            time.sleep(seconds)
            try:
                effect()
            except exceptions.BlockstoreError:
                return      # Nobody is there to be told: the caller left.

        thread = threading.Thread(target=run, daemon=True)
        with self._lock:
            self._late.append(thread)
        thread.start()

    def _add(self, order: _Order) -> None:
        with self._lock:
            self._orders.append(order)

    def _next(self, method: str) -> _Order | None:
        with self._lock:
            for order in self._orders:
                if order.method != method:
                    continue
                if order.skip:
                    order.skip -= 1
                    return None
                order.times -= 1
                if order.times <= 0:
                    self._orders.remove(order)
                return order
        return None
