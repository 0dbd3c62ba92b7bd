"""Every revision over a database with rows in every table.

:class:`StepsMixin` migrates a database revision by revision, the later ones
of others too.  Before each step every table has rows; after it, every row is
still there, and each of its columns that the step has left has the value that
it had.  A revision that changes data on purpose says so in
:data:`EXPECTED`, and proves there what has become of it.
"""

from collections.abc import Callable
import datetime
import json
import typing

from alembic import script
import sqlalchemy as sa

from blockstore.db import engine
from blockstore.db import migration
from blockstore.db import models
from blockstore.db import schema

ROWS = 3
FIRST = '0001'
MOMENT = datetime.datetime(2026, 2, 28, 23, 59, 58, 123456)
TEXT = '{"a": ["\u00fc", null, 1]}'
USUAL = {'status': 'available', 'state': 'done', 'purpose': 'user',
         'attach_status': 'detached', 'size': 10,
         'host': 'node1@qsd#pool', 'kind': 'volume.create'}

Table = dict[tuple[typing.Any, ...], dict[str, typing.Any]]
Tables = dict[str, Table]


def _used(case: typing.Any, before: Tables, after: Tables) -> None:
    """What is used is the sum over the rows that there were."""
    wanted: dict[tuple[str, str, str], tuple[int, int]] = {}
    for name, size in (('volumes', 'size'), ('snapshots', 'volume_size'),
                       ('backups', 'size')):
        for row in before[name].values():
            if not row['deleted'] and row.get('use_quota', True):
                key = (row['project_id'], name,
                       row.get('volume_type_id') or '')
                number, gigabytes = wanted.get(key, (0, 0))
                wanted[key] = number + 1, gigabytes + row[size]
    case.assertEqual(wanted, {
        key: (row['number'], row['gigabytes'])
        for key, row in after['quota_usages'].items()})


#: By revision: the columns (``table.column``) whose values it changes, and
#: what else must hold after it, given all rows before and after.
EXPECTED: dict[str, tuple[set[str], Callable[
    [typing.Any, Tables, Tables], None] | None]] = {
        '0005': (set(), _used)}


class StepsMixin:
    """On any engine."""

    database: engine.Database

    def test_every_revision_keeps_every_row(self):
        migration.sync(self.database, FIRST)
        self.fill()
        for revision in schema.known()[1:]:
            before = self.tables()
            self.assertEqual(set(), {name for name, rows in before.items()
                                     if len(rows) < ROWS})
            migration.sync(self.database, revision)
            self.compare(revision, before, self.tables())
            self.fill()
        self.assertEqual(schema.head(), schema.version(self.database))
        schema.check(self.database)

    def compare(self, revision, before, after):
        changed, check = EXPECTED.get(revision, (set(), None))
        for name, rows in before.items():
            if name not in after:
                self.assertIn(name, changed, f'{revision} drops a table')
                continue
            self.assertEqual(set(rows), set(after[name]),
                             f'{revision}: the rows of {name}')
            for key, row in rows.items():
                now = after[name][key]
                self.assertEqual(
                    {column: value for column, value in row.items()
                     if column in now and f'{name}.{column}' not in changed},
                    {column: value for column, value in now.items()
                     if column in row and f'{name}.{column}' not in changed},
                    f'{revision}: {name} {key}')
        if check is not None:
            check(self, before, after)

    def reflect(self, tx):
        metadata = sa.MetaData()
        metadata.reflect(tx.connection)
        return [table for table in metadata.sorted_tables
                if table.name != 'alembic_version']

    def tables(self) -> Tables:
        """Return all rows of all tables, by their primary keys."""
        with self.database.read() as tx:
            return {table.name: {
                tuple(row._mapping[column.name]
                      for column in table.primary_key): dict(row._mapping)
                for row in tx.execute(sa.select(table))}
                for table in self.reflect(tx)}

    def fill(self):
        """Put rows into every table that has none."""
        with self.database.write() as tx:
            for table in self.reflect(tx):
                found = tx.execute(sa.select(
                    sa.func.count()).select_from(table)).scalar_one()
                if not found:
                    tx.execute(sa.insert(table), [
                        {column.name: value(table, column, number)
                         for column in table.c} for number in range(ROWS)])


def value(table: sa.Table, column: sa.Column[typing.Any], number: int,
          ) -> typing.Any:
    """Return a value for a column; the last row has as few as it may."""
    if column.nullable and number == ROWS - 1:
        return None
    unique = column.primary_key or any(
        column.name in constraint.columns for constraint in table.constraints
        if isinstance(constraint, sa.UniqueConstraint)) or any(
        column.name in index.columns for index in table.indexes
        if index.unique)
    if column.name in USUAL and not unique:
        return USUAL[column.name]
    kind = column.type
    if _is_json(table, column):
        # MariaDB's are texts that are checked.
        return TEXT if isinstance(kind, sa.String) else json.loads(TEXT)
    if isinstance(kind, sa.DateTime):
        return MOMENT
    if isinstance(kind, sa.Boolean):
        return bool(number % 2)
    if isinstance(kind, sa.Integer):
        # MariaDB and SQLite have their booleans here as well.
        return number + 1 if unique else number % 2
    text = f'{column.name} \u00fc\U0001f4be {number}'
    return text[:getattr(kind, 'length', None) or 200]


def _is_json(table: sa.Table, column: sa.Column[typing.Any]) -> bool:
    model = models.Base.metadata.tables.get(table.name)
    return isinstance(column.type, sa.JSON) or (
        model is not None and column.name in model.c
        and isinstance(model.c[column.name].type, sa.JSON))


def with_downgrade() -> list[str]:
    """Return the revisions that could be taken back: none should."""
    return [one.revision for one in script.ScriptDirectory.from_config(
        migration.configuration()).walk_revisions()
        if hasattr(one.module, 'downgrade')]
