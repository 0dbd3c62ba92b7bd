"""Volume types, their extra specs and the projects that may use them.

Every query takes ``project_id``: the project that looks, which sees public
types and private ones that it was given; None sees all (administrators).
"""

from collections.abc import Iterable
from collections.abc import Mapping
import typing

import sqlalchemy as sa

from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction

Row = models.VolumeType

_T = rows.table(models.VolumeType)
_ACCESS = rows.table(models.VolumeTypeProject)
_SPECS = rows.table(models.VolumeTypeExtraSpec)
_VOLUMES = rows.table(models.Volume)


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


def page(tx: Transaction, project_id: str | None = None, *,
         is_public: bool | None = None,
         specs: Mapping[str, str] | None = None,
         sort: Iterable[tuple[str, str]] = (('created_at', 'desc'),),
         marker: Row | None = None, limit: int | None = None,
         offset: int = 0) -> list[Row]:
    """Return the types of one page.

    :param is_public: None for public and private ones.
    :param specs: extra specs that must all be there.
    :param marker: the last row of the page before.
    """
    where = _seen_by(project_id)
    if is_public is not None:
        where.append(_T.c.is_public == is_public)
    where.extend(
        sa.exists().where(_SPECS.c.volume_type_id == _T.c.id,
                          _SPECS.c.key == key, _SPECS.c.value == value)
        for key, value in (specs or {}).items())
    sort = [*sort, ('id', 'desc')]
    if marker is not None:
        where.append(_after(marker, sort))
    statement = sa.select(_T).where(*where).order_by(*(
        _T.c[name].asc() if direction == 'asc' else _T.c[name].desc()
        for name, direction in sort))
    if limit is not None:
        statement = statement.limit(limit)
    if offset:
        statement = statement.limit(
            2 ** 62 if limit is None else limit).offset(offset)
    return typing.cast('list[Row]', list(tx.execute(statement)))


def names(tx: Transaction, project_id: str | None = None,
          ) -> list[tuple[str, str]]:
    """Return id and name of each type that may be seen."""
    statement = sa.select(_T.c.id, _T.c.name).where(*_seen_by(project_id))
    return [(id_, name) for id_, name in tx.execute(
        statement.order_by(_T.c.name))]


def names_of(tx: Transaction, ids: Iterable[str]) -> dict[str, str]:
    """Return the name of each of these types, deleted ones included."""
    wanted = set(ids)
    if not wanted:
        return {}
    statement = sa.select(_T.c.id, _T.c.name).where(_T.c.id.in_(wanted))
    return dict(tx.execute(statement).tuples())


def count(tx: Transaction) -> int:
    """Count the types."""
    statement = sa.select(sa.func.count()).select_from(_T)
    return int(tx.execute(
        statement.where(_T.c.deleted == sa.false())).scalar_one())


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


def _after(marker: Row, sort: list[tuple[str, str]],
           ) -> sa.ColumnElement[bool]:
    alternatives: list[sa.ColumnElement[bool]] = []
    equal: list[sa.ColumnElement[bool]] = []
    for name, direction in sort:
        column, value = _T.c[name], getattr(marker, name)
        after = column > value if direction == 'asc' else column < value
        alternatives.append(sa.and_(*equal, after))
        equal.append(column == value)
    return sa.or_(*alternatives)
