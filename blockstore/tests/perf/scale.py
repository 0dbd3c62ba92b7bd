"""10,000 volumes and 50,000 snapshots: no request costs more for them.

What a request does is told by its statements and by how SQLite runs each of
them: through an index, and never through a whole table of resources.
"""

import contextlib
import datetime

import sqlalchemy as sa
from sqlalchemy import event

from blockstore.db import models
from blockstore.db import operations
from blockstore.db import rows
from blockstore.tests.perf import statements
from blockstore.tests.unit.api import base

VOLUMES = 10_000
SNAPSHOTS_EACH = 5
CLOSED = 100_000
MADE = datetime.datetime(2026, 1, 1)
#: Tables, and what statements call them.
LARGE = ('volumes', 'snapshots', 'operations', 'first_running',
         'first_pending', 'served', 'other', 'older')


def identifier(kind: int, number: int) -> str:
    """Return a UUID that is easily told."""
    return f'{kind:08d}-0000-4000-8000-{number:012d}'


class Filler:
    """Fills the database of a test."""

    def add(self, volumes, snapshots_each, closed=0):
        common = {'project_id': base.PROJECT, 'status': 'available',
                  'created_at': MADE, 'status_changed_at': MADE}
        with self.database.write() as tx:
            for model, found in (
                    (models.Volume, [
                        {**common, 'id': identifier(1, number), 'size': 1,
                         'host': base.HOST}
                        for number in range(volumes)]),
                    (models.Snapshot, [
                        {**common, 'id': identifier(2, number),
                         'volume_id': identifier(1, number // snapshots_each),
                         'volume_size': 1}
                        for number in range(volumes * snapshots_each)]),
                    (models.Operation, [
                        {'id': identifier(3, number), 'state': 'done',
                         'kind': 'snapshot.create', 'topic': 'volume',
                         'resource_type': 'snapshot', 'host': base.HOST,
                         'resource_id': identifier(2, number % 50_000),
                         'project_id': base.PROJECT, 'arguments': {},
                         'facts': {}, 'created_at': common['created_at'],
                         'finished_at': common['created_at']}
                        for number in range(closed)])):
                if found:
                    tx.execute(sa.insert(rows.table(model)), found)


class ScaleTest(Filler, base.ApiTestCase):
    """One project that has all of them."""

    # Limits that are looked at, and not reached.
    options = {'quota__volumes': 10 ** 6, 'quota__snapshots': 10 ** 6,
               'quota__gigabytes': 10 ** 6}

    @contextlib.contextmanager
    def plans(self):
        """Collect how each statement is run: ``(statement, plan)``."""
        found = []

        def note(connection, cursor, statement, parameters, *more):
            if statement.startswith(('SELECT', 'UPDATE', 'DELETE')):
                cursor.execute(f'EXPLAIN QUERY PLAN {statement}', parameters)
                found.append((statement, [row[3] for row in cursor]))

        event.listen(self.database.engine, 'before_cursor_execute', note)
        try:
            yield found
        finally:
            event.remove(self.database.engine, 'before_cursor_execute', note)

    def assert_indexed(self, found):
        self.assertNotEqual([], found)
        for statement, plan in found:
            for step in plan:
                words = step.split()
                self.assertFalse(
                    words[0] == 'SCAN' and words[1] in LARGE
                    and 'USING INDEX' not in step, (step, statement))

    def request_all(self):
        """Send single requests; return how many statements each took."""
        counts = {}
        for method, path, body in (
                ('GET', f'volumes/{identifier(1, 7)}', None),
                ('GET', f'snapshots/{identifier(2, 7)}', None),
                ('GET', 'volumes/detail?limit=10', None),
                ('GET', 'snapshots/detail?limit=10', None),
                ('POST', 'snapshots',
                 {'snapshot': {'volume_id': identifier(1, 7)}}),
                ('POST', 'volumes', {'volume': {'size': 1}}),
                ('DELETE', f'snapshots/{identifier(2, 8)}', None)):
            with statements.counted(self.database.engine) as ran:
                answer = self.ask(method, path, body, version='3.71')
            self.assertIn(answer.status, (200, 202), answer.raw)
            # What is open is counted from time to time only.
            counts[f'{method} {path}'] = len([
                one for one in ran if 'FROM (SELECT operations.id' not in
                ' '.join(one.split())])
        return counts

    def test_requests(self):
        self.add(10, SNAPSHOTS_EACH)
        few = self.request_all()
        with self.database.write() as tx:
            for model in (models.Volume, models.Snapshot, models.Operation):
                tx.execute(sa.delete(rows.table(model)))
        self.add(VOLUMES, SNAPSHOTS_EACH, 1000)
        with self.plans() as found:
            answer = self.ask('GET', f'volumes/{identifier(1, 7)}')
            self.assertEqual(200, answer.status)
            self.ask('GET', 'snapshots/detail?limit=10')
            self.ask('GET', 'volumes/detail?limit=10')
            self.ask('POST', 'snapshots', {
                'snapshot': {'volume_id': identifier(1, 9)}})
            answer = self.ask('DELETE', f'snapshots/{identifier(2, 9)}')
            self.assertEqual(202, answer.status)
        self.assert_indexed(found)
        self.assertEqual(few, self.request_all())

    def test_a_page_of_a_thousand(self):
        self.add(VOLUMES, SNAPSHOTS_EACH)
        for noun in ('volumes', 'snapshots'):
            with statements.counted(self.database.engine) as ran:
                answer = self.ask('GET', f'{noun}/detail?limit=1000')
            self.assertEqual(1000, len(answer.json[noun]))
            self.assertThat(len(ran), statements.at_most(4))

    def test_closed_operations_cost_nothing(self):
        self.add(10, 1, CLOSED)
        hosts = (base.HOST.partition('#')[0],)
        with self.database.write() as tx:
            operations.insert(
                tx, id='o', kind='snapshot.create', topic='volume',
                resource_type='snapshot', resource_id='r', host=hosts[0],
                project_id=base.PROJECT, arguments={}, facts={})
        with self.plans() as found:
            with self.database.read() as tx:
                self.assertEqual(['o'], [one.id for one in operations.due(
                    tx, 'volume', hosts, 10)])
            with self.database.write() as tx:
                self.assertTrue(operations.claim(
                    tx, 'o', 'volume', hosts, 'me', 15))
        self.assert_indexed(found)
