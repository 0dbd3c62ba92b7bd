"""The rows of a back end, whose objects it lists as managed already."""

import typing

import sqlalchemy as sa

from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction

_VOLUMES = rows.table(models.Volume)
_SNAPSHOTS = rows.table(models.Snapshot)
# What could not be taken over has nothing there.
_HAS_NOTHING = ('error_managing', 'error_managing_deleting')


def volumes(tx: Transaction, host: str) -> list[models.Volume]:
    """Return the volumes of a back end, ``host@backend``."""
    statement = sa.select(_VOLUMES).where(
        _of(host), _VOLUMES.c.deleted == sa.false(),
        _VOLUMES.c.status.not_in(_HAS_NOTHING))
    return typing.cast('list[models.Volume]', list(tx.execute(statement)))


def snapshots(tx: Transaction, host: str) -> list[models.Snapshot]:
    """Return the snapshots of a back end's volumes."""
    statement = sa.select(_SNAPSHOTS).join(
        _VOLUMES, _VOLUMES.c.id == _SNAPSHOTS.c.volume_id).where(
            _of(host), _SNAPSHOTS.c.deleted == sa.false(),
            _SNAPSHOTS.c.status.not_in(_HAS_NOTHING))
    return typing.cast('list[models.Snapshot]', list(tx.execute(statement)))


def _of(host: str) -> sa.ColumnElement[bool]:
    return sa.or_(_VOLUMES.c.host == host,
                  _VOLUMES.c.host.startswith(f'{host}#', autoescape=True))
