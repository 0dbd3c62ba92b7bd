"""What all nouns share: insert, get, conditional update, soft delete.

``get`` and its kin return rows typed as their model.  ``visible`` puts the
tenant into the query itself, so that no code path can forget it.
"""

from collections.abc import Iterable
from collections.abc import Mapping
import functools
import typing

from oslo_utils import timeutils
import sqlalchemy as sa

from blockstore.context import RequestContext
from blockstore.db import models
from blockstore.db import usage
from blockstore.db.engine import Transaction

_M = typing.TypeVar('_M', bound=models.Base)
Values = Mapping[str, typing.Any]
Condition = sa.ColumnElement[bool]


def table(model: type[models.Base]) -> sa.Table:
    """Return a model's table."""
    return typing.cast(sa.Table, model.__table__)


def insert(tx: Transaction, model: type[models.Base], **values: typing.Any,
           ) -> None:
    """Add one row; see :func:`make`."""
    make(tx, model, **values)


def make(tx: Transaction, model: type[models.Base], **values: typing.Any,
         ) -> dict[str, typing.Any]:
    """Add one row; ``created_at`` and statuses' times default to now.

    :returns: its columns, but for those that the database computes.
    """
    target = table(model)
    now = timeutils.utcnow()
    for column in ('created_at', 'status_changed_at'):
        if column in target.c and values.get(column) is None:
            values[column] = now
    made, plain = _with_values(_insert(target), values)
    tx.execute(made, plain)
    usage.count(tx, target, values.get('id', ''), 1)
    return {**_defaults(target), **plain}


def get(tx: Transaction, model: type[_M], id_: str, *, lock: bool = False,
        ) -> _M | None:
    """Return the row that is not deleted, or None, for any project.

    :param lock: hold the row until the end of the transaction.
    """
    return typing.cast('_M | None', tx.execute(
        _select(table(model), lock=lock), {'this': id_}).one_or_none())


def even_deleted(tx: Transaction, model: type[_M], id_: str) -> _M | None:
    """Return the row, be it marked as deleted or not."""
    return typing.cast('_M | None', tx.execute(
        _select(table(model), deleted=True), {'this': id_}).one_or_none())


def get_for(tx: Transaction, context: RequestContext, model: type[_M],
            id_: str, *, lock: bool = False) -> _M | None:
    """Return the row if this caller may see it, or None."""
    target = table(model)
    statement = visible(_select(target, lock=lock), target, context)
    return typing.cast('_M | None', tx.execute(
        statement, {'this': id_}).one_or_none())


# Statements of every request are made once: making one takes longer than
# running it.

@functools.lru_cache(256)
def _select(target: sa.Table, *, lock: bool = False, deleted: bool = False,
            ) -> sa.Select[typing.Any]:
    """Select the row that ``this`` names.

    :param deleted: also one that is marked as deleted.
    """
    statement = sa.select(target).where(target.c.id == sa.bindparam('this'))
    if 'deleted' in target.c and not deleted:
        statement = statement.where(target.c.deleted == sa.false())
    return statement.with_for_update() if lock else statement


@functools.lru_cache(256)
def _insert(target: sa.Table) -> sa.Insert:
    return sa.insert(target)


@functools.lru_cache(256)
def _defaults(target: sa.Table) -> dict[str, typing.Any]:
    """Return what columns have that are not given."""
    return {column.name: getattr(column.default, 'arg', None)
            for column in target.c}


@functools.lru_cache(256)
def _update(target: sa.Table) -> sa.Update:
    return sa.update(target).where(target.c.id == sa.bindparam('this'))


_W = typing.TypeVar('_W', sa.Insert, sa.Update)


def _with_values(statement: _W, values: Values) -> tuple[_W, Values]:
    """Put what the database computes into a statement; return the rest."""
    computed = {name: value for name, value in values.items()
                if isinstance(value, sa.ClauseElement)}
    if not computed:
        return statement, values
    return statement.values(computed), {
        name: value for name, value in values.items()
        if name not in computed}


def visible(statement: typing.Any, target: sa.Table, context: RequestContext,
            all_tenants: bool = True) -> typing.Any:
    """Restrict a statement to what the caller may see.

    :param all_tenants: whether an administrator asks for every project.
    """
    if (context.is_admin or context.any_project) and all_tenants:
        return statement
    return statement.where(target.c.project_id == context.project_id)


def update(tx: Transaction, model: type[models.Base], id_: str,
           values: Values, *conditions: sa.ColumnElement[bool]) -> bool:
    """Change a row if the conditions hold; tell whether it was changed."""
    target = table(model)
    changes = dict(values)
    if 'updated_at' in target.c:
        changes.setdefault('updated_at', timeutils.utcnow())
    counted = usage.depends_on(target, changes)
    if counted:
        # What is taken away must be what is there when it changes.
        tx.execute(_select(target, lock=True, deleted=True), {'this': id_})
        usage.count(tx, target, id_, -1)
    done = _changed(tx, target, id_, changes, *conditions)
    if counted:
        usage.count(tx, target, id_, 1)
    return done


def _changed(tx: Transaction, target: sa.Table, id_: str, changes: Values,
             *conditions: sa.ColumnElement[bool]) -> bool:
    statement = _update(target)
    if conditions:
        statement = statement.where(*conditions)
    made, plain = _with_values(statement, changes)
    return tx.execute(made, {'this': id_, **plain}).rowcount == 1


def move_status(tx: Transaction, model: type[models.Base], id_: str,
                sources: Iterable[str], target_status: str, values: Values,
                *conditions: sa.ColumnElement[bool]) -> bool:
    """Change a status by compare-and-swap; tell whether it was changed."""
    target = table(model)
    now = timeutils.utcnow()
    return update(
        tx, model, id_,
        {**values, 'status': str(target_status), 'status_changed_at': now},
        target.c.status.in_([str(source) for source in sources]),
        target.c.deleted == sa.false(), *conditions)


def soft_delete(tx: Transaction, model: type[models.Base], id_: str,
                **values: typing.Any) -> bool:
    """Mark a row as deleted; False if it was already."""
    target = table(model)
    now = timeutils.utcnow()
    changes = {**values, 'deleted': True, 'deleted_at': now}
    if 'updated_at' in target.c:
        changes.setdefault('updated_at', now)
    done = _changed(tx, target, id_, changes,
                    target.c.deleted == sa.false())
    if done:
        usage.count(tx, target, id_, -1, deleted=True)
    return done


def metadata(tx: Transaction, model: type[models.Base], ids: Iterable[str],
             ) -> dict[str, dict[str, str]]:
    """Return the key-value rows of many owners as one map each."""
    target = table(model)
    owner = _owner_column(target)
    found: dict[str, dict[str, str]] = {}
    ids = list(ids)
    if not ids:
        return found
    statement = sa.select(owner, target.c.key, target.c.value)
    for id_, key, value in tx.execute(statement.where(owner.in_(ids))):
        found.setdefault(id_, {})[key] = value
    return found


def set_metadata(tx: Transaction, model: type[models.Base], id_: str,
                 values: Mapping[str, str | None], *, replace: bool = False,
                 ) -> None:
    """Write keys of one owner; ``replace`` removes all others."""
    if not values and not replace:
        return
    target = table(model)
    owner = _owner_column(target)
    gone = owner == id_
    if not replace:
        gone = sa.and_(gone, target.c.key.in_(list(values)))
    tx.execute(sa.delete(target).where(gone))
    if values:
        tx.execute(sa.insert(target), [
            {owner.name: id_, 'key': key, 'value': value}
            for key, value in values.items()])


def delete_metadata(tx: Transaction, model: type[models.Base], id_: str,
                    key: str) -> bool:
    """Remove one key; tell whether it was there."""
    target = table(model)
    statement = sa.delete(target).where(
        _owner_column(target) == id_, target.c.key == key)
    return tx.execute(statement).rowcount == 1


def _owner_column(target: sa.Table) -> sa.Column[typing.Any]:
    return next(column for column in target.primary_key
                if column.name != 'key')
