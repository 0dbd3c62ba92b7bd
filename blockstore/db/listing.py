"""Lists: filters, sorting and keyset pages, in one narrow statement."""

from collections.abc import Mapping
import dataclasses
import typing

import sqlalchemy as sa

from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction
from blockstore.lifecycle import statuses


@dataclasses.dataclass(frozen=True)
class ListQuery:
    """What a caller wants of a collection.

    :param limit: at most so many rows (None: no bound).
    :param marker: id of the last row that the caller has seen.
    :param sort: pairs of a column's name and ``asc`` or ``desc``.
    :param filters: column to value, or to a list of values (any of them).
    :param like: column to a text that the value must contain.
    :param compare: triples of column, ``gt gte eq neq lt lte`` and value.
    :param metadata: keys and values that must all be there.
    :param all_tenants: every project (administrators only).
    """

    limit: int | None = None
    marker: str | None = None
    offset: int = 0
    sort: tuple[tuple[str, str], ...] = (('created_at', 'desc'),)
    filters: Mapping[str, typing.Any] = dataclasses.field(
        default_factory=dict)
    like: Mapping[str, str] = dataclasses.field(default_factory=dict)
    compare: tuple[tuple[str, str, typing.Any], ...] = ()
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    all_tenants: bool = False


_COMPARE = {'gt': '__gt__', 'gte': '__ge__', 'eq': '__eq__',
            'neq': '__ne__', 'lt': '__lt__', 'lte': '__le__'}


def select(tx: Transaction, context: RequestContext,
           model: type[models.Base], query: ListQuery, *,
           conditions: tuple[sa.ColumnElement[bool], ...] = (),
           metadata_model: type[models.Base] | None = None,
           columns: tuple[sa.ColumnElement[typing.Any], ...] = (),
           source: sa.FromClause | None = None) -> list[typing.Any]:
    """Return the rows of one page.

    :param columns: further columns to read with each row.
    :param source: a join that has them.
    """
    target = rows.table(model)
    where = _where(context, target, query, conditions, metadata_model)
    if where is None:
        return []
    sort = _sort(target, query)
    statement = sa.select(target, *columns).where(*where)
    if source is not None:
        statement = statement.select_from(source)
    if query.marker is not None:
        statement = statement.where(
            _after_marker(tx, context, target, query, sort))
    statement = statement.order_by(*(
        column.asc() if direction == 'asc' else column.desc()
        for column, direction in sort))
    if query.limit is not None:
        statement = statement.limit(query.limit)
    if query.offset:
        statement = statement.offset(query.offset)
        if query.limit is None:
            statement = statement.limit(2 ** 62)
    return list(tx.execute(statement).all())


def count(tx: Transaction, context: RequestContext,
          model: type[models.Base], query: ListQuery, *,
          conditions: tuple[sa.ColumnElement[bool], ...] = (),
          metadata_model: type[models.Base] | None = None) -> int:
    """Count what a query matches, on all pages."""
    target = rows.table(model)
    where = _where(context, target, query, conditions, metadata_model)
    if where is None:
        return 0
    statement = sa.select(sa.func.count()).select_from(target).where(*where)
    return int(tx.execute(statement).scalar_one())


def _where(context: RequestContext, target: sa.Table, query: ListQuery,
           conditions: tuple[sa.ColumnElement[bool], ...],
           metadata_model: type[models.Base] | None,
           ) -> list[sa.ColumnElement[bool]] | None:
    """Return the conditions; None when nothing can match."""
    where = list(conditions)
    if 'deleted' in target.c:
        where.append(target.c.deleted == sa.false())
    if not (context.is_admin and query.all_tenants):
        where.append(target.c.project_id == context.project_id)
    for name, value in query.filters.items():
        if name not in target.c:
            return None
        column = target.c[name]
        where.append(column.in_(value) if isinstance(value, list | tuple)
                     else column == value)
    for name, text in query.like.items():
        if name not in target.c:
            return None
        where.append(target.c[name].contains(text, autoescape=True))
    for name, operator, value in query.compare:
        where.append(getattr(target.c[name], _COMPARE[operator])(value))
    if query.metadata:
        if metadata_model is None:
            return None
        where.extend(_has_metadata(target, metadata_model, query.metadata))
    return where


def _has_metadata(target: sa.Table, model: type[models.Base],
                  wanted: Mapping[str, str],
                  ) -> list[sa.ColumnElement[bool]]:
    keys = rows.table(model)
    owner = next(c for c in keys.primary_key if c.name != 'key')
    return [sa.exists().where(owner == target.c.id, keys.c.key == key,
                              keys.c.value == value)
            for key, value in wanted.items()]


def _sort(target: sa.Table, query: ListQuery,
          ) -> list[tuple[sa.Column[typing.Any], str]]:
    """Return the sort columns, with the id last so that the order is total."""
    sort = [(target.c[name], direction) for name, direction in query.sort]
    if not any(column.name == 'id' for column, _ in sort):
        sort.append((target.c.id, sort[-1][1] if sort else 'desc'))
    return sort


def _after_marker(tx: Transaction, context: RequestContext, target: sa.Table,
                  query: ListQuery,
                  sort: list[tuple[sa.Column[typing.Any], str]],
                  ) -> sa.ColumnElement[bool]:
    statement = rows.visible(
        sa.select(target).where(target.c.id == query.marker), target, context)
    marker = tx.execute(statement).one_or_none()
    if marker is None:
        raise exceptions.NotFound(
            f'marker {query.marker} is unknown',
            remedy='use the id of the last item of the page before')
    alternatives: list[sa.ColumnElement[bool]] = []
    equal: list[sa.ColumnElement[bool]] = []
    for column, direction in sort:
        value = getattr(marker, column.name)
        after: sa.ColumnElement[bool]
        same: sa.ColumnElement[bool]
        if value is None:
            # Nulls sort first (ascending) on MySQL and SQLite.
            after = column.is_not(None) if direction == 'asc' else sa.false()
            same = column.is_(None)
        else:
            # With the column's type, as truths have an order too.
            bound = sa.literal(value, column.type)
            after = (column > bound if direction == 'asc'
                     else sa.or_(column < bound, column.is_(None)))
            same = column == bound
        alternatives.append(sa.and_(*equal, after))
        equal.append(same)
    return sa.or_(*alternatives)


def by_stored_status(query: ListQuery) -> ListQuery:
    """Look for what clients see as the status that they ask for."""
    wanted = query.filters.get('status')
    if not isinstance(wanted, str):
        return query
    return dataclasses.replace(query, filters={
        **query.filters, 'status': list(statuses.stored(wanted))})
