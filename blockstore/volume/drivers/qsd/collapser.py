"""A thread that merges what could not be merged at once.

Detaching a volume, or ending a reader, makes merges possible that would hold
their caller up; they are done here, one volume at a time.
"""

import threading

from oslo_log import log as logging

from blockstore import exceptions
from blockstore.volume.drivers.qsd import merges
from blockstore.volume.drivers.qsd.backend import Backend

LOG = logging.getLogger(__name__)


class Collapser:
    """The queue of volumes to look at, and the thread that does."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._waiting: dict[str, None] = {}
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = False
        self._closing = False

    def add(self, volume_id: str) -> None:
        """Look at a volume soon."""
        with self._change:
            if self._closing:
                return
            self._waiting[volume_id] = None
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name='qsd-collapser', daemon=True)
                self._thread.start()
            self._change.notify_all()

    def wait_until_idle(self, timeout: float) -> bool:
        """Wait until nothing is left to look at; False when time is up."""
        with self._change:
            return self._change.wait_for(
                lambda: not self._waiting and not self._busy, timeout)

    def close(self) -> None:
        """Stop; a merge under way is cancelled and left for later."""
        with self._change:
            self._closing = True
            self._waiting.clear()
            self._change.notify_all()
        for volume_id in list(self._backend.merging):
            with self._backend.lock(volume_id):
                merges.interrupt(self._backend, volume_id)
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while True:
            with self._change:
                self._busy = False
                self._change.notify_all()
                self._change.wait_for(
                    lambda: bool(self._waiting) or self._closing)
                if self._closing:
                    return
                volume_id = next(iter(self._waiting))
                del self._waiting[volume_id]
                self._busy = True
            self._collapse(volume_id)

    def _collapse(self, volume_id: str) -> None:
        try:
            merges.collapse(self._backend, volume_id)
        except exceptions.BlockstoreError as error:
            LOG.warning('Merging layers of volume %s is put off: %s',
                        volume_id, error)
        except Exception:   # the thread's boundary: others still want it
            LOG.exception('Merging layers of volume %s failed', volume_id)
