"""Sending without ever waiting for the broker.

Messages go through a bounded queue and one thread.  Whoever sends is never
held up and never sees an error: a message that finds the queue full, or that
the broker's client refuses, is dropped, and the owner is told so.  (Whether it
is lost then is the owner's business.)

>>> outbox = Outbox('notifications', limit=1000, dropped=count)
>>> outbox.put('volume.create.end', lambda: transport.send(…))
"""

from collections.abc import Callable
import queue
import threading
import time

Send = Callable[[], None]
#: Told of each message that was lost: its name, and why.  None: no room.
Dropped = Callable[[str, Exception | None], None]


class Outbox:
    """A queue of messages to a broker.

    :param name: of its thread.
    :param limit: how many messages may wait.
    """

    def __init__(self, name: str, limit: int, dropped: Dropped) -> None:
        self._name = name
        self._dropped = dropped
        self._waiting: queue.Queue[tuple[str, Send]] = queue.Queue(limit)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, name: str, send: Send) -> bool:
        """Have a message sent soon; tell whether there was room for it.

        :param name: what it is about, for whoever is told that it was lost.
        :param send: sends it; may raise whatever it likes.
        """
        self._ensure_thread()
        try:
            self._waiting.put_nowait((name, send))
        except queue.Full:
            self._dropped(name, None)
            return False
        return True

    def drain(self, deadline: float) -> int:
        """Wait until everything is sent; return how much is not.

        :param deadline: on the monotonic clock.
        """
        while self._waiting.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.01)
        return self._waiting.unfinished_tasks

    def send_now(self, name: str, send: Send) -> None:
        """Send in the caller's thread, for what cannot be held up."""
        try:
            send()
        except Exception as error:  # noqa: BLE001
            # Not lost: whoever owns the outbox is told.  A broker's client
            # may raise anything.
            self._dropped(name, error)

    def _ensure_thread(self) -> None:
        # At the first message, not earlier: a server may fork before it
        # serves.
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            name, send = self._waiting.get()
            try:
                self.send_now(name, send)
            finally:
                self._waiting.task_done()
