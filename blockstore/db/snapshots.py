"""The rows of snapshots."""

from collections.abc import Mapping
import dataclasses
import types
import typing

import sqlalchemy as sa

from blockstore.context import RequestContext
from blockstore.db import listing
from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction

Row = models.Snapshot
_T = rows.table(Row)
_VOLUMES = rows.table(models.Volume)
_ZONE = 'availability_zone'
_USER = (_T.c.purpose == 'user',)


def detail(tx: Transaction, context: RequestContext, id_: str,
           ) -> typing.Any | None:
    """Return a snapshot with its map of metadata, or None."""
    row = rows.get_for(tx, context, Row, id_)
    return None if row is None else _details(tx, [row])[0]


def make(tx: Transaction, metadata: Mapping[str, str],
         **values: typing.Any) -> typing.Any:
    """Add a snapshot; return it as :func:`detail` would."""
    row = rows.make(tx, Row, **values)
    rows.set_metadata(tx, models.SnapshotMetadata, row['id'], metadata)
    return types.SimpleNamespace(**row, metadata_map=dict(metadata))


def page(tx: Transaction, context: RequestContext,
         query: listing.ListQuery) -> list[typing.Any]:
    """Return one page, with metadata."""
    query, conditions = _as_shown(query)
    return _details(tx, listing.select(
        tx, context, Row, query, conditions=conditions,
        metadata_model=models.SnapshotMetadata))


def count(tx: Transaction, context: RequestContext,
          query: listing.ListQuery) -> int:
    """Count what a query matches."""
    query, conditions = _as_shown(query)
    return listing.count(tx, context, Row, query, conditions=conditions,
                         metadata_model=models.SnapshotMetadata)


def of_volume(tx: Transaction, volume_id: str) -> list[Row]:
    """Return all snapshots of a volume, newest first, hidden ones too."""
    statement = sa.select(_T).where(
        _T.c.volume_id == volume_id, _T.c.deleted == sa.false())
    return typing.cast('list[Row]', list(tx.execute(
        statement.order_by(_T.c.created_at.desc(), _T.c.id.desc()))))


def _as_shown(query: listing.ListQuery,
              ) -> tuple[listing.ListQuery,
                         tuple[sa.ColumnElement[bool], ...]]:
    """Return a query and conditions for what callers see.

    What the service made for itself is hidden unless it is asked for, and a
    snapshot is in the zone of its volume.
    """
    query = listing.by_stored_status(query)
    conditions = () if query.filters.get('use_quota') is False else _USER
    filters, like = dict(query.filters), dict(query.like)
    zone = _VOLUMES.c.availability_zone
    wanted = []
    if _ZONE in filters:
        wanted.append(zone == filters.pop(_ZONE))
    if _ZONE in like:
        wanted.append(zone.contains(like.pop(_ZONE), autoescape=True))
    if wanted:
        conditions = (*conditions, sa.exists().where(
            _VOLUMES.c.id == _T.c.volume_id, *wanted))
    return dataclasses.replace(query, filters=filters, like=like), conditions


def _details(tx: Transaction, found: list[typing.Any]) -> list[typing.Any]:
    maps = rows.metadata(tx, models.SnapshotMetadata,
                         [row.id for row in found])
    return [types.SimpleNamespace(**row._mapping,
                                  metadata_map=maps.get(row.id, {}))
            for row in found]
