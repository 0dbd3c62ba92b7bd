"""Volume types, their extra specs and the projects that may use them.

Every query takes ``project_id``: the project that looks, which sees public
types and private ones that it was given; None sees all (administrators).
"""

from collections.abc import Iterable
from collections.abc import Mapping
import dataclasses
import typing

from oslo_utils import uuidutils
import sqlalchemy as sa

from blockstore import errors
from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import listing
from blockstore.db import models
from blockstore.db import quotas
from blockstore.db import rows
from blockstore.db.engine import Transaction

Row = models.VolumeType

_T = rows.table(models.VolumeType)
_ACCESS = rows.table(models.VolumeTypeProject)
_SPECS = rows.table(models.VolumeTypeExtraSpec)
_VOLUMES = rows.table(models.Volume)
_DEFAULTS = rows.table(models.DefaultVolumeType)


def insert(tx: Transaction, **values: typing.Any) -> None:
    """Add a volume type."""
    rows.insert(tx, Row, **values)


def get(tx: Transaction, id_: str, project_id: str | None = None,
        ) -> Row | None:
    """Return the type with an id, if it may be seen."""
    return _one(tx, project_id, _T.c.id == id_)


def by_name(tx: Transaction, name: str, project_id: str | None = None,
            ) -> Row | None:
    """Return the type with a name, if it may be seen."""
    return _one(tx, project_id, _T.c.name == name)


def resolve(tx: Transaction, context: RequestContext,
            name_or_id: str | None, default: str | None = None,
            ) -> Row | None:
    """Return the type that a caller means, by id or name.

    Without a name it is the default of the caller's project.

    :param default: the name of the type to take when there is none either.
    :raises NotFound: if there is no such type for this caller.
    :raises BlockstoreError: if the configured default does not exist.
    """
    if name_or_id:
        row = find(tx, name_or_id, viewer(context))
        if row is None:
            raise exceptions.NotFound(
                f'volume type {name_or_id} could not be found')
        return row
    row = default_of(tx, context.project_id or '')
    if row is not None or not default:
        return row
    row = by_name(tx, default)
    if row is None:
        raise exceptions.BlockstoreError(
            f'the default volume type {default} does not exist',
            code=errors.TYPE_DEFAULT_MISSING,
            remedy='create it, or change default_volume_type')
    return row


def default_of(tx: Transaction, project_id: str) -> Row | None:
    """Return the type that a project has as its default."""
    statement = sa.select(_T).join(
        _DEFAULTS, _DEFAULTS.c.volume_type_id == _T.c.id).where(
            _DEFAULTS.c.project_id == project_id,
            _T.c.deleted == sa.false())
    return typing.cast('Row | None', tx.execute(statement).one_or_none())


def defaults(tx: Transaction) -> list[models.DefaultVolumeType]:
    """Return the defaults of all projects that have one."""
    return typing.cast('list[models.DefaultVolumeType]', list(tx.execute(
        sa.select(_DEFAULTS).order_by(_DEFAULTS.c.project_id))))


def set_default(tx: Transaction, project_id: str, id_: str | None) -> None:
    """Give a project a default, or (None) take it away."""
    tx.execute(sa.delete(_DEFAULTS).where(
        _DEFAULTS.c.project_id == project_id))
    if id_ is not None:
        rows.insert(tx, models.DefaultVolumeType, project_id=project_id,
                    volume_type_id=id_)


def is_a_default(tx: Transaction, id_: str) -> bool:
    """Tell whether a type is the default of any project."""
    return tx.execute(sa.select(_DEFAULTS.c.project_id).where(
        _DEFAULTS.c.volume_type_id == id_).limit(1)).first() is not None


def find(tx: Transaction, name_or_id: str, project_id: str | None = None,
         ) -> Row | None:
    """Return the type with an id, else the one with a name."""
    row = None
    if uuidutils.is_uuid_like(name_or_id):
        row = get(tx, name_or_id, project_id)
    return row or by_name(tx, name_or_id, project_id)


def viewer(context: RequestContext) -> str | None:
    """Return the project whose types a caller sees; None sees them all."""
    return None if context.is_admin else context.project_id or ''


def page(tx: Transaction, context: RequestContext, query: listing.ListQuery,
         ) -> list[Row]:
    """Return the types of one page that the caller may see.

    ``query.metadata`` asks for extra specs.
    """
    # Who sees a type is not told by a column of its own, but by _seen_by.
    return listing.select(
        tx, context.elevated(), Row,
        dataclasses.replace(query, all_tenants=True),
        conditions=tuple(_seen_by(viewer(context))),
        metadata_model=models.VolumeTypeExtraSpec)


def lock_names(tx: Transaction) -> None:
    """Let one transaction at a time look for a name and then take it."""
    quotas.lock(tx, 'names of volume types')


def names(tx: Transaction, project_id: str | None = None,
          ) -> list[tuple[str, str]]:
    """Return id and name of each type that may be seen."""
    statement = sa.select(_T.c.id, _T.c.name).where(*_seen_by(project_id))
    return [(id_, name) for id_, name in tx.execute(
        statement.order_by(_T.c.name))]


def update(tx: Transaction, id_: str, values: rows.Values) -> bool:
    """Change a type; tell whether it was there."""
    return rows.update(tx, Row, id_, values, _T.c.deleted == sa.false())


def delete(tx: Transaction, id_: str) -> bool:
    """Mark a type as deleted and forget who may use it."""
    tx.execute(sa.delete(_ACCESS).where(_ACCESS.c.volume_type_id == id_))
    return rows.soft_delete(tx, Row, id_)


def in_use(tx: Transaction, id_: str) -> int:
    """Count the volumes that have a type."""
    statement = sa.select(sa.func.count()).select_from(_VOLUMES).where(
        _VOLUMES.c.volume_type_id == id_,
        _VOLUMES.c.deleted == sa.false())
    return int(tx.execute(statement).scalar_one())


def specs_of(tx: Transaction, ids: Iterable[str],
             ) -> dict[str, dict[str, str]]:
    """Return the extra specs of many types."""
    return rows.metadata(tx, models.VolumeTypeExtraSpec, ids)


def extra_specs(tx: Transaction, id_: str) -> dict[str, str]:
    """Return the extra specs of one type."""
    return specs_of(tx, [id_]).get(id_, {})


def set_specs(tx: Transaction, id_: str,
              specs: Mapping[str, str | None]) -> None:
    """Write some extra specs of a type."""
    rows.set_metadata(tx, models.VolumeTypeExtraSpec, id_, specs)


def delete_spec(tx: Transaction, id_: str, key: str) -> bool:
    """Remove one extra spec; tell whether it was there."""
    return rows.delete_metadata(tx, models.VolumeTypeExtraSpec, id_, key)


def projects(tx: Transaction, id_: str) -> list[str]:
    """Return the projects that may use a private type."""
    statement = sa.select(_ACCESS.c.project_id).where(
        _ACCESS.c.volume_type_id == id_).order_by(_ACCESS.c.project_id)
    return list(tx.execute(statement).scalars())


def add_project(tx: Transaction, id_: str, project_id: str) -> None:
    """Let a project use a private type."""
    rows.insert(tx, models.VolumeTypeProject, volume_type_id=id_,
                project_id=project_id)


def remove_project(tx: Transaction, id_: str, project_id: str) -> bool:
    """Let a project no longer use a type; tell whether it could."""
    statement = sa.delete(_ACCESS).where(
        _ACCESS.c.volume_type_id == id_, _ACCESS.c.project_id == project_id)
    return tx.execute(statement).rowcount == 1


def _one(tx: Transaction, project_id: str | None,
         condition: sa.ColumnElement[bool]) -> Row | None:
    statement = sa.select(_T).where(condition, *_seen_by(project_id))
    return typing.cast('Row | None', tx.execute(statement).one_or_none())


def _seen_by(project_id: str | None) -> list[sa.ColumnElement[bool]]:
    where = [_T.c.deleted == sa.false()]
    if project_id is not None:
        where.append(sa.or_(
            _T.c.is_public == sa.true(),
            sa.exists().where(_ACCESS.c.volume_type_id == _T.c.id,
                              _ACCESS.c.project_id == project_id)))
    return where
