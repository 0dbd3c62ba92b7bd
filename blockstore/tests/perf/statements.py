"""How many statements a request costs, whatever the number of rows.

They are counted where SQLAlchemy hands them to the driver; what begins or
ends a transaction is not counted.  :func:`counted` serves the benchmark too.
"""

from collections.abc import Iterator
import contextlib

import sqlalchemy as sa
from sqlalchemy import event
from testtools import matchers

from blockstore.db import models
from blockstore.db import operations
from blockstore.db import rows
from blockstore.db.engine import Database
from blockstore.tests.unit.api import base


@contextlib.contextmanager
def counted(engine: sa.Engine) -> Iterator[list[str]]:
    """Collect the statements that an engine runs meanwhile."""
    statements: list[str] = []

    def note(connection, cursor, statement, *more):
        if not statement.startswith('BEGIN'):
            statements.append(statement)

    event.listen(engine, 'before_cursor_execute', note)
    try:
        yield statements
    finally:
        event.remove(engine, 'before_cursor_execute', note)


def add_volumes(database: Database, project_id: str, count: int,
                host: str) -> list[str]:
    """Insert volumes, each with two keys, each tenth attached."""
    ids = [f'{number:08d}-0000-4000-8000-000000000000'
           for number in range(count)]
    with database.write() as tx:
        for number, id_ in enumerate(ids):
            rows.insert(tx, models.Volume, id=id_, project_id=project_id,
                        user_id='admin', display_name=f'volume {number}',
                        size=1, status='available', host=host,
                        availability_zone='nova')
            rows.set_metadata(tx, models.VolumeMetadata, id_, {
                'purpose': 'bench', 'number': str(number)})
            if number % 10 == 0:
                rows.insert(tx, models.Attachment, id=id_, volume_id=id_,
                            project_id=project_id,
                            instance_uuid=id_, attached_host='client',
                            attach_status='attached')
    return ids


def at_most(number: int) -> matchers.Matcher:
    """Match what is not greater than a number."""
    return matchers.LessThan(number + 1)


class StatementTest(base.ApiTestCase):
    """The whole API over a database in memory."""

    def count(self, method, path, body=None):
        # The first request may have to fill caches.
        for _ in range(2):
            with counted(self.database.engine) as statements:
                answer = self.ask(method, path, body, version='3.71')
        self.assertIn(answer.status, (200, 202), answer.raw)
        return answer, len(statements)

    def add(self, number):
        return add_volumes(self.database, base.PROJECT, number, base.HOST)

    def test_long_list(self):
        self.add(1000)
        answer, number = self.count('GET', 'volumes/detail?limit=1000')
        self.assertEqual(1000, len(answer.json['volumes']))
        self.assertEqual(100, sum(
            len(volume['attachments']) for volume in answer.json['volumes']))
        self.assertThat(number, at_most(4))

    def test_list_costs_the_same_for_any_length(self):
        self.add(50)
        counts = {self.count('GET', f'volumes/detail?limit={limit}')[1]
                  for limit in (1, 10, 50)}
        self.assertEqual(1, len(counts), counts)

    def test_one_volume(self):
        id_ = self.add(3)[0]
        answer, number = self.count('GET', f'volumes/{id_}')
        self.assertEqual('bench', answer.json['volume']['metadata']['purpose'])
        self.assertEqual(1, len(answer.json['volume']['attachments']))
        self.assertThat(number, at_most(3))

    def test_create_snapshot(self):
        id_ = self.add(1)[0]
        _, number = self.count('POST', 'snapshots',
                               {'snapshot': {'volume_id': id_}})
        self.assertThat(number, at_most(7))

    def test_create_volume(self):
        _, number = self.count('POST', 'volumes', {'volume': {'size': 1}})
        self.assertThat(number, at_most(10))

    def test_other_lists(self):
        for noun in ('snapshots/detail', 'backups/detail', 'attachments',
                     'types', 'operations'):
            _, number = self.count('GET', noun)
            self.assertThat(number, at_most(4), noun)

    def test_looking_for_work(self):
        ids = self.add(3)
        for id_ in ids:
            self.ask('POST', 'snapshots', {'snapshot': {'volume_id': id_}},
                     version='3.71')
        kinds = ('snapshot.create', 'snapshot.delete')
        hosts = (base.HOST.partition('#')[0],)
        with counted(self.database.engine) as statements:
            with self.database.read() as tx:
                due = operations.due(tx, 'volume', hosts, 64, kinds)
            self.assertEqual(1, len(statements))
            with self.database.write() as tx:
                self.assertTrue(operations.claim(
                    tx, due[0].id, 'volume', hosts, 'me', 60, kinds))
                operations.get(tx, due[0].id)
            self.assertThat(len(statements), at_most(4))
