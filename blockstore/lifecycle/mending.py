"""Mending: a resource looked at again, for an effect that came late.

Fencing keeps a worker that lost its operation from the rows, but not from
the back end: a driver call that hung takes effect whenever it takes effect,
be it after another worker has done the same, ended, and undone it.  So
whoever returns from its work without its lease starts ``<noun>.mend`` on the
resource, an operation like any other.  Because the operations of a resource
come one after the other, it begins when the one that was taken over has
ended, and no later one has begun: what the rows say then is how the back end
has to be, and that is what it makes of it.

What mends can hang, too, and is mended then.
"""

from blockstore.context import RequestContext
from blockstore.db import operations as db
from blockstore.db.engine import Transaction
from blockstore.lifecycle import operations


def kind_of(row: db.Row) -> str:
    """Return the kind of operation that mends what another one works on."""
    return f'{row.resource_type}.mend'


def start(tx: Transaction, context: RequestContext, row: db.Row) -> str:
    """Start to mend what an operation may have done late; return the id.

    It has that operation's arguments, and its kind as ``late``.
    """
    return operations.start(
        tx, context, kind_of(row), row.resource_id, topic=row.topic,
        host=row.host, project_id=row.project_id,
        arguments={'late': row.kind, **row.arguments})
