"""Rows in a transitional status that no open operation will end.

There should be none.  What brings them about all the same: an administrator
who sets a status, or a defect.
"""

import datetime
import typing

from oslo_utils import timeutils
import sqlalchemy as sa

from blockstore.db import models
from blockstore.db import operations
from blockstore.db import rows
from blockstore.db.engine import Transaction

Condition = sa.ColumnElement[bool]

_OPERATIONS = rows.table(models.Operation)
_BACKUPS = rows.table(models.Backup)
_VOLUMES = rows.table(models.Volume)


def unowned(tx: Transaction, model: type[models.Base], statuses: list[str],
            age: float, *covered_by: sa.ColumnElement[bool],
            ) -> list[typing.Any]:
    """Return rows that have had a status for long and that nobody works on.

    :param age: seconds.
    :param covered_by: further conditions under which somebody does.
    """
    target = rows.table(model)
    worked_on = sa.exists().where(
        _OPERATIONS.c.resource_id == target.c.id,
        _OPERATIONS.c.state.in_(operations.OPEN))
    oldest = timeutils.utcnow() - datetime.timedelta(seconds=age)
    statement = sa.select(target).where(
        target.c.deleted == sa.false(), target.c.status.in_(statuses),
        target.c.status_changed_at < oldest, ~worked_on,
        *(~condition for condition in covered_by))
    return list(tx.execute(statement))


def restored_from(volume_id: sa.ColumnElement[str],
                  ) -> sa.ColumnElement[bool]:
    """The condition that a backup is being restored to a volume."""
    return sa.exists().where(
        _BACKUPS.c.restore_volume_id == volume_id,
        _BACKUPS.c.status == 'restoring', _BACKUPS.c.deleted == sa.false())


def backed_up(snapshot_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """The condition that a backup is being made from a snapshot."""
    return sa.exists().where(
        _BACKUPS.c.snapshot_id == snapshot_id,
        _BACKUPS.c.status == 'creating', _BACKUPS.c.deleted == sa.false())


def reverted_to(volume_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """The condition that a volume is going back to a snapshot of it."""
    volumes = _VOLUMES.alias('reverting')
    return sa.exists().where(
        volumes.c.id == volume_id, volumes.c.status == 'reverting',
        volumes.c.deleted == sa.false())


def held_in_vain(tx: Transaction) -> list[typing.Any]:
    """Return volumes held by a backup that is over or gone."""
    at_work = sa.exists().where(
        _BACKUPS.c.id == _VOLUMES.c.backup_id,
        _BACKUPS.c.deleted == sa.false(),
        _BACKUPS.c.status.in_(['creating', 'deleting']))
    return list(tx.execute(sa.select(_VOLUMES).where(
        _VOLUMES.c.deleted == sa.false(),
        _VOLUMES.c.backup_id.is_not(None), ~at_work)))
