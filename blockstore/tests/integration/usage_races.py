"""What is used stays the sum over rows that several change at a time."""

import threading
import time

from blockstore.db import migration
from blockstore.db import models
from blockstore.db import rows
from blockstore.db import usage
from blockstore.tests.integration import servers

ID = '00000000-0000-4000-8000-000000000001'


class RaceMixin:
    """One volume, and two transactions."""

    def setUp(self):
        super().setUp()
        migration.sync(self.database)
        with self.database.write() as tx:
            rows.insert(tx, models.Volume, id=ID, project_id='p',
                        user_id='u', size=1, status='available')

    def change(self, **values):
        with self.database.write() as tx:
            rows.update(tx, models.Volume, ID, values)

    def assert_right(self):
        with self.database.read() as tx:
            self.assertEqual(usage.summed(tx, 'p'),
                             usage.of_project(tx, 'p'))

    def overtake(self, first, **values):
        """Change the row while another transaction has changed it."""
        second = threading.Thread(target=self.change, kwargs=values)
        with self.database.write() as tx:
            first(tx)
            second.start()
            # It reads what it takes away before it can change the row.
            time.sleep(1)
        second.join(60)
        self.assertFalse(second.is_alive())
        self.assert_right()

    def test_sizes(self):
        self.overtake(lambda tx: rows.update(
            tx, models.Volume, ID, {'size': 5}), size=3)

    def test_what_counts_no_more(self):
        self.overtake(lambda tx: rows.update(
            tx, models.Volume, ID, {'use_quota': False}), size=3)

    def test_what_is_deleted(self):
        self.overtake(lambda tx: rows.soft_delete(tx, models.Volume, ID),
                      use_quota=False)


class MariaDBRaceTest(RaceMixin, servers.ServerTestCase):
    """MariaDB."""

    server = servers.MARIADB


class PostgreSQLRaceTest(RaceMixin, servers.ServerTestCase):
    """PostgreSQL."""

    server = servers.POSTGRESQL
