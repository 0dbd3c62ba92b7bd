"""The rows of backups."""

import datetime
import types
import typing

import sqlalchemy as sa

from blockstore.context import RequestContext
from blockstore.db import listing
from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction

Row = models.Backup
_T = rows.table(Row)


def detail(tx: Transaction, context: RequestContext, id_: str,
           ) -> typing.Any | None:
    """Return a backup with its map of metadata, or None."""
    row = rows.get_for(tx, context, Row, id_)
    return None if row is None else _details(tx, [row])[0]


def page(tx: Transaction, context: RequestContext,
         query: listing.ListQuery) -> list[typing.Any]:
    """Return one page, with metadata."""
    return _details(tx, listing.select(
        tx, context, Row, query, metadata_model=models.BackupMetadata))


def count(tx: Transaction, context: RequestContext,
          query: listing.ListQuery) -> int:
    """Count what a query matches."""
    return listing.count(tx, context, Row, query,
                         metadata_model=models.BackupMetadata)


def newest(tx: Transaction, project_id: str, volume_id: str,
           before: datetime.datetime | None) -> Row | None:
    """Return the available backup with the newest data, held: the parent."""
    statement = sa.select(_T).where(
        _T.c.project_id == project_id, _T.c.volume_id == volume_id,
        _T.c.status == 'available', _T.c.deleted == sa.false())
    if before is not None:
        statement = statement.where(_T.c.data_timestamp < before)
    return typing.cast('Row | None', tx.execute(statement.order_by(
        _T.c.data_timestamp.desc(), _T.c.id).limit(1).with_for_update(),
        ).one_or_none())


def with_base(tx: Transaction, volume_id: str) -> list[Row]:
    """Return the backups of a volume that keep a base snapshot."""
    statement = sa.select(_T).where(
        _T.c.volume_id == volume_id, _T.c.base_snapshot_id.is_not(None),
        _T.c.deleted == sa.false())
    return typing.cast('list[Row]', list(tx.execute(statement)))


def forget_snapshot(tx: Transaction, snapshot_id: str) -> None:
    """Note that a temporary or base snapshot is gone."""
    for column in (_T.c.temp_snapshot_id, _T.c.base_snapshot_id):
        tx.execute(sa.update(_T).where(
            column == snapshot_id).values({column: None}))


def forget_volume(tx: Transaction, volume_id: str) -> None:
    """Note that a temporary volume is gone."""
    tx.execute(sa.update(_T).where(
        _T.c.temp_volume_id == volume_id).values(temp_volume_id=None))


def built_on(tx: Transaction, parent_id: str) -> list[str]:
    """Return ids of the incremental backups in the making on a backup."""
    statement = sa.select(_T.c.id).where(
        _T.c.parent_id == parent_id, _T.c.status == 'creating',
        _T.c.deleted == sa.false())
    return list(tx.execute(statement).scalars())


def owner_of_snapshot(tx: Transaction, snapshot_id: str) -> Row | None:
    """Return the backup whose temporary or base snapshot this is."""
    statement = sa.select(_T).where(
        sa.or_(_T.c.temp_snapshot_id == snapshot_id,
               _T.c.base_snapshot_id == snapshot_id),
        _T.c.deleted == sa.false())
    return typing.cast('Row | None', tx.execute(
        statement.limit(1)).one_or_none())


def _details(tx: Transaction, found: list[typing.Any]) -> list[typing.Any]:
    maps = rows.metadata(tx, models.BackupMetadata,
                         [row.id for row in found])
    return [types.SimpleNamespace(**row._mapping,
                                  metadata_map=maps.get(row.id, {}))
            for row in found]
