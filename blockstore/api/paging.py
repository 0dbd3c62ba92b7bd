"""Lists: which part of a collection a request asks for, and its answer.

A noun describes its collection once; :func:`read` turns the parameters of
the URL into a :class:`~blockstore.db.listing.ListQuery` and :func:`answer`
makes the body with its next link and count.

>>> query = paging.read(req, VOLUMES)
>>> rows = req.services.volumes.list(req.context, query)
>>> paging.answer(req, VOLUMES, query, rows, [view(row) for row in rows])
"""

import ast
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
import datetime
from typing import Any

from oslo_utils import timeutils

from blockstore.api import faults
from blockstore.api import microversions
from blockstore.api.microversions import Version
from blockstore.api.request import boolean
from blockstore.api.request import Request
from blockstore.db.listing import ListQuery

FILTERS_CHECKED = Version(3, 31)
LIKE = Version(3, 34)
COUNT = Version(3, 45)
MAX_OFFSET = 2 ** 31 - 1
MAX_INT = 2 ** 63 - 1

_RESERVED = frozenset({'limit', 'marker', 'offset', 'sort', 'sort_key',
                       'sort_dir', 'all_tenants', 'with_count'})
_NO_SUCH_COLUMN = '?'
_OPERATORS = frozenset({'gt', 'gte', 'eq', 'neq', 'lt', 'lte'})


@dataclasses.dataclass(frozen=True)
class Filter:
    """A parameter that selects items.

    :param column: the database's name for it.
    :param kind: text, integer, boolean, time, metadata, or own (the noun's
        handler reads it).
    :param since: the microversion from which it is heard.
    """

    column: str
    kind: str = 'text'
    since: Version = microversions.MIN


@dataclasses.dataclass(frozen=True)
class Collection:
    """What can be asked of the list of one noun.

    :param name: the key of the list in the answer.
    :param resource: its name in ``[api] resource_filters``.
    :param sort: sort key to (column, microversion from which it is known).
    :param filters: parameter to what it filters.
    :param links_name: key of the next link.
    :param countable: whether ``with_count`` is heard.
    """

    name: str
    resource: str
    sort: Mapping[str, tuple[str, Version]]
    filters: Mapping[str, Filter]
    links_name: str
    countable: bool = False


def sort_keys(*names: str, **renamed: str,
              ) -> dict[str, tuple[str, Version]]:
    """Describe sort keys that are known at every version."""
    return {**{name: (name, microversions.MIN) for name in names},
            **{name: (column, microversions.MIN)
               for name, column in renamed.items()}}


def read(req: Request, collection: Collection) -> ListQuery:
    """Return what a request asks for; raises a 400 for what it cannot."""
    params = req.query()
    criteria = _Criteria()
    allowed = _allowed(req, collection)
    for name, value in params.items():
        if name not in _RESERVED:
            _add(req, collection, allowed, criteria, name, value)
    all_tenants = bool('all_tenants' in params and req.context.is_admin
                       and boolean(params['all_tenants'], 'all_tenants'))
    max_limit: int = req.app_conf.api.max_limit
    limit = integer(params, 'limit', MAX_INT)
    return ListQuery(
        limit=max_limit if limit is None else min(limit, max_limit),
        marker=params.get('marker'),
        offset=integer(params, 'offset', MAX_OFFSET) or 0,
        sort=sort(req, collection.sort, params),
        filters=criteria.equal, like=criteria.like,
        compare=tuple(criteria.compare), metadata=criteria.metadata,
        all_tenants=all_tenants)


def answer(req: Request, collection: Collection, query: ListQuery,
           rows: Sequence[Any], items: list[dict[str, Any]],
           count: Callable[[], int] | None = None, path: str = '',
           ) -> dict[str, Any]:
    """Return the body of a list.

    :param rows: what the services returned; the last one is the marker.
    :param items: the same rows as they look.
    :param count: counts all pages, called if the client wants to know.
    :param path: of the list below the project, the collection's own if ''.
    """
    body: dict[str, Any] = {collection.name: items}
    if rows and query.limit is not None and query.limit <= len(rows):
        body[collection.links_name] = req.links.next(
            path or collection.name, req.query(), rows[-1].id)
    if (collection.countable and count is not None
            and req.microversion >= COUNT and req.flag('with_count')):
        body['count'] = count()
    return body


@dataclasses.dataclass
class _Criteria:
    equal: dict[str, Any] = dataclasses.field(default_factory=dict)
    like: dict[str, str] = dataclasses.field(default_factory=dict)
    compare: list[tuple[str, str, Any]] = dataclasses.field(
        default_factory=list)
    metadata: dict[str, str] = dataclasses.field(default_factory=dict)

    def match_nothing(self) -> None:
        """Make the list empty: no table has a column of that name."""
        self.equal[_NO_SUCH_COLUMN] = None


def _allowed(req: Request, collection: Collection) -> frozenset[str]:
    """Return the names that the operator lets users filter by."""
    for line in req.app_conf.api.resource_filters:
        resource, _, names = line.partition(':')
        if resource.strip() == collection.resource:
            return frozenset(name.strip() for name in names.split(','))
    return frozenset()


def _add(req: Request, collection: Collection, allowed: frozenset[str],
         criteria: _Criteria, name: str, value: str) -> None:
    """Take one parameter over as a filter."""
    like = name.endswith('~') and req.microversion >= LIKE
    key = name[:-1] if like else name
    if not req.context.is_admin and key not in allowed:
        if req.microversion >= FILTERS_CHECKED:
            raise faults.BadRequest(
                f'Invalid filters {key[:64]} are found in query options.',
                remedy='use one of ' + ', '.join(sorted(allowed)))
        return
    known = collection.filters.get(key)
    if known is None:
        criteria.match_nothing()
        return
    if req.microversion < known.since:
        return
    if like and known.kind == 'text':
        criteria.like[known.column] = value
    else:
        _KINDS[known.kind](criteria, known.column, value)


def _text(criteria: _Criteria, column: str, value: str) -> None:
    criteria.equal[column] = value


def _number(criteria: _Criteria, column: str, value: str) -> None:
    if value.isascii() and value.isdigit() and len(value) <= 9:
        criteria.equal[column] = int(value)
    else:
        criteria.match_nothing()


def _truth(criteria: _Criteria, column: str, value: str) -> None:
    criteria.equal[column] = boolean(value, column)


def _moment(criteria: _Criteria, column: str, value: str) -> None:
    for part in value.split(','):
        operator, _, text = part.partition(':')
        if operator not in _OPERATORS:
            operator, text = 'eq', part
        criteria.compare.append((column, operator, _time(text)))


def _time(text: str) -> datetime.datetime:
    try:
        moment = timeutils.normalize_time(timeutils.parse_isotime(text))
    except (ValueError, OverflowError):
        raise faults.BadRequest(f'{text[:64]!r} is no time') from None
    return moment


def _metadata(criteria: _Criteria, column: str, value: str) -> None:
    try:
        wanted = ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        wanted = None
    if not isinstance(wanted, dict) or not all(
            isinstance(part, str) for pair in wanted.items()
            for part in pair):
        raise faults.BadRequest('the filter metadata is no map of strings',
                                remedy="write metadata={'key':'value'}")
    criteria.metadata.update(wanted)


def _own(criteria: _Criteria, column: str, value: str) -> None:
    """Leave a parameter to the noun's handler."""


_KINDS: dict[str, Callable[[_Criteria, str, str], None]] = {
    'text': _text, 'integer': _number, 'boolean': _truth, 'time': _moment,
    'metadata': _metadata, 'own': _own}


def integer(params: Mapping[str, str], name: str, bound: int) -> int | None:
    """Read a parameter as a number from 0 to a bound; None without it."""
    text = params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 19
            and int(text) <= bound):
        raise faults.BadRequest(
            f'{name} must be an integer from 0 to {bound}')
    return int(text)


def sort(req: Request, keys: Mapping[str, tuple[str, Version]],
         params: Mapping[str, str], default: str = 'created_at',
         ) -> tuple[tuple[str, str], ...]:
    """Read what to sort by: pairs of a column and ``asc`` or ``desc``.

    :param keys: sort key to column and the version from which it is known.
    """
    if 'sort' in params:
        if 'sort_key' in params or 'sort_dir' in params:
            raise faults.BadRequest(
                'sort goes not together with sort_key and sort_dir')
        pairs = [(key.strip(), direction.strip() or 'desc')
                 for key, _, direction in (
                     part.partition(':')
                     for part in params['sort'].split(','))]
    else:
        pairs = [(params.get('sort_key', default).strip(),
                  params.get('sort_dir', 'desc').strip())]
    found: dict[str, str] = {}
    for key, direction in pairs:
        column, since = keys.get(key, ('', microversions.MAX))
        if not column or req.microversion < since:
            raise faults.BadRequest(f'{key[:64]!r} is no sort key here')
        if direction not in ('asc', 'desc'):
            raise faults.BadRequest(
                f'{direction[:64]!r} is no direction to sort in')
        found.setdefault(column, direction)
    return tuple(found.items())
