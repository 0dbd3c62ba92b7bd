"""Quotas: limits, and what a project uses.

Usage is kept beside the rows (:mod:`blockstore.db.usage`) and looked at while
the project's row of ``quota_locks`` is held, so whoever inserts a row in the
same transaction can neither be overtaken nor leak a reservation.

Limits of a volume type are stored under ``<resource>_<type id>``, so that a
type may be renamed; the API speaks of ``<resource>_<type name>``.

>>> quotas.lock(tx, project_id)
>>> quotas.usage(tx, project_id).of('volumes')
3
"""

from collections.abc import Mapping
import dataclasses
import functools
import typing

import sqlalchemy as sa

from blockstore.db import dialects
from blockstore.db import models
from blockstore.db import rows
from blockstore.db import usage as kept
from blockstore.db.engine import Transaction

DEFAULT_CLASS = 'default'

_LOCKS = rows.table(models.QuotaLock)
_QUOTAS = rows.table(models.Quota)
_CLASSES = rows.table(models.QuotaClass)


@dataclasses.dataclass(frozen=True)
class Usage:
    """What a project has, by resource; sizes in GiB.

    :param counts: resource name, or ``<resource>_<type id>``, to amount.
    """

    counts: Mapping[str, int]

    def of(self, resource: str) -> int:
        """Return how much of a resource is in use."""
        return self.counts.get(resource, 0)


def lock(tx: Transaction, project_id: str) -> None:
    """Hold a project's usage still until this transaction ends.

    One statement whether or not the project was ever seen, and no gap
    between looking and inserting in which another could step.
    """
    tx.execute(_lock(tx.connection.dialect.name), {
        'project_id': project_id, 'turns': 1})


@functools.lru_cache(8)
def _lock(dialect: str) -> sa.Insert:
    return dialects.upsert(dialect, _LOCKS, ('project_id',), lambda new: {
        'turns': _LOCKS.c.turns + 1})


def usage(tx: Transaction, project_id: str, *,
          snapshot_gigabytes: bool = True) -> Usage:
    """Return what a project has, in one statement.

    Rows that are deleted or do not use quota are not counted.

    :param snapshot_gigabytes: whether snapshots count as gigabytes.
    """
    counts: dict[str, int] = {}
    for (resource, type_id), (number, gigabytes) in (
            kept.of_project(tx, project_id).items()):
        sizes = ('backup_gigabytes' if resource == 'backups'
                 else 'gigabytes')
        amounts = {resource: number}
        if snapshot_gigabytes or resource != 'snapshots':
            amounts[sizes] = gigabytes
        for name, amount in amounts.items():
            counts[name] = counts.get(name, 0) + amount
            if type_id:
                typed = f'{name}_{type_id}'
                counts[typed] = counts.get(typed, 0) + amount
    return Usage(counts)


def limits(tx: Transaction, project_id: str) -> dict[str, int]:
    """Return the stored limits that hold for a project, in one statement.

    Its own come before those of the default class; a resource that neither
    names is missing and keeps its configured limit.
    """
    found: dict[str, int] = {}
    for _own, resource, limit in sorted(
            tx.execute(_LIMITS, {'project': project_id})):
        found[resource] = limit
    return found


# Made once: making it takes longer than running it.
_LIMITS = sa.union_all(
    sa.select(sa.literal(0).label('own'), _CLASSES.c.resource,
              _CLASSES.c.hard_limit).where(
                  _CLASSES.c.class_name == DEFAULT_CLASS),
    sa.select(sa.literal(1), _QUOTAS.c.resource, _QUOTAS.c.hard_limit).where(
        _QUOTAS.c.project_id == sa.bindparam('project')))


def class_limits(tx: Transaction, class_name: str) -> dict[str, int]:
    """Return the stored limits of a quota class."""
    statement = sa.select(_CLASSES.c.resource, _CLASSES.c.hard_limit).where(
        _CLASSES.c.class_name == class_name)
    return dict(tx.execute(statement).tuples().all())


def set_limits(tx: Transaction, project_id: str,
               values: Mapping[str, int]) -> None:
    """Store limits of a project's own."""
    _store(tx, _QUOTAS, _QUOTAS.c.project_id, project_id, values)


def set_class_limits(tx: Transaction, class_name: str,
                     values: Mapping[str, int]) -> None:
    """Store limits of a quota class."""
    _store(tx, _CLASSES, _CLASSES.c.class_name, class_name, values)


def delete_limits(tx: Transaction, project_id: str) -> None:
    """Forget a project's own limits."""
    tx.execute(sa.delete(_QUOTAS).where(_QUOTAS.c.project_id == project_id))


def forget_type(tx: Transaction, type_id: str) -> None:
    """Forget every limit for a volume type that is gone."""
    for target in (_QUOTAS, _CLASSES):
        tx.execute(sa.delete(target).where(
            target.c.resource.endswith(f'_{type_id}', autoescape=True)))


def _store(tx: Transaction, target: sa.Table, owner: sa.Column[typing.Any],
           id_: str, values: Mapping[str, int]) -> None:
    if not values:
        return
    tx.execute(sa.delete(target).where(
        owner == id_, target.c.resource.in_(list(values))))
    tx.execute(sa.insert(target), [
        {owner.name: id_, 'resource': name, 'hard_limit': limit}
        for name, limit in values.items()])
