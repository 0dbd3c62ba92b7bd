"""What projects use, kept beside the rows that use it.

A row of ``quota_usages`` is the number and the size of what a project has of
one resource and one volume type.  It is changed in the transaction that
changes the rows it stands for, by :mod:`blockstore.db.rows` itself, so no
query can forget it: *quota = sum over rows* holds after each commit.  To ask
costs the same for a project with ten rows and with a million.

What went wrong all the same (rows that were changed by hand, or by a release
that did not count) is found and mended by :func:`repair`.  Whoever changes a
usage holds its row to the end of the transaction and has changed the counted
row before; so a repair, which takes these rows first, sees either both or
none.

>>> rows.insert(tx, models.Volume, project_id='p', size=2, …)
>>> usage.of_project(tx, 'p')
{('volumes', ''): (1, 2)}
"""

from collections.abc import Iterable
import dataclasses
import functools
import typing

import sqlalchemy as sa

from blockstore.db import dialects
from blockstore.db import models
from blockstore.db.engine import Transaction

_T = typing.cast(sa.Table, models.QuotaUsage.__table__)
_KEY = ('project_id', 'resource', 'volume_type_id')
#: Resource and volume type (empty for none), to number and size in GiB.
Amounts = dict[tuple[str, str], tuple[int, int]]


@dataclasses.dataclass(frozen=True)
class _Counted:
    """Rows that use quota.

    :param size: the name of the column of their size in GiB.
    """

    resource: str
    table: sa.Table
    size: str

    @property
    def type_id(self) -> sa.ColumnElement[typing.Any]:
        """The volume type, or an empty string."""
        if 'volume_type_id' not in self.table.c:
            return sa.literal_column("''")
        return sa.func.coalesce(self.table.c.volume_type_id, '')

    def conditions(self, *, deleted: bool = False,
                   ) -> list[sa.ColumnElement[bool]]:
        """Return what makes a row count."""
        found = []
        if not deleted:
            found.append(self.table.c.deleted == sa.false())
        if 'use_quota' in self.table.c:
            found.append(self.table.c.use_quota == sa.true())
        return found


_COUNTED = {one.table: one for one in (
    _Counted('volumes', typing.cast(sa.Table, models.Volume.__table__),
             'size'),
    _Counted('snapshots', typing.cast(sa.Table, models.Snapshot.__table__),
             'volume_size'),
    _Counted('backups', typing.cast(sa.Table, models.Backup.__table__),
             'size'))}


def depends_on(target: sa.Table, columns: Iterable[str]) -> bool:
    """Tell whether a change of some columns changes what is used."""
    counted = _COUNTED.get(target)
    return counted is not None and not {
        counted.size, 'project_id', 'volume_type_id', 'use_quota',
        'deleted'}.isdisjoint(columns)


def count(tx: Transaction, target: sa.Table, id_: str, sign: int, *,
          deleted: bool = False) -> None:
    """Add (1) or take away (-1) what one row uses, if it is counted.

    :param deleted: also if it is marked as deleted.
    """
    if target in _COUNTED:
        tx.execute(_change(tx.connection.dialect.name, target, sign,
                           deleted), {'this': id_})


@functools.lru_cache(64)
def _change(dialect: str, target: sa.Table, sign: int, deleted: bool,
            ) -> sa.Insert:
    counted = _COUNTED[target]
    changes = sa.select(
        target.c.project_id, sa.literal(counted.resource), counted.type_id,
        sa.literal(sign), sign * target.c[counted.size]).where(
            target.c.id == sa.bindparam('this'),
            *counted.conditions(deleted=deleted))
    return dialects.upsert(
        dialect, _T, _KEY, lambda new: {
            'number': _T.c.number + new.number,
            'gigabytes': _T.c.gigabytes + new.gigabytes},
        names=(*_KEY, 'number', 'gigabytes'), rows=changes)


_OF_PROJECT = sa.select(
    _T.c.resource, _T.c.volume_type_id, _T.c.number, _T.c.gigabytes).where(
        _T.c.project_id == sa.bindparam('project'))


def of_project(tx: Transaction, project_id: str) -> Amounts:
    """Return what a project uses, by what was counted on the way."""
    return _amounts(tx, _OF_PROJECT, project_id)


_SUMS = sa.union_all(*(
    sa.select(sa.literal(counted.resource), counted.type_id,
              sa.func.count(), sa.func.coalesce(
                  sa.func.sum(target.c[counted.size]), 0)).where(
        target.c.project_id == sa.bindparam('project'),
        *counted.conditions()).group_by(
            *(target.c[name] for name in ('volume_type_id',)
              if name in target.c))
    for target, counted in _COUNTED.items()))


def summed(tx: Transaction, project_id: str) -> Amounts:
    """Return what a project uses, by reading all its rows."""
    return _amounts(tx, _SUMS, project_id)


def repair(tx: Transaction, project_id: str) -> bool:
    """Make a project's usage the sum over its rows; tell if it was not.

    The caller holds the project's quota: nobody begins to use more.
    """
    kept = _amounts(tx, _OF_PROJECT.with_for_update(), project_id)
    real = summed(tx, project_id)
    if real == kept:
        return False
    tx.execute(sa.delete(_T).where(_T.c.project_id == project_id))
    if real:
        tx.execute(sa.insert(_T), [
            {'project_id': project_id, 'resource': resource,
             'volume_type_id': type_id, 'number': number,
             'gigabytes': gigabytes}
            for (resource, type_id), (number, gigabytes) in real.items()])
    return True


def projects(tx: Transaction) -> list[str]:
    """Return all projects that use or have used something."""
    found = sa.union(sa.select(_T.c.project_id), *(
        sa.select(target.c.project_id) for target in _COUNTED))
    return sorted(tx.execute(found).scalars())


def next_project(tx: Transaction, after: str) -> str | None:
    """Return the project that comes next in order of names, if any does."""
    found: str | None = tx.execute(sa.select(sa.func.min(
        _T.c.project_id)).where(_T.c.project_id > after)).scalar_one()
    return found


def _amounts(tx: Transaction, statement: typing.Any, project_id: str,
             ) -> Amounts:
    return {(resource, type_id): (int(number), int(gigabytes))
            for resource, type_id, number, gigabytes
            in tx.execute(statement, {'project': project_id})
            if number or gigabytes}
