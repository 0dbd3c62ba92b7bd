"""Waiting for a call no longer than its caller can.

oslo.messaging's timeout begins when the message is sent.  Before its first
call a process opens a queue for replies, and for that it waits for the broker
as long as it takes.  So that no HTTP request hangs while the broker is away,
calls through a broker run in threads that the caller can leave behind; a few
may hang, further ones are refused at once.
"""

from collections.abc import Callable
import queue
import threading
from typing import Any

from blockstore import exceptions

_Outcome = queue.SimpleQueue[tuple[Any, Exception | None]]


class Patience:
    """Runs calls that may hang.

    :param limit: how many may run or hang at the same time.
    """

    def __init__(self, limit: int) -> None:
        self._free = threading.BoundedSemaphore(limit)

    def run(self, function: Callable[[], Any], seconds: float) -> Any:
        """Call a function; give its result or raise what it raises.

        :param seconds: how long to wait for it.
        :raises exceptions.Unavailable: it has not ended by then, or too many
            others hang.
        """
        if not self._free.acquire(blocking=False):
            raise exceptions.Unavailable(
                'too many calls wait for the message broker')
        outcome: _Outcome = queue.SimpleQueue()
        try:
            threading.Thread(target=self._call, args=(function, outcome),
                             name='rpc-call', daemon=True).start()
        except RuntimeError as error:
            self._free.release()
            raise exceptions.Unavailable(f'no thread to be had: {error}'
                                         ) from error
        try:
            value, failure = outcome.get(timeout=seconds)
        except queue.Empty:
            raise exceptions.Unavailable(
                f'the message broker did not answer in {seconds} s'
            ) from None
        if failure is not None:
            raise failure
        return value

    def _call(self, function: Callable[[], Any], outcome: _Outcome) -> None:
        try:
            outcome.put((function(), None))
        except Exception as error:  # noqa: BLE001
            # Not lost: raised again in the caller's thread.
            outcome.put((None, error))
        finally:
            self._free.release()
