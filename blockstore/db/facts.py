"""What the database knows that an operator watches: few, small statements.

Each is one statement whose answer has a bound, whatever the number of rows.
"""

import datetime
import typing

import sqlalchemy as sa

from blockstore.db import models
from blockstore.db import operations
from blockstore.db import rows
from blockstore.db import services
from blockstore.db.engine import Transaction

_OPERATIONS = rows.table(models.Operation)
_SERVICES = rows.table(services.Row)
_VOLUMES = rows.table(models.Volume)
_BACKUPS = rows.table(models.Backup)


class Open(typing.NamedTuple):
    """The operations of one kind and state that are not closed."""

    kind: str
    state: str
    number: int
    oldest: datetime.datetime


def open_operations(tx: Transaction) -> list[Open]:
    """Count the operations that are not closed."""
    t = _OPERATIONS.c
    return [Open(*row) for row in tx.execute(
        sa.select(t.kind, t.state, sa.func.count(),
                  sa.func.min(t.created_at))
        .where(t.state.in_(operations.OPEN)).group_by(t.kind, t.state))]


def heartbeats(tx: Transaction) -> list[typing.Any]:
    """Return the binary, host, report and switch of each service."""
    t = _SERVICES.c
    return list(tx.execute(sa.select(
        t.binary, t.host, t.reported_at, t.disabled)))


def oldest_backups(tx: Transaction, limit: int,
                   ) -> list[tuple[str, datetime.datetime]]:
    """Return the volumes whose last good backup is oldest, and its time."""
    last = _last_backups().subquery()
    return [(id_, moment) for id_, moment in tx.execute(
        sa.select(last.c.id, last.c.moment)
        .where(last.c.moment.is_not(None))
        .order_by(last.c.moment, last.c.id).limit(limit))]


def volumes_by_backup(tx: Transaction, since: list[datetime.datetime],
                      ) -> tuple[int, int, list[int]]:
    """Count volumes: all, those with a backup, with one since each time."""
    last = _last_backups().subquery()
    all_, some, *recent = tx.execute(sa.select(
        sa.func.count(), sa.func.count(last.c.moment),
        *(sa.func.count(sa.case((last.c.moment >= moment, 1)))
          for moment in since)).select_from(last)).one()
    return all_, some, recent


def _last_backups() -> typing.Any:
    """Users' volumes with the moment of their last good backup, or None."""
    good = sa.and_(
        _BACKUPS.c.volume_id == _VOLUMES.c.id,
        _BACKUPS.c.deleted == sa.false(),
        _BACKUPS.c.status.in_(['available', 'restoring']))
    return sa.select(
        _VOLUMES.c.id, sa.func.max(_BACKUPS.c.data_timestamp).label('moment'),
        ).select_from(_VOLUMES.outerjoin(_BACKUPS, good)).where(
            _VOLUMES.c.deleted == sa.false(), _VOLUMES.c.purpose == 'user',
        ).group_by(_VOLUMES.c.id)
