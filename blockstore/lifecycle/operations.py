"""Operations: the rows that drive all long work.

A service starts an operation in the transaction that changes the status; the
row is the truth and the RPC message only a doorbell.  A worker *claims* it by
lease and holds a :class:`Claim`, with which it notes steps, facts and
progress.  Every write of a claim is conditional on the lease: who lost it
gets :class:`~blockstore.exceptions.LeaseLost` and must touch nothing more.

>>> with database.write() as tx:
...     transitions.move(…)
...     operations.start(tx, context, 'snapshot.create', snapshot,
...                      topic='volume', host=volume.host)
"""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
import contextlib
import threading
import time
import typing

from oslo_log import log as logging
from oslo_utils import uuidutils

from blockstore import errors
from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import clock
from blockstore.db import operations as db
from blockstore.db import retry
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction
from blockstore.lifecycle import events

LOG = logging.getLogger(__name__)

DONE = db.DONE
FAILED = db.FAILED
#: The step at which an operation waits for the caller who asked for it.
ANSWER = 'answer'
#: The fact of an operation that an operator gave up: why.
GIVEN_UP = 'given_up'
Facts = dict[str, typing.Any]
_TELL_INTERVAL = 1.0


class Key(typing.NamedTuple):
    """What a caller chose so that its request may come twice.

    :param id: the id of the operation.
    :param digest: of all that was asked for.
    """

    id: str
    digest: str


def start(tx: Transaction, context: RequestContext, kind: str,
          resource_id: str, *, topic: str, host: str | None,
          project_id: str, arguments: Mapping[str, typing.Any] | None = None,
          parent_id: str | None = None, key: Key | None = None) -> str:
    """Insert an operation in the caller's transaction; return its id.

    :param kind: ``<noun>.<verb>``; the noun is the resource's type.
    :param topic: who does it (``volume``, ``backup`` or ``scheduler``).
    :param host: the one host that may do it, or None for any.
    :param parent_id: the operation that waits for this one.
    :param key: the caller's own id; None makes one.
    """
    id_ = key.id if key else uuidutils.generate_uuid()
    db.insert(tx, id=id_, kind=kind, resource_type=kind.partition('.')[0],
              resource_id=resource_id, project_id=project_id,
              user_id=context.user_id, request_id=context.request_id,
              request_digest=key.digest if key else None,
              parent_id=parent_id, topic=topic, host=host,
              arguments=dict(arguments or {}), facts={})
    return id_


class Claim:
    """An operation that this worker holds.

    :param row: the operation as it was when it was claimed.
    :param host: where the work is done.
    :param listener: is told when the operation ends.
    """

    def __init__(self, database: Database, row: db.Row, owner: str,
                 lease: float, host: str | None = None,
                 listener: events.Listener = events.SILENCE) -> None:
        self.database = database
        self.operation = row
        self.id = row.id
        self.owner = owner
        self.host = host
        self._listener = listener
        self.facts: Facts = dict(row.facts)
        self._lease = lease
        self._step = row.step
        self._progress: dict[str, typing.Any] = {}
        #: Lets others work while this one only waits for something.
        self.aside: Callable[[], contextlib.AbstractContextManager[None]] = (
            contextlib.nullcontext)
        self._lost = threading.Event()
        self._cancelled = threading.Event()
        self._handing_over = threading.Event()
        self._renewed_at = time.monotonic()
        self._told_at = self._renewed_at
        self._told_percent = 0
        self.context = RequestContext(
            user_id=row.user_id, project_id=row.project_id,
            request_id=row.request_id, operation_id=row.id,
            resource_uuid=row.resource_id, is_admin=True, overwrite=False)

    def check(self) -> None:
        """Raise LeaseLost, HandedOver or Cancelled if work must stop."""
        self.fence()
        if self._handing_over.is_set():
            raise exceptions.HandedOver(
                f'operation {self.id} goes on elsewhere')
        if self._cancelled.is_set():
            raise exceptions.Cancelled(
                f'operation {self.id} was asked to stop')

    def fence(self) -> None:
        """Raise LeaseLost if the lease may be lost; asks nobody.

        To be called before each write to what the operation works on.
        """
        if self._lost.is_set() or self._overdue():
            raise self._taken_over()

    def confirm(self) -> None:
        """Raise LeaseLost unless the database says that the lease is held.

        Whoever takes over does so after this returns: what was done before
        is there for the successor to find.
        """
        with self.database.read() as tx:
            self.hold(tx)

    @contextlib.contextmanager
    def write(self) -> Iterator[Transaction]:
        """A transaction that is undone unless the claim is still held."""
        with self.database.write() as tx:
            yield tx
            self.hold(tx)

    def hold(self, tx: Transaction) -> None:
        """Raise LeaseLost, or keep the lease to the transaction's end."""
        if not db.is_held(tx, self.id, self.owner):
            self._lost.set()
            raise self._taken_over()

    @retry.whole
    def step(self, name: str, **facts: typing.Any) -> None:
        """Note durably which step begins, and facts that it will need."""
        self._step = name
        with self.database.write() as tx:
            self.remember(tx, **facts)
            self.note(tx, step=name)

    @retry.whole
    def keep(self, **facts: typing.Any) -> None:
        """Note facts durably, in a transaction of their own."""
        with self.database.write() as tx:
            self.remember(tx, **facts)

    def remember(self, tx: Transaction, **facts: typing.Any) -> None:
        """Note facts in the caller's transaction."""
        self.note(tx, facts={**self.facts, **facts})
        # What is rolled back was never known.
        tx.after_commit(lambda: self.facts.update(facts))

    def note(self, tx: Transaction, **values: typing.Any) -> None:
        """Change the row in the caller's transaction, if still held."""
        if not db.change(tx, self.id, self.owner, values):
            self._lost.set()
            raise self._taken_over()

    def progress(self, total: int, done: int, skipped: int) -> None:
        """Note bytes; written about once a second, and at the end."""
        self._progress = {'bytes_total': total, 'bytes_done': done,
                          'bytes_skipped': skipped}
        now = time.monotonic()
        if now - self._told_at >= _TELL_INTERVAL:
            self._told_at = now
            self._write_progress(total, done)

    @retry.whole
    def _write_progress(self, total: int, done: int) -> None:
        with self.database.write() as tx:
            self.note(tx, **self._progress)
            self._tell_progress(tx, total, done)

    def finish(self, tx: Transaction, **values: typing.Any) -> None:
        """Close the operation in the transaction that stores its result."""
        if not db.finish(tx, self.id, self.owner, DONE,
                         {**self._progress, 'step': 'done', **values}):
            self._lost.set()
            raise self._taken_over()
        self.tell(tx, events.END)

    def fail(self, tx: Transaction, error: exceptions.BlockstoreError,
             ) -> None:
        """Close the operation as failed, with the reason."""
        if not db.finish(tx, self.id, self.owner, FAILED, {
                **self._progress, **told(error, self.facts)}):
            self._lost.set()
            raise self._taken_over()
        self.tell(tx, events.ERROR, error_code=error.code,
                  message=error.message)

    def tell(self, tx: Transaction, phase: str, **details: typing.Any,
             ) -> None:
        """Tell what the operation's begin or end means for its resources.

        True when the caller's transaction is durable.
        """
        for event in events.of_operation(self.operation, phase, self.context,
                                         self.host, details):
            self._listener.tell(tx, event)

    def tell_of(self, tx: Transaction, type_: str, noun: str,
                resource_id: str) -> None:
        """Tell of what happened to another resource on the way."""
        self._listener.tell(tx, events.Event(
            type_, noun, resource_id, self.context, self.host))

    def _tell_progress(self, tx: Transaction, total: int, done: int) -> None:
        percent = 100 * done // total if total else 100
        for event in events.of_progress(self.operation, self._told_percent,
                                        percent, self.context, self.host):
            self._told_percent = percent
            self._listener.tell(tx, event)

    def describe(self) -> str:
        """Tell in a line what is done, and how far it is."""
        row = self.operation
        asked = [word for word, event in (
            ('to end', self._cancelled), ('to hand over', self._handing_over),
            ) if event.is_set()]
        return (f'{row.kind} of {row.resource_id}: operation {self.id}, '
                f'request {row.request_id}, attempt {row.attempt}, '
                f'step {self._step or "-"}, '
                f'{self._progress.get("bytes_done", 0)} bytes done'
                + ''.join(f', asked {word}' for word in asked))

    def describe_lease(self) -> str:
        """Tell in a line until when the lease is held."""
        age = time.monotonic() - self._renewed_at
        return (f'operation {self.id}: owner {self.owner}, '
                + ('lost' if self._lost.is_set() else
                   f'renewed {age:.1f} s ago, ends in '
                   f'{self._lease - age:.1f} s'))

    @retry.whole
    def renew(self) -> None:
        """Prolong the lease; called by the worker's keeper thread."""
        started = time.monotonic()
        with self.database.write() as tx:
            if not db.renew(tx, self.id, self.owner, self._lease,
                            self._progress):
                self._lost.set()
                return
            row = db.get(tx, self.id)
        self._renewed_at = started
        if row is not None and row.cancel_requested:
            self._cancelled.set()

    @retry.whole
    def release(self) -> None:
        """Give the operation back for somebody else to go on with.

        An attempt that ended so is no failed one.
        """
        with self.database.write() as tx:
            if not db.release(tx, self.id, self.owner):
                raise self._taken_over()

    @retry.whole
    def give_back(self) -> None:
        """Let it be taken up again at once: an attempt that failed."""
        with self.database.write() as tx:
            self.note(tx, lease_owner=None, lease_expires_at=None)

    def hand_on(self, tx: Transaction, topic: str, host: str) -> None:
        """Give the operation to a host of another topic, as a fresh one.

        Done in the transaction that stores what was found out; ring for it
        when that is durable.
        """
        self.note(tx, topic=topic, host=host, state=db.PENDING, attempt=0,
                  lease_owner=None, lease_expires_at=None)

    def leave_for(self, tx: Transaction, caller: str, **facts: typing.Any,
                  ) -> None:
        """Hand the operation to the caller who waits for what it made.

        The caller closes it under this name.  If it does not within a lease,
        the operation is taken up again, and finds these facts.
        """
        self.remember(tx, **facts)
        self.note(tx, step=ANSWER, lease_owner=caller,
                  lease_expires_at=clock.now(tx, self._lease))

    def hand_over(self) -> None:
        """Ask the thread that works on this to stop at the next check."""
        self._handing_over.set()

    def _taken_over(self) -> exceptions.LeaseLost:
        return exceptions.LeaseLost(f'operation {self.id} was taken over')

    def _overdue(self) -> bool:
        """Tell whether the lease may have run out unnoticed (a freeze)."""
        return time.monotonic() - self._renewed_at > self._lease


class Keeper:
    """A thread that renews the leases of all claims of this process.

    :param lease: seconds; claims are renewed three times as often.
    """

    def __init__(self, lease: float) -> None:
        self._interval = lease / 3
        self._claims: set[Claim] = set()
        self._lock = threading.Lock()
        self._handing_over = False
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name='lease-keeper', daemon=True)

    def start(self) -> None:
        """Begin to renew."""
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing."""
        self._stopped.set()
        self._thread.join()

    def hand_over(self) -> None:
        """Ask all work, also what just begins, to stop at its next check."""
        with self._lock:
            self._handing_over = True
            for claim in self._claims:
                claim.hand_over()

    @contextlib.contextmanager
    def keeping(self, claim: Claim) -> Iterator[None]:
        """Renew a claim while the block runs."""
        with self._lock:
            self._claims.add(claim)
            if self._handing_over:
                claim.hand_over()
        try:
            yield
        finally:
            with self._lock:
                self._claims.discard(claim)

    def claims(self) -> list[Claim]:
        """Return what is kept now, without waiting for anybody."""
        return sorted(self._claims.copy(), key=lambda claim: claim.id)

    def _run(self) -> None:
        while not self._stopped.wait(self._interval):
            with self._lock:
                claims = list(self._claims)
            for claim in claims:
                try:
                    claim.renew()
                except Exception:
                    # The boundary of this thread: a database that is away
                    # now is asked again; the claim itself notices in time
                    # when its lease may have run out.
                    LOG.exception('Lease of operation %s was not renewed',
                                  claim.id)


def failure(row: db.Row) -> exceptions.BlockstoreError:
    """Return the error that an operation has failed with."""
    told = row.facts.get('error', {})
    family = getattr(exceptions, told.get('family', ''),
                     exceptions.BlockstoreError)
    error: exceptions.BlockstoreError = family(
        row.error_message or f'{row.kind} failed', code=row.error_code,
        blockers=told.get('blockers', ()), remedy=told.get('remedy', ''))
    return error


def told(error: exceptions.BlockstoreError,
         facts: Mapping[str, typing.Any] | None = None) -> Facts:
    """Return the columns that tell what an operation has failed with.

    :param facts: what else is known of it.
    """
    return {'error_code': error.code, 'error_message': error.message[:1024],
            'facts': {**(facts or {}), 'error': {
                'family': exceptions.family(error).__name__,
                'blockers': list(error.blockers), 'remedy': error.remedy}}}


def unwanted() -> exceptions.Conflict:
    """Return the error of a connection that is withdrawn meanwhile."""
    return exceptions.Conflict('the connection is no longer wanted',
                               code=errors.OPERATION_CANCELLED)


def wait(database: Database, operation_id: str, *, timeout: float,
         check: Callable[[], None]) -> db.Row:
    """Wait until another operation is closed; return its row.

    :param check: called between looks; raises to give up.
    :raises exceptions.Unavailable: after ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    pause = 0.002
    while True:
        with database.read() as tx:
            row = db.get(tx, operation_id)
        if row is None or row.state not in db.OPEN:
            if row is None:
                raise exceptions.NotFound(
                    f'operation {operation_id} is gone')
            return row
        check()
        if time.monotonic() > deadline:
            raise exceptions.Unavailable(
                f'operation {operation_id} ({row.kind}) did not end within '
                f'{timeout:.0f} s', code=errors.OPERATION_TIMED_OUT)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)
