"""Answers that operations leave for callers of this process.

Such an operation waits under a lease for the caller to come (``leave_for`` of
:class:`~blockstore.lifecycle.operations.Claim`), so that what a dead caller
had opened is closed again.  A caller that is alive may be slow: as long as it
waits here, the lease is renewed, and how long it waits is for its own time
limit to decide.

>>> with answers.awaited(asked.id, asked.caller):
...     run(asked)
...     fetch(asked)
"""

from collections.abc import Iterator
import contextlib
import threading
import time

from oslo_db import exception as db_exception
from oslo_log import log as logging

from blockstore.db import operations as db
from blockstore.db import retry
from blockstore.db.engine import Database

LOG = logging.getLogger(__name__)


class Answers:
    """Keeps what callers wait for; has a thread only while some do.

    :param lease: seconds; it is renewed three times as often.
    """

    def __init__(self, database: Database, lease: float) -> None:
        self._database = database
        self._lease = lease
        self._awaited: dict[str, str] = {}
        self._lock = threading.Lock()
        self._running = False

    @contextlib.contextmanager
    def awaited(self, operation_id: str, caller: str) -> Iterator[None]:
        """Keep an operation's answer for its caller during the block."""
        with self._lock:
            self._awaited[operation_id] = caller
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name='answer-keeper',
                                 daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                del self._awaited[operation_id]

    def _run(self) -> None:
        while awaited := self._next():
            try:
                self._renew(awaited)
            except db_exception.DBError:
                LOG.exception('Answers that are waited for are not kept; '
                              'will retry')

    def _next(self) -> dict[str, str]:
        """Return what is waited for a while later; nothing ends the thread.
        """
        time.sleep(self._lease / 3)
        with self._lock:
            self._running = bool(self._awaited)
            return dict(self._awaited)

    @retry.whole
    def _renew(self, awaited: dict[str, str]) -> None:
        with self._database.write() as tx:
            for operation_id, caller in awaited.items():
                # Nothing is renewed before it is left for the caller.
                db.renew(tx, operation_id, caller, self._lease, {})
