"""The rows of notifications that are not known to be sent.

Each is held by one process at a time, until a moment that it moves on as long
as it lives; what nobody holds any more is anybody's to send.
"""

from collections.abc import Mapping
from collections.abc import Sequence
import typing

import sqlalchemy as sa

from blockstore.db import clock
from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction

Row = models.Notification

_T = rows.table(Row)


def insert(tx: Transaction, owner: str, seconds: float,
           messages: Sequence[Mapping[str, typing.Any]]) -> None:
    """Add notifications that a process is about to send.

    :param seconds: how long they are held for it.
    """
    tx.execute(sa.insert(_T).values(
        owner=owner, held_until=clock.now(tx, seconds)), messages)


def hold(tx: Transaction, owner: str, ids: Sequence[str], seconds: float,
         ) -> None:
    """Go on holding those that a process still has."""
    tx.execute(sa.update(_T).where(_T.c.id.in_(ids), _T.c.owner == owner)
               .values(held_until=clock.now(tx, seconds)))


def take(tx: Transaction, owner: str, seconds: float, limit: int,
         ) -> list[Row]:
    """Return the oldest that nobody holds; this process holds them now."""
    free = _T.c.held_until < clock.now(tx)
    ids = tx.execute(sa.select(_T.c.id).where(free).order_by(
        _T.c.held_until).limit(limit)).scalars().all()
    if not ids:
        return []
    # Others may have seen the same: each row is taken by one of them.
    tx.execute(sa.update(_T).where(_T.c.id.in_(ids), free).values(
        owner=owner, held_until=clock.now(tx, seconds)))
    return typing.cast('list[Row]', tx.execute(sa.select(_T).where(
        _T.c.id.in_(ids), _T.c.owner == owner).order_by(
            _T.c.created_at, _T.c.id)).all())


def delete(tx: Transaction, ids: Sequence[str]) -> None:
    """Forget those that are sent."""
    tx.execute(sa.delete(_T).where(_T.c.id.in_(ids)))


def delete_older(tx: Transaction, seconds: float) -> int:
    """Give up what nobody could send for so long; return how many."""
    return tx.execute(sa.delete(_T).where(
        _T.c.created_at < clock.now(tx, -seconds))).rowcount


def delete_beyond(tx: Transaction, limit: int) -> int:
    """Give up the oldest of what is more than so many; return how many."""
    newest_too_old = tx.execute(sa.select(_T.c.created_at).order_by(
        _T.c.created_at.desc()).offset(limit).limit(1)).scalar_one_or_none()
    if newest_too_old is None:
        return 0
    return tx.execute(sa.delete(_T).where(
        _T.c.created_at <= newest_too_old)).rowcount
