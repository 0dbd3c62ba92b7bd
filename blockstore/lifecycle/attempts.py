"""An attempt: what becomes of an operation that a handler works on.

What a handler raises decides what follows:

* ``LeaseLost``: nothing, somebody else has it; but as what was done without
  the lease may have come late, the resource is mended (see
  :mod:`blockstore.lifecycle.mending`) if this worker knows how;
* ``HandedOver``, ``TryLater`` or a database failure: the operation is left to
  be taken up again (by anyone, until ``max_attempts``);
* anything else: the handler's ``failed`` writes what that means for the
  resource, and the operation is closed as failed, in one transaction; if that
  breaks, it is closed all the same and the rest is left to the reaper.
"""

from collections.abc import Mapping
import threading
import typing

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
from blockstore.lifecycle import mending
from blockstore.lifecycle import operations
from blockstore.lifecycle.operations import Claim

LOG = logging.getLogger(__name__)


class Handler(typing.Protocol):
    """Does one kind of operation; every call may be a repetition."""

    def run(self, claim: Claim) -> None:
        """Do it, and close the claim with the result in one transaction."""

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Write what the failure means for the resource."""


class Attempts:
    """The attempts of one worker.

    :param options: the section ``[operations]``.
    :param stopping: is set when the worker stops.
    """

    def __init__(self, options: cfg.ConfigOpts, database: Database,
                 handlers: Mapping[str, Handler],
                 stopping: threading.Event) -> None:
        self._options = options
        self._database = database
        self._handlers = handlers
        self._stopping = stopping
        self._put_off: set[str] = set()

    def was_put_off(self, operation_id: str) -> bool:
        """Tell, once, whether an attempt here left an operation for later."""
        known = operation_id in self._put_off
        self._put_off.discard(operation_id)
        return known

    def run(self, claim: Claim) -> str:
        """Do what is claimed, or a part; tell what has become of it."""
        row = claim.operation
        handler = self._handlers[row.kind]
        claim.context.update_store()
        LOG.info('%s of %s begins, attempt %d', row.kind, row.resource_id,
                 row.attempt)
        try:
            state = self._attempt(handler, claim)
        except exceptions.LeaseLost:
            LOG.warning('%s of %s was taken over', row.kind, row.resource_id)
            self._mend(claim)
            state = 'lost'
        metrics.OPERATIONS_ENDED.labels(row.kind, state).inc()
        return state

    def _attempt(self, handler: Handler, claim: Claim) -> str:
        """Let the handler work; tell what has become of the operation.

        :raises LeaseLost: it is not ours to tell any more.
        """
        row = claim.operation
        try:
            if row.attempt > self._options.max_attempts:
                raise exceptions.BlockstoreError(
                    f'{row.kind} was cut off {row.attempt - 1} times',
                    code=errors.OPERATION_ATTEMPTS)
            if operations.GIVEN_UP in row.facts:
                raise exceptions.Cancelled(
                    row.facts[operations.GIVEN_UP],
                    code=errors.OPERATION_CANCELLED)
            retry.whole(handler.run)(claim)
        except exceptions.LeaseLost:
            raise
        except exceptions.HandedOver:
            claim.release()
            return 'handed over'
        except exceptions.TryLater as error:
            LOG.warning('%s of %s is tried again later: %s', row.kind,
                        row.resource_id, error)
            self._put_off.add(row.id)
            claim.fence()
            return 'put off'
        except db_exception.DBError:
            LOG.exception('%s of %s is left to be taken up again', row.kind,
                          row.resource_id)
            self._put_off.add(row.id)
            self._give_back(claim)
            return 'put off'
        except exceptions.BlockstoreError as error:
            LOG.warning('%s of %s failed: %s', row.kind, row.resource_id,
                        error)
            self._fail(handler, claim, error)
            return db.FAILED
        except Exception as error:
            # The boundary to handlers: a defect ends this operation, and
            # neither the worker nor the resource's other operations.
            LOG.exception('%s of %s failed', row.kind, row.resource_id)
            self._fail(handler, claim, exceptions.BlockstoreError(
                f'unexpected {type(error).__name__}'))
            return db.FAILED
        LOG.info('%s of %s ended', row.kind, row.resource_id)
        return db.DONE

    def _give_back(self, claim: Claim) -> None:
        try:
            claim.give_back()
        except db_exception.DBError as error:
            claim.fence()
            LOG.warning('Operation %s is held until its lease runs out: %s',
                        claim.id, error)

    def _mend(self, claim: Claim) -> None:
        """Have mended what was done late, whatever becomes of this thread.

        A database that is away is waited for: nobody else knows of it.
        """
        if mending.kind_of(claim.operation) not in self._handlers:
            return
        while True:
            try:
                self._start_to_mend(claim)
                return
            except db_exception.DBError:
                LOG.exception('%s is not mended yet',
                              claim.operation.resource_id)
                if self._stopping.wait(self._options.poll_interval):
                    return

    @retry.whole
    def _start_to_mend(self, claim: Claim) -> None:
        with self._database.write() as tx:
            mending.start(tx, claim.context, claim.operation)

    def _fail(self, handler: Handler, claim: Claim,
              error: exceptions.BlockstoreError) -> None:
        try:
            self._write_failure(handler, claim, error)
        except exceptions.LeaseLost:
            raise
        except Exception as broken:
            if (isinstance(broken, db_exception.DBError) and
                    claim.operation.attempt <= self._options.max_attempts):
                raise
            # Never again and again: the reaper ends what it leaves behind.
            LOG.exception('The failure of %s could not be dealt with',
                          claim.id)
            self._write_failure(None, claim, error)

    @retry.whole
    def _write_failure(self, handler: Handler | None, claim: Claim,
                       error: exceptions.BlockstoreError) -> None:
        with self._database.write() as tx:
            claim.fail(tx, error)
            if handler is not None:
                handler.failed(tx, claim, error)
