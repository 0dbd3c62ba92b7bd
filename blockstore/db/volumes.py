"""The rows of volumes, and what is read together with them."""

import dataclasses
import types
import typing

import sqlalchemy as sa

from blockstore.context import RequestContext
from blockstore.db import attachments
from blockstore.db import listing
from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction

Row = models.Volume
_T = rows.table(Row)
_TYPES = rows.table(models.VolumeType)
_WITH_TYPE = _T.outerjoin(_TYPES, _TYPES.c.id == _T.c.volume_type_id)
_TYPE_NAME = (_TYPES.c.name.label('type_name'),)
_USER = (_T.c.purpose == 'user',)
_BESIDE_BACKUP = ('available', 'in-use')
# Made once: for one volume, making it would take longer than running it.
_BOTH_MAPS = sa.union_all(*(
    sa.select(sa.literal_column(str(number)).label('part'),
              keys.c.volume_id, keys.c.key, keys.c.value).where(
                  keys.c.volume_id.in_(sa.bindparam('ids', expanding=True)))
    for number, keys in enumerate((
        rows.table(models.VolumeMetadata),
        rows.table(models.VolumeAdminMetadata)))))


def detail(tx: Transaction, context: RequestContext, id_: str,
           ) -> typing.Any | None:
    """Return a volume with its maps, attachments and type name, or None."""
    statement = sa.select(_T, *_TYPE_NAME).select_from(_WITH_TYPE).where(
        _T.c.id == id_, _T.c.deleted == sa.false())
    row = tx.execute(rows.visible(statement, _T, context)).one_or_none()
    return None if row is None else _details(tx, [row])[0]


def page(tx: Transaction, context: RequestContext,
         query: listing.ListQuery, *, full: bool) -> list[typing.Any]:
    """Return one page; ``full`` adds maps and attachments."""
    query, conditions = _as_shown(query)
    found = listing.select(
        tx, context, Row, query, conditions=conditions,
        metadata_model=models.VolumeMetadata, columns=_TYPE_NAME,
        source=_WITH_TYPE)
    return _details(tx, found) if full else found


def count(tx: Transaction, context: RequestContext,
          query: listing.ListQuery) -> int:
    """Count what a query matches."""
    query, conditions = _as_shown(query)
    return listing.count(tx, context, Row, query, conditions=conditions,
                         metadata_model=models.VolumeMetadata)


def total(tx: Transaction, context: RequestContext, all_tenants: bool,
          ) -> tuple[int, int]:
    """Return the number of volumes and the sum of their sizes in GiB."""
    statement = sa.select(
        sa.func.count(), sa.func.coalesce(sa.func.sum(_T.c.size), 0)).where(
            _T.c.deleted == sa.false(), *_USER)
    number, size = tx.execute(rows.visible(
        statement, _T, context, all_tenants)).one()
    return int(number), int(size)


def total_metadata(tx: Transaction, context: RequestContext,
                   all_tenants: bool) -> dict[str, list[str]]:
    """Return each metadata key of volumes with the values that it has."""
    keys = rows.table(models.VolumeMetadata)
    statement = sa.select(keys.c.key, keys.c.value).distinct().join_from(
        keys, _T, _T.c.id == keys.c.volume_id).where(
            _T.c.deleted == sa.false(), *_USER)
    found: dict[str, list[str]] = {}
    for key, value in tx.execute(rows.visible(
            statement, _T, context, all_tenants).order_by(
                keys.c.key, keys.c.value)):
        found.setdefault(key, []).append(value)
    return found


def hold_for_backup(tx: Transaction, id_: str, backup_id: str,
                    statuses: tuple[str, ...]) -> bool:
    """Let one backup read a volume, if none does; note its status (R-111)."""
    return rows.update(
        tx, Row, id_, {'backup_id': backup_id,
                       'previous_status': _T.c.status},
        _T.c.backup_id.is_(None), _T.c.deleted == sa.false(),
        _T.c.status.in_([str(status) for status in statuses]))


def release_from_backup(tx: Transaction, id_: str, backup_id: str,
                        outcome: str) -> bool:
    """End a backup's hold; ``outcome`` stays in previous_status."""
    return rows.update(tx, Row, id_, {
        'backup_id': None, 'previous_status': outcome},
        _T.c.backup_id == backup_id)


def not_backed_up() -> sa.ColumnElement[bool]:
    """The condition that no backup reads the volume."""
    return _T.c.backup_id.is_(None)


def without_live_attachments() -> sa.ColumnElement[bool]:
    """The condition that nothing is connected to the volume."""
    return ~sa.exists().where(*attachments.live(_T.c.id))


def sources(tx: Transaction, source_id: str) -> list[str]:
    """Return ids of volumes being made from a snapshot or a volume."""
    statement = sa.select(_T.c.id).where(
        sa.or_(_T.c.snapshot_id == source_id,
               _T.c.source_volid == source_id),
        _T.c.status == 'creating', _T.c.deleted == sa.false())
    return list(tx.execute(statement).scalars())


def _as_shown(query: listing.ListQuery,
              ) -> tuple[listing.ListQuery,
                         tuple[sa.ColumnElement[bool], ...]]:
    """Return a query and conditions for what callers see.

    What the service made for itself is hidden unless it is asked for, and a
    volume under backup has the status that is shown for it (R-111).
    """
    conditions = () if query.filters.get('use_quota') is False else _USER
    status = query.filters.get('status')
    if status == 'backing-up':
        query = dataclasses.replace(
            query, filters={**query.filters, 'status': _BESIDE_BACKUP})
        conditions = (*conditions, _T.c.backup_id.is_not(None))
    elif status in _BESIDE_BACKUP:
        conditions = (*conditions, not_backed_up())
    return listing.by_stored_status(query), conditions


def _details(tx: Transaction, found: list[typing.Any]) -> list[typing.Any]:
    if not found:
        return []
    ids = [row.id for row in found]
    user, admin = _both_maps(tx, ids)
    attached = attachments.of_volumes(tx, ids)
    # Taken once: asking each of a thousand rows for its mapping would cost
    # more than the query.
    names = found[0]._fields
    return [types.SimpleNamespace(
        **dict(zip(names, row, strict=True)),
        metadata_map=user.get(row.id, {}),
        admin_metadata_map=admin.get(row.id, {}),
        attachments=attached.get(row.id, [])) for row in found]


_Maps = dict[str, dict[str, str]]


def _both_maps(tx: Transaction, ids: list[str]) -> tuple[_Maps, _Maps]:
    """Return the users' and the service's keys, read in one statement."""
    found: tuple[_Maps, _Maps] = ({}, {})
    for part, id_, key, value in tx.execute(_BOTH_MAPS, {'ids': ids}).all():
        found[part].setdefault(id_, {})[key] = value
    return found


def connected(tx: Transaction, host: str) -> list[Row]:
    """Return the volumes of a back end that clients are connected to."""
    statement = sa.select(_T).where(
        sa.or_(_T.c.host == host, _T.c.host.startswith(f'{host}#')),
        _T.c.deleted == sa.false(),
        _T.c.status.in_(['in-use', 'attaching', 'detaching']))
    return typing.cast('list[Row]', list(tx.execute(statement)))
