"""Operations whose caller waits for them: 200 instead of 202.

The operation's row is written like any other; then the volume service is
called to do it now, instead of rung.  How it ended is read from the rows, so
whoever did it, and whatever became of the call, the answer is the truth.

>>> with database.write() as tx:
...     asked = immediate.ask(tx, context, kind, id_, volume, {…})
>>> with immediate.waiting(asked):
...     immediate.run(context, asked)   # raises what the operation failed with
...     with database.write() as tx:
...         immediate.fetch(tx, context, asked)
"""

import contextlib
import time
import typing

from oslo_config import cfg
from oslo_utils import uuidutils

from blockstore import errors
from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import models
from blockstore.db import operations as db
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction
from blockstore.lifecycle import operations
from blockstore.rpc.clients import Clients
from blockstore.services import answers
from blockstore.services import base


def too_late(what: str) -> exceptions.Unavailable:
    """Return the error of a way in that was closed before it was told of."""
    return exceptions.Unavailable(
        f'the connection of {what} was closed before it could be told of',
        code=errors.CONNECTION_NOT_FETCHED, remedy='connect it again')


class Asked(typing.NamedTuple):
    """An operation that this request waits for.

    :param caller: the name under which its answer is fetched.
    """

    id: str
    kind: str
    resource_id: str
    host: str
    caller: str


class Immediate:
    """Runs operations of the volume services while a caller waits."""

    def __init__(self, conf: cfg.ConfigOpts, database: Database,
                 clients: Clients) -> None:
        self._database = database
        self._clients = clients
        self._lease = conf.operations.lease
        self._answers = answers.Answers(database, self._lease)

    def ask(self, tx: Transaction, context: RequestContext, kind: str,
            resource_id: str, volume: models.Volume,
            arguments: dict[str, typing.Any]) -> Asked:
        """Start an operation in the caller's transaction."""
        host = base.owner(volume)
        caller = f'api {uuidutils.generate_uuid(dashed=False)}'
        id_ = operations.start(
            tx, context, kind, resource_id, topic='volume', host=host,
            project_id=volume.project_id,
            arguments={**arguments, 'caller': caller})
        return Asked(id_, kind, resource_id, host, caller)

    def again(self, row: db.Row) -> Asked:
        """Return an operation that is open already, to wait for it, too."""
        return Asked(row.id, row.kind, row.resource_id, str(row.host), '')

    def waiting(self, asked: Asked) -> contextlib.AbstractContextManager[None]:
        """Have the answer kept for this caller while it is in the block.

        However slow it is: that is no reason to close what it asked for.
        """
        return self._answers.awaited(asked.id, asked.caller)

    def run(self, context: RequestContext, asked: Asked) -> db.Row:
        """Have it done now; return its row when it is done.

        :raises exceptions.BlockstoreError: what it failed with.
        :raises exceptions.Unavailable: it has not ended; it is gone on with
            or undone without the caller.
        """
        unheard: exceptions.BlockstoreError | None = None
        try:
            self._clients.volume.run_operation(context, asked.host, asked.id)
        except exceptions.BlockstoreError as error:
            unheard = error
        row = self._look(asked)
        if row is None:
            raise exceptions.NotFound(f'operation {asked.id} is gone')
        if row.state == db.FAILED:
            raise operations.failure(row)
        if row.state == db.DONE or row.step == operations.ANSWER:
            return row
        raise exceptions.Unavailable(
            f'{asked.kind} of {asked.resource_id} has not ended'
            + (f': {unheard.message}' if unheard else ''),
            code=(unheard.code if unheard is not None
                  else errors.OPERATION_TIMED_OUT),
            blockers=[f'operation {asked.id}'],
            remedy='see whether the volume service is up; the operation ends '
                   'when it is')

    def _look(self, asked: Asked) -> db.Row | None:
        """Return the row when its operation has come to its end, or answer.

        If the one that was called stops or is dead, another may have it: that
        one is waited for as long as a takeover may take, two leases.
        """
        deadline = time.monotonic() + 2 * self._lease
        pause = 0.002
        while True:
            with self._database.read() as tx:
                row = db.get(tx, asked.id)
            if (row is None or row.state != db.RUNNING
                    or row.step == operations.ANSWER
                    or time.monotonic() > deadline):
                return row
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)

    def fetch(self, tx: Transaction, context: RequestContext, asked: Asked,
              ) -> bool:
        """Close an operation that waits at its answer; False if it is late.

        What it made is the caller's from this transaction on.
        """
        if not db.finish(tx, asked.id, asked.caller, db.DONE,
                         {'step': 'done', 'facts': {}}):
            return False
        following = db.next_of(tx, asked.resource_id, 'volume')
        if following is not None:
            tx.after_commit(lambda: self._clients.ring(
                context, 'volume', asked.host, following))
        return True

    def give_up(self, tx: Transaction, asked: Asked) -> db.Row | None:
        """Take back an opening that has not come about in time.

        Whoever has begun with it undoes it, or is taken over by one who does.

        :returns: the operation, closed here, if nobody has begun with it.
        """
        row = db.get(tx, asked.id)
        if row is not None and db.abandon(
                tx, asked.id, operations.told(exceptions.Unavailable(
                    'no volume service took it up'))):
            return row
        # Not closed, even if it waits for its answer by now: who takes it up
        # when nobody comes closes what is open.
        db.cancel(tx, asked.resource_id, (asked.kind,))
        return None

    def withdraw(self, tx: Transaction, kind: str, resource_id: str) -> None:
        """Say that what operations open is no longer wanted."""
        db.withdraw(tx, resource_id, kind, operations.ANSWER,
                    operations.told(operations.unwanted()))
