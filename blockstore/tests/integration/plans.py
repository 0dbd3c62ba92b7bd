"""No request reads a whole table, as the servers of production plan it.

The same as :mod:`blockstore.tests.perf.scale` on SQLite: of each statement of
single requests, and of workers that look for something to do, the server
tells how it would run it over much data.
"""

import contextlib
import re

import sqlalchemy as sa
from sqlalchemy import event

from blockstore.db import operations
from blockstore.tests.integration import servers
from blockstore.tests.perf import scale
from blockstore.tests.unit.api import base

VOLUMES, SNAPSHOTS_EACH, CLOSED = 2000, 5, 20_000
LARGE = ('volumes', 'snapshots', 'operations')
_EXPLAINED = ('SELECT', 'UPDATE', 'DELETE', 'INSERT INTO quota_usages')


class PlanMixin(scale.Filler):
    """One project that has all of them."""

    server = ''
    options = scale.ScaleTest.options

    def open_database(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        try:
            return stack.enter_context(servers.fresh(self.server))
        except sa.exc.OperationalError as error:
            self.skipTest(f'no database server at {self.server}: {error}')

    @contextlib.contextmanager
    def whole_tables(self):
        """Collect the statements that read a large table as a whole."""
        found, seen = [], []

        def note(connection, cursor, statement, parameters, *more):
            if statement.startswith(_EXPLAINED):
                cursor.execute(f'EXPLAIN {statement}', parameters)
                plan = list(cursor)
                seen.append(statement)
                found.extend((one, statement)
                             for one in plan if self.is_whole(one))

        event.listen(self.database.engine, 'before_cursor_execute', note)
        try:
            yield found
        finally:
            event.remove(self.database.engine, 'before_cursor_execute', note)
        self.assertNotEqual([], seen)

    def test_requests_and_workers(self):
        self.add(VOLUMES, SNAPSHOTS_EACH, CLOSED)
        with self.database.engine.connect().execution_options(
                isolation_level='AUTOCOMMIT') as connection:
            for name in LARGE:
                connection.exec_driver_sql(f'{self.analyze} {name}')
        hosts = (base.HOST.partition('#')[0],)
        with self.whole_tables() as found:
            for method, path, body in (
                    ('GET', f'volumes/{scale.identifier(1, 7)}', None),
                    ('GET', f'snapshots/{scale.identifier(2, 7)}', None),
                    ('GET', 'volumes/detail?limit=10', None),
                    ('GET', 'snapshots/detail?limit=10', None),
                    ('POST', 'snapshots', {'snapshot': {
                        'volume_id': scale.identifier(1, 9)}}),
                    ('POST', 'volumes', {'volume': {'size': 1}}),
                    ('DELETE', f'snapshots/{scale.identifier(2, 9)}', None)):
                answer = self.ask(method, path, body, version='3.71')
                self.assertIn(answer.status, (200, 202), answer.raw)
            with self.database.read() as tx:
                due = operations.due(tx, 'volume', hosts, 10)
                operations.anything_waits(tx, 'volume', hosts,
                                          ('snapshot.create',))
            self.assertNotEqual([], due)
            with self.database.write() as tx:
                self.assertTrue(operations.claim(
                    tx, due[0].id, 'volume', hosts, 'me', 15))
                self.assertTrue(operations.finish(
                    tx, due[0].id, 'me', operations.DONE, {}))
        self.assertEqual([], found)


class MariaDBPlanTest(PlanMixin, base.ApiTestCase):
    """MariaDB: no table is read by ``ALL``."""

    server = servers.MARIADB
    analyze = 'ANALYZE TABLE'
    _ALIASES = (*LARGE, *scale.LARGE)

    def is_whole(self, step):
        table, how = step[2], step[3]
        return how == 'ALL' and table in self._ALIASES


class PostgreSQLPlanTest(PlanMixin, base.ApiTestCase):
    """PostgreSQL: no sequential scan of a large table."""

    server = servers.POSTGRESQL
    analyze = 'ANALYZE'
    _WHOLE = re.compile(rf'Seq Scan on ({"|".join(LARGE)})\b')

    def is_whole(self, step):
        return self._WHOLE.search(step[0]) is not None
