"""Statements that each kind of database has a form of its own for."""

from collections.abc import Mapping
from collections.abc import Sequence
import importlib
import typing

import sqlalchemy as sa

#: Where a dialect is that is in no package of its own name.
_PACKAGES = {'mariadb': 'mysql'}
#: Given what was to be inserted, the columns that a row gets that is there.
Changes = typing.Callable[[typing.Any], Mapping[str, typing.Any]]


def upsert(dialect: str, target: sa.Table, keys: Sequence[str],
           changes: Changes, *, names: Sequence[str] = (),
           rows: sa.Select[typing.Any] | None = None) -> sa.Insert:
    """Make a statement that inserts rows, and changes those that are there.

    :param dialect: SQLAlchemy's name of the kind of database.
    :param keys: the columns by which a row is known to be there.
    :param names: the columns of ``rows``, which are inserted if given;
        otherwise they are parameters.
    """
    name = _PACKAGES.get(dialect, dialect)
    # Only the one that is spoken is loaded: each brings all its drivers.
    made: typing.Any = importlib.import_module(
        f'sqlalchemy.dialects.{name}').insert(target)
    if rows is not None:
        made = made.from_select(list(names), rows)
    put: sa.Insert = (
        made.on_duplicate_key_update(dict(changes(made.inserted)))
        if name == 'mysql' else made.on_conflict_do_update(
            index_elements=list(keys), set_=dict(changes(made.excluded))))
    return put
