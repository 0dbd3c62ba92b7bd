"""What is to be told, in the database until it is known to be sent.

A row is written in the transaction that makes a notification true and removed
some time after the broker has confirmed it: so each is sent at least once,
whoever dies.  A process holds what it is about to send, and goes on holding
it while the broker is away.  What nobody holds any more, for its process has
died or the broker has refused it, is sent by any process with a backlog.

It never grows without limit: the oldest are given up, logged and counted,
when there are more than ``[observability] notification_backlog``; the reaper
gives up what is older than ``notification_kept``.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
import itertools
import threading
import time
import typing

from oslo_config import cfg
from oslo_db import exception as db_exception
from oslo_log import log as logging
from oslo_utils import uuidutils

from blockstore import metrics
from blockstore.db import notifications as db
from blockstore.db import retry
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction
from blockstore.notifications.told import Told
from blockstore.service.periodic import PeriodicTask

LOG = logging.getLogger(__name__)
_T = typing.TypeVar('_T')
# Seconds between two looks at what was sent.
_TIDY = 1.0
# How many rows one statement deals with.
_BATCH = 200


class Backlog:
    """The notifications that this process has to send.

    :param send: sends what another process has left.
    """

    def __init__(self, conf: cfg.ConfigOpts, database: Database,
                 send: Callable[[Told], None]) -> None:
        self._options = conf.observability
        self._lease = conf.operations.lease
        self._database = database
        self._send = send
        self._owner = uuidutils.generate_uuid()
        self._lock = threading.Lock()
        self._held: set[str] = set()
        self._sent: list[str] = []
        self._looked = float('-inf')
        self._keeper: PeriodicTask | None = None
        self._stopped = False

    def start(self) -> None:
        """Begin to look for what others have left; may come twice."""
        with self._lock:
            if self._keeper is None and not self._stopped:
                self._keeper = PeriodicTask(
                    'notifications-keeper', self.look, _TIDY)
                self._keeper.start()

    def stop(self, deadline: float) -> int:
        """Leave what is not sent to others; return how much that is."""
        with self._lock:
            self._stopped = True
        if self._keeper is not None:
            self._keeper.stop(deadline)
        try:
            self._forget()
            self._hold(0.0)
        except db_exception.DBError as error:
            LOG.warning('What is told again is not forgotten: %s', error)
        return len(self._held)

    def write(self, tx: Transaction, messages: Iterable[Told]) -> None:
        """Keep notifications, if this transaction becomes durable."""
        for batch in _batches(messages):
            db.insert(tx, self._owner, self._lease,
                      [told.to_row() for told in batch])

    def hold(self, told: Told) -> None:
        """Note that one that was written is going to be sent."""
        self.start()
        with self._lock:
            self._held.add(told.id)

    def over(self, id_: str, sent: bool) -> None:
        """Note that one was sent; or that it must be tried again later."""
        with self._lock:
            self._held.discard(id_)
            if sent:
                self._sent.append(id_)

    def look(self) -> None:
        """Forget what was sent; now and then, look for what is left."""
        self._forget()
        now = time.monotonic()
        if now - self._looked < self._lease / 3:
            return
        self._looked = now
        self._hold(self._lease)
        self._give_up()
        self._take_over()

    def _forget(self) -> None:
        while self._sent:
            ids = self._sent[:_BATCH]
            self._forget_these(ids)
            with self._lock:
                del self._sent[:len(ids)]

    @retry.whole
    def _forget_these(self, ids: list[str]) -> None:
        with self._database.write() as tx:
            db.delete(tx, ids)

    @retry.whole
    def _hold(self, seconds: float) -> None:
        with self._lock:
            held = sorted(self._held)
        for ids in _batches(held):
            with self._database.write() as tx:
                db.hold(tx, self._owner, ids, seconds)

    @retry.whole
    def _give_up(self) -> None:
        with self._database.write() as tx:
            number = db.delete_beyond(
                tx, self._options.notification_backlog)
        if number:
            metrics.NOTIFICATIONS_FAILED.labels('too many').inc(number)
            LOG.error('%d notifications waited too long behind others: '
                      'nobody is told of them', number)

    def _take_over(self) -> None:
        """Send what nobody holds, as long as there is room in memory."""
        room = self._options.notification_queue // 2 - len(self._held)
        for _ in range(room // _BATCH + 1):
            taken = self._take(min(room, _BATCH))
            for told in taken:
                self._send(told)
            if len(taken) < _BATCH:
                return

    @retry.whole
    def _take(self, limit: int) -> list[Told]:
        if limit <= 0:
            return []
        with self._database.write() as tx:
            return [Told.from_row(row) for row in db.take(
                tx, self._owner, self._lease, limit)]


def _batches(items: Iterable[_T]) -> Iterator[list[_T]]:
    left = iter(items)
    while batch := list(itertools.islice(left, _BATCH)):
        yield batch
