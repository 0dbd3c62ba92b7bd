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
    oldest = timeutils.utcnow() - datetime.timedelta(seconds=age)
    statement = sa.select(target).where(
        target.c.deleted == sa.false(), target.c.status.in_(statuses),
        target.c.status_changed_at < oldest, ~_worked_on(target.c.id),
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


def worked_on_with(volume_id: sa.ColumnElement[str],
                   ) -> sa.ColumnElement[bool]:
    """The condition that a volume's operation works on its snapshot too.

    It goes back to it, or is deleted together with it.
    """
    volumes = _VOLUMES.alias('parent')
    return sa.exists().where(
        volumes.c.id == volume_id, volumes.c.deleted == sa.false(),
        volumes.c.status.in_(['reverting', 'deleting']))


def leftovers(tx: Transaction, model: type[models.Base], age: float,
              *names: str) -> list[typing.Any]:
    """Return what the service made for itself and needs no more.

    A temporary object is needed while its backup is being made, a base
    snapshot as long as its backup is there.

    :param age: seconds without a change of status.
    :param names: the columns of a backup that name such an object; those
        of temporary objects begin with ``temp``.
    """
    target = rows.table(model)
    oldest = timeutils.utcnow() - datetime.timedelta(seconds=age)
    needed = sa.or_(*(
        sa.and_(_BACKUPS.c[name] == target.c.id, *(
            [sa.or_(_BACKUPS.c.status == 'creating',
                    _worked_on(_BACKUPS.c.id))]
            if name.startswith('temp') else [])) for name in names))
    return list(tx.execute(sa.select(target).where(
        target.c.deleted == sa.false(), target.c.purpose == 'backup',
        target.c.status_changed_at < oldest, ~_worked_on(target.c.id),
        ~sa.exists().where(_BACKUPS.c.deleted == sa.false(), needed))))


def _worked_on(resource_id: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    return sa.exists().where(
        _OPERATIONS.c.resource_id == resource_id,
        _OPERATIONS.c.state.in_(operations.OPEN))


def held_in_vain(tx: Transaction) -> list[typing.Any]:
    """Return volumes held by a backup that is over or gone."""
    at_work = sa.exists().where(
        _BACKUPS.c.id == _VOLUMES.c.backup_id,
        _BACKUPS.c.deleted == sa.false(),
        _BACKUPS.c.status.in_(['creating', 'deleting']))
    return list(tx.execute(sa.select(_VOLUMES).where(
        _VOLUMES.c.deleted == sa.false(),
        _VOLUMES.c.backup_id.is_not(None), ~at_work)))
