"""A worker: claims operations of one topic and runs their handlers.

What waits, waits in the database alone: a worker holds what it runs and
nothing else.  While there is room for all that is due, its poller claims what
a doorbell names (``ring``), and nothing needs to be looked for.  It looks for
what is due every ``[operations] poll_interval`` seconds, be it new, dropped
by a broker, or left by a worker that died; and, as long as something is known
to wait (for room, or for another operation on the same resource), whenever an
operation has ended.  It claims as much as there is room for (see
:mod:`blockstore.lifecycle.slots`); projects take turns.

What becomes of it then is told by :mod:`blockstore.lifecycle.attempts`.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import contextlib
import functools
import itertools
import queue
import threading
import time

from oslo_config import cfg
from oslo_db import exception as db_exception
from oslo_log import log as logging

from blockstore import errors
from blockstore import exceptions
from blockstore import metrics
from blockstore.db import operations as db
from blockstore.db import retry
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction
from blockstore.lifecycle import events
from blockstore.lifecycle import operations
from blockstore.lifecycle import slots
from blockstore.lifecycle.attempts import Attempts
from blockstore.lifecycle.attempts import Handler
from blockstore.lifecycle.operations import Claim
from blockstore.service import base

LOG = logging.getLogger(__name__)

# While there is no room for a kind, its doorbells are answered together.
_PAUSE = 0.05
# How often somebody else may be quicker before it is left to the next look.
_TRIES = 5
Limits = Mapping[str, Callable[[], int]]


class Worker(base.Service):
    """Runs the operations of one topic for one or more hosts.

    :param hosts: the hosts whose operations this worker may take; operations
        without a host may be taken by any worker of the topic.
    :param owner: a name of this process that no other process ever has.
    :param handlers: operation kind to handler; operations of other kinds
        are left to workers (of a newer release) that know them.
    :param limits: how many operations of a kind run at a time; others are
        limited by ``[operations] workers``.
    :param limit: how many run at a time in all.
    """

    def __init__(self, conf: cfg.ConfigOpts, database: Database, *,
                 topic: str, hosts: tuple[str, ...], owner: str,
                 handlers: Mapping[str, Handler],
                 limits: Limits | None = None,
                 limit: slots.Limit = lambda: None) -> None:
        self.name = topic
        self._options = conf.operations
        self._database = database
        self._topic = topic
        self._hosts = hosts
        self._owner = owner
        self._claims = itertools.count(1)
        self._handlers = handlers
        self._admits: Callable[[Transaction], bool] = lambda _tx: True
        self._keeper = operations.Keeper(self._options.lease)
        self._limits = {kind: lambda: int(self._options.workers)
                        for kind in handlers} | dict(limits or {})
        self._own = slots.Shared(limit)
        self._lanes: dict[str, slots.Lane] = {}
        self.share(slots.Shared(lambda: None))
        self._bells: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._rung = threading.Event()
        self._freed = threading.Event()
        self._ended = threading.Event()
        # Whether something may wait that no doorbell will tell of.
        self._backlog = True
        self._look_at = 0.0
        self._listener: events.Listener = events.SILENCE
        # When the poller began its turn.
        self._turned_at = 0.0
        self._stopping = threading.Event()
        self._attempts = Attempts(self._options, database, handlers,
                                  self._stopping)
        self._poller = threading.Thread(
            target=self._poll, name=f'{topic}-poller', daemon=True)

    def watch(self, listener: events.Listener) -> None:
        """Tell a listener of what happens; called before the start."""
        self._listener = listener

    def share(self, daemon: slots.Shared) -> None:
        """Share places with other workers; called before the start."""
        self._lanes = {kind: slots.Lane(limit, [self._own, daemon])
                       for kind, limit in self._limits.items()}

    def start(self) -> None:
        """Begin to take operations."""
        self._keeper.start()
        self._turned_at = time.monotonic()
        self._poller.start()

    def stop(self, deadline: float) -> None:
        """Take nothing more; finish or hand over what is under way.

        :param deadline: on the monotonic clock; what is not ended by then is
            left to its lease.
        """
        self._stopping.set()
        self._freed.set()
        self._rung.set()
        self._keeper.hand_over()
        if self._poller.is_alive():
            self._poller.join()
        # Who stands aside has no place, but a claim.
        while ((self._own.running or self._keeper.claims())
                and time.monotonic() < deadline):
            time.sleep(0.01)
        self._keeper.stop()

    def healthy(self) -> bool:
        """Tell whether operations are still looked for.

        A look that takes longer than any lock is waited for hangs: what it
        waits for has vanished without a word.
        """
        patience = self._options.poll_interval + self._options.look_timeout
        return self._stopping.is_set() or (
            self._poller.is_alive()
            and time.monotonic() - self._turned_at < patience)

    def describe(self) -> Mapping[str, Sequence[str]]:
        """Tell which operations and leases are held."""
        claims = self._keeper.claims()
        return {'Operations held': [claim.describe() for claim in claims],
                'Leases': [claim.describe_lease() for claim in claims]}

    def admit_if(self, check: Callable[[Transaction], bool]) -> None:
        """Take nothing up while a check says no; what is held goes on.

        :param check: asked in the transaction that would take it.
        """
        self._admits = check

    def ring(self, operation_id: str) -> None:
        """The doorbell: an operation may be due."""
        LOG.debug('Operation %s is due', operation_id)
        self._bells.put(operation_id)
        self._rung.set()

    def run_now(self, operation_id: str, timeout: float) -> None:
        """Do an operation in the caller's thread, and return when it ended.

        It takes a place even if there is none: what limits these are the
        threads that answer calls.
        If another one has it, or older ones come first, wait for them.  It
        has ended, too, when all that is left is for its caller to fetch the
        answer.

        :raises exceptions.Unavailable: after ``timeout`` seconds, or when
            this worker stops.
        """
        deadline = time.monotonic() + timeout
        pause = 0.002
        while not self._stopping.is_set():
            claim = self._claim(operation_id, anyway=True)
            if claim is not None:
                self._work(claim)
            with self._database.read() as tx:
                row = db.get(tx, operation_id)
            if (row is None or row.state not in db.OPEN
                    or row.step == operations.ANSWER):
                return
            if time.monotonic() > deadline:
                break
            self._stopping.wait(pause)
            pause = min(pause * 1.5, 0.05)
        raise exceptions.Unavailable(
            f'operation {operation_id} has not ended yet',
            code=errors.OPERATION_TIMED_OUT,
            remedy='it is gone on with: look at it with GET /operations/ID')

    def _poll(self) -> None:
        while not self._stopping.is_set():
            self._turned_at = time.monotonic()
            self._rung.clear()
            self._freed.clear()
            try:
                self._answer()
            except db_exception.DBError:
                LOG.exception('Cannot look for due operations; will retry')
                self._backlog = True
                self._put_off_look()
            if not all(lane.room() for lane in self._lanes.values()):
                self._freed.wait(_PAUSE)
            self._rung.wait(max(0.0, self._look_at - time.monotonic()))

    def _answer(self) -> None:
        """Claim what doorbells name if that is all; else look for more."""
        rung = self._listen()
        if (not self._backlog and time.monotonic() < self._look_at
                and all(self._begin(one) for one in rung)):
            return
        self._ended.clear()
        self._backlog = False
        self._look()
        self._put_off_look()
        if self._backlog and self._ended.is_set():
            # What has ended meanwhile did not know that something waits.
            self._rung.set()

    def _listen(self) -> list[str]:
        """Return the operations whose doorbells have rung."""
        rung = []
        while not self._bells.empty():
            rung.append(self._bells.get())
        return rung

    def _put_off_look(self) -> None:
        self._look_at = time.monotonic() + self._options.poll_interval

    def _look(self) -> None:
        """Begin what is due, as long as there is room and more of it.

        Notes whether something waits all the same.
        """
        tries = _TRIES
        while tries and not self._stopping.is_set():
            kinds = tuple(kind for kind, lane in self._lanes.items()
                          if lane.room())
            if not kinds:
                break
            with self._database.read() as tx:
                if not self._admits(tx):
                    break
                due = db.due(tx, self._topic, self._hosts,
                             self._options.workers * 8, kinds)
            begun = [self._begin(one.id) for one in due]
            if not any(one.more or not taken
                       for one, taken in zip(due, begun, strict=True)
                       if self._lanes[one.kind].room()):
                self._backlog = any(one.more for one in due) or (
                    self._anything_waits())
                return
            tries = _TRIES if any(begun) else tries - 1
        self._backlog = True

    def _anything_waits(self) -> bool:
        with self._database.read() as tx:
            return db.anything_waits(tx, self._topic, self._hosts,
                                     tuple(self._handlers))

    def _begin(self, operation_id: str) -> bool:
        """Claim an operation and run it, if there is room for it."""
        if self._stopping.is_set():
            return False
        claim = self._claim(operation_id)
        if claim is None:
            return False
        threading.Thread(target=self._work, args=(claim,), daemon=True,
                         name=f'{self._topic}-operation').start()
        return True

    def _work(self, claim: Claim) -> None:
        row = claim.operation
        state = ''
        try:
            with self._keeper.keeping(claim):
                state = self._attempts.run(claim)
        except Exception:
            # The boundary of a thread: nobody else would see it.
            LOG.exception('Operation %s was not worked on', claim.id)
        finally:
            self._lanes[row.kind].leave()
            # A failure may have started operations that nobody rings for.
            self._tell_end(row.host is not None and state == db.DONE)

    def _tell_end(self, known: bool) -> None:
        """Let the poller look for what waits for a place or a resource.

        :param known: that this worker would know of it.
        """
        if not known:
            # Another worker may have heard the doorbell of what waits.
            self._backlog = True
        self._ended.set()
        self._freed.set()
        if self._backlog:
            self._rung.set()

    @retry.whole
    def _claim(self, operation_id: str, *, anyway: bool = False,
               ) -> Claim | None:
        """Take an operation and a place for it; None if one is not free.

        :param anyway: take a place even if there is none.
        """
        with contextlib.ExitStack() as place, (
                self._database.write()) as tx:
            row = db.offered(tx, operation_id, self._topic, self._hosts,
                             tuple(self._handlers))
            if (row is None or not self._admits(tx)
                    or not self._lanes[row.kind].enter(anyway=anyway)):
                return None
            place.callback(self._lanes[row.kind].leave)
            claim = self._claimed(tx, row)
            if events.is_first_start(claim.operation):
                claim.tell(tx, events.START)

            def keep() -> None:
                place.pop_all()

            tx.after_commit(keep)
        self._count_takeover(claim.operation)
        return claim

    def _claimed(self, tx: Transaction, row: db.Row) -> Claim:
        # Each claim has a name of its own: what was taken away may be taken
        # up again here, while the thread that had it hangs.
        owner = f'{self._owner}.{next(self._claims)}'
        lease = self._options.lease
        claim = Claim(self._database, db.take(tx, row, owner, lease), owner,
                      lease, self._hosts[0], self._listener)
        claim.aside = functools.partial(
            self._aside, self._lanes[row.kind], claim.check)
        return claim

    @contextlib.contextmanager
    def _aside(self, lane: slots.Lane, check: Callable[[], None],
               ) -> Iterator[None]:
        with lane.aside(check):
            self._tell_end(known=False)
            yield

    def _count_takeover(self, row: db.Row) -> None:
        """Note that another process has let an operation lie."""
        if row.attempt > 1 and not self._attempts.was_put_off(row.id):
            metrics.TAKEOVERS.labels(row.kind).inc()
            LOG.warning('%s of %s is taken over, attempt %d', row.kind,
                        row.resource_id, row.attempt)
