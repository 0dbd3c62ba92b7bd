"""Taking over what stands on the back end, and letting it go (R-001…R-029c).

``volume.manage`` and ``snapshot.manage`` run a flow whose steps may all be
repeated: measure, charge the quota, take over, finish.  The row was there
before anything else (the intent), with a status of its own whose bytes are
never removed with it.  What fails once the taking over has begun is let go
again for sure, by an operation of its own (``….release``), whatever was
killed meanwhile.
"""

import dataclasses
import typing

from oslo_config import cfg

from blockstore import exceptions
from blockstore.db import retry
from blockstore.db import rows
from blockstore.db.engine import Transaction
from blockstore.lifecycle import engine
from blockstore.lifecycle import operations
from blockstore.lifecycle import transitions
from blockstore.lifecycle.messages import Detail
from blockstore.lifecycle.operations import Claim
from blockstore.lifecycle.snapshots import SnapshotStatus
from blockstore.volume.drivers import base as drivers
from blockstore.volume.flows import base
from blockstore.volume.flows.nouns import FAILED
from blockstore.volume.flows.nouns import Noun

# Volumes have the same words for these.
_S = SnapshotStatus
#: The fact that the back end may have been changed.
TAKING = 'taking'

_DETAILS: tuple[tuple[type[exceptions.BlockstoreError], Detail], ...] = (
    (exceptions.ManageExistingInvalidReference,
     Detail.MANAGE_INVALID_REFERENCE),
    (exceptions.ManageExistingAlreadyManaged, Detail.MANAGE_ALREADY_MANAGED),
    (exceptions.QuotaExceeded, Detail.QUOTA),
    (exceptions.Unsupported, Detail.CAPABILITY),
    (exceptions.NoValidBackend, Detail.NO_BACKEND),
    (exceptions.Cancelled, Detail.CANCELLED))


@dataclasses.dataclass(frozen=True)
class Work:
    """One run of one operation."""

    handler: 'Manage'
    claim: Claim
    row: typing.Any
    reference: typing.Any

    @property
    def noun(self) -> Noun:
        """What is taken over."""
        return self.handler.noun

    @property
    def driver(self) -> drivers.Driver:
        """The back end."""
        return self.handler.driver


class Step(engine.Task):
    """A step of the flow."""

    def __init__(self, work: Work, **kwargs: typing.Any) -> None:
        super().__init__(**kwargs)
        self.work = work


class Measure(Step):
    """Look at what the reference names; changes nothing."""

    def execute(self) -> int:
        """Return its size in GiB."""
        work = self.work
        work.claim.check()
        return measure(work.handler, work.driver.host, work.noun,
                       work.noun.view(work.row), work.reference)


class Charge(Step):
    """Make the row as big as the object, if the quota allows."""

    @retry.whole
    def execute(self, size: int) -> None:
        """Charge the difference to what was charged with the row."""
        work = self.work
        with work.claim.write() as tx:
            row = rows.get(tx, work.noun.model, work.row.id, lock=True)
            if row is None:
                raise exceptions.NotFound(
                    f'{work.noun.name} {work.row.id} is gone')
            if getattr(row, work.noun.size) != size:
                work.noun.charge(tx, work.handler.conf, row, size)
                rows.update(tx, work.noun.model, row.id,
                            {work.noun.size: size})


class TakeOver(Step):
    """Make the object the row's."""

    def execute(self) -> dict[str, typing.Any]:
        """Return what the driver wants to be kept."""
        work = self.work
        work.claim.check()
        if TAKING not in work.claim.facts:
            work.claim.keep(**{TAKING: True})
        row = work.noun.row(work.handler.database, work.row.id)
        if row is None:
            raise exceptions.NotFound(
                f'{work.noun.name} {work.row.id} is gone')
        return base.updates(work.noun.take(
            work.driver, work.noun.view(row), work.reference))


class Finish(Step):
    """Let it be used."""

    @retry.whole
    def execute(self, updates: dict[str, typing.Any]) -> None:
        """Write the result and the end of the operation together."""
        work = self.work
        with work.handler.database.write() as tx:
            transitions.try_move(
                tx, work.noun.machine, work.noun.model, work.row.id,
                _S.AVAILABLE, sources=(_S.MANAGING,), **updates,
                **work.noun.fresh())
            work.claim.finish(tx)


@dataclasses.dataclass(frozen=True)
class _Handler(base.Handler):
    """Base of the handlers of both nouns."""

    conf: cfg.ConfigOpts
    noun: Noun

    def _move(self, tx: Transaction, claim: Claim, target: str, source: str,
              error: exceptions.BlockstoreError, **values: typing.Any,
              ) -> bool:
        return transitions.try_move(
            tx, self.noun.machine, self.noun.model,
            claim.operation.resource_id, target, sources=(source,),
            reason=error.message, **values)


class Manage(_Handler):
    """``….manage``: take over what the argument ``reference`` names."""

    def run(self, claim: Claim) -> None:
        """Take it over."""
        row = self.noun.row(self.database, claim.operation.resource_id)
        if row is None or row.status != _S.MANAGING:
            self.end(claim)
            return
        work = Work(self, claim, row, claim.operation.arguments['reference'])
        engine.run(
            claim.operation.kind, claim, Measure(work, provides='size'),
            Charge(work), TakeOver(work, provides='updates'), Finish(work))

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Give the quota back, and the object if it may have been taken."""
        if self._move(tx, claim, _S.ERROR_MANAGING, _S.MANAGING, error,
                      use_quota=False):
            base.tell(tx, claim, self.noun.manage_action,
                      detail_of(error, Detail.MANAGE_ERROR))
        if TAKING in claim.facts:
            row = claim.operation
            operations.start(
                tx, claim.context, f'{self.noun.name}.release',
                row.resource_id, topic='volume', host=self.driver.host,
                project_id=row.project_id, parent_id=claim.id)


class Release(_Handler):
    """``….release``: let go for sure of what could not be taken over."""

    def run(self, claim: Claim) -> None:
        """Let it go, unless it has come to be used after all."""
        with self.database.read() as tx:
            row = rows.even_deleted(tx, self.noun.model,
                                    claim.operation.resource_id)
        if row is not None and (row.deleted or row.status in FAILED):
            self.noun.let_go(self.driver, claim.context, self.noun.view(row))
        self.end(claim)

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Nothing more: removing the row lets it go, too."""


class Unmanage(_Handler):
    """``….unmanage``: let an object go and remove its row.

    So goes the row, too, of what could not be taken over.
    """

    def run(self, claim: Claim) -> None:
        """Let it go; its bytes stay."""
        row = self.noun.row(self.database, claim.operation.resource_id)
        if row is None or row.status not in (
                _S.UNMANAGING, _S.ERROR_MANAGING_DELETING):
            self.end(claim)
            return
        if row.status == _S.UNMANAGING or drivers.has(
                self.driver, self.noun.capability):
            self.noun.clear(self, claim, row.id)
            self.noun.let_go(self.driver, claim.context, self.noun.view(row))
        with self.database.write() as tx:
            self.noun.forget(tx, row.id)
            claim.finish(tx)

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Leave it as it was if the back end cannot do this at all."""
        back = claim.operation.arguments['old_status']
        if not isinstance(error, exceptions.Unsupported):
            back = self.noun.stuck
        if not self._move(tx, claim, back, _S.UNMANAGING, error):
            self._move(tx, claim, _S.ERROR_MANAGING,
                       _S.ERROR_MANAGING_DELETING, error)
        base.tell(tx, claim, self.noun.unmanage_action,
                  detail_of(error, Detail.UNMANAGE_ERROR))


def measure(handler: base.Handler, host: str, noun: Noun, view: typing.Any,
            reference: typing.Any) -> int:
    """Return the size of what a reference names, if it can be taken over.

    :raises ManageExistingInvalidReference: it cannot.
    :raises ManageExistingAlreadyManaged: another row has it.
    """
    size = noun.measure(handler.driver, view, reference)
    with handler.database.read() as tx:
        noun.check_unowned(tx, host, view, reference)
    return size


def detail_of(error: exceptions.BlockstoreError, otherwise: Detail,
              ) -> Detail:
    """Return the words for a failure."""
    return next((detail for family, detail in _DETAILS
                 if isinstance(error, family)), otherwise)
