"""Ringing: a cast that may be lost and never holds anybody up.

A doorbell tells a service that an operation is due.  The service looks for
due operations by itself as well, so a lost doorbell costs a few seconds and
nothing else.  Hence a doorbell never fails a request and never waits for a
broker: messages to a broker go through a bounded queue and one thread;
messages within the process are delivered on the spot.
"""

from collections.abc import Callable
import queue
import threading

from oslo_log import log as logging

LOG = logging.getLogger(__name__)

Ring = Callable[[], None]


class Doorbell:
    """Rings for one transport.

    :param inline: deliver in the caller's thread (nothing can block).
    :param limit: how many doorbells may wait for the broker.
    """

    def __init__(self, *, inline: bool, limit: int) -> None:
        self._inline = inline
        self._waiting: queue.Queue[tuple[str, Ring]] = queue.Queue(limit)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self, name: str, cast: Ring) -> None:
        """Send a cast, now or soon, or drop it with a warning.

        :param name: what the cast is about, for the log.
        :param cast: sends the message; whatever it raises is logged.
        """
        if self._inline:
            _send(name, cast)
            return
        self._ensure_thread()
        try:
            self._waiting.put_nowait((name, cast))
        except queue.Full:
            LOG.warning('Dropped the doorbell %s: the broker is too slow. '
                        'The service will find the operation by itself.',
                        name)

    def _ensure_thread(self) -> None:
        # At the first ring, not earlier: a server may fork before it serves.
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name='doorbell', daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            name, cast = self._waiting.get()
            _send(name, cast)


def _send(name: str, cast: Ring) -> None:
    try:
        cast()
    except Exception as error:
        # The boundary of the doorbell: whatever a broker's client raises, no
        # request may fail for it. While a broker is away this comes often,
        # so the traceback is for those who debug.
        LOG.warning('The doorbell %s was not delivered: %s. The service '
                    'will find the operation by itself.', name, error,
                    exc_info=LOG.isEnabledFor(logging.DEBUG))
