"""The rows of user messages; what they say is made in lifecycle.messages."""

import typing

from oslo_utils import timeutils
import sqlalchemy as sa

from blockstore.context import RequestContext
from blockstore.db import listing
from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction

Row = models.Message

_T = rows.table(Row)


def insert(tx: Transaction, **values: typing.Any) -> None:
    """Add a message."""
    rows.insert(tx, Row, **values)


def get(tx: Transaction, context: RequestContext, id_: str) -> Row | None:
    """Return a message that the caller may see."""
    return rows.get_for(tx, context, Row, id_)


def page(tx: Transaction, context: RequestContext,
         query: listing.ListQuery) -> list[Row]:
    """Return the messages of one page, of the caller's project."""
    return listing.select(tx, context, Row, query)


def delete(tx: Transaction, context: RequestContext, id_: str) -> bool:
    """Remove a message; tell whether the caller could see it."""
    statement = rows.visible(
        sa.delete(_T).where(_T.c.id == id_), _T, context)
    return tx.execute(statement).rowcount == 1


def delete_expired(tx: Transaction) -> int:
    """Remove the messages that need no longer be kept; return how many."""
    return tx.execute(sa.delete(_T).where(
        _T.c.expires_at < timeutils.utcnow())).rowcount
