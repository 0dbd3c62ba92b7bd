"""A host whose clock is wrong takes nobody's work, and holds up nobody.

Leases, heartbeats and the order of operations go by the clock of the
database's server, whatever the hosts believe that the time is.
"""

import contextlib
import datetime
import time

from oslo_db import exception as db_exception
from oslo_utils import fixture
from oslo_utils import timeutils
from oslo_utils import uuidutils
import sqlalchemy as sa

from blockstore import context
from blockstore.db import clock
from blockstore.db import engine
from blockstore.db import migration
from blockstore.db import models
from blockstore.db import operations as db
from blockstore.db import rows
from blockstore.db import services
from blockstore.lifecycle import operations
from blockstore.tests.integration import servers

HOUR = datetime.timedelta(hours=1)


class ClockMixin:
    """An hour fast, an hour slow."""

    database: engine.Database

    def setUp(self):
        super().setUp()
        migration.sync(self.database)
        self.true = timeutils.utcnow()

    @contextlib.contextmanager
    def off_by(self, difference):
        """Be a host whose clock differs."""
        with fixture.TimeFixture(self.true + difference):
            yield

    def start(self, resource_id):
        with self.database.write() as tx:
            return operations.start(
                tx, context.for_service(), 'backup.create', resource_id,
                topic='backup', host=None, project_id='p')

    def claim(self, id_, owner, lease=60.0):
        with self.database.write() as tx:
            return db.claim(tx, id_, 'backup', (), owner, lease)

    def due(self):
        with self.database.read() as tx:
            return db.due(tx, 'backup', (), 10)

    def test_the_moment(self):
        with self.off_by(HOUR), self.database.read() as tx:
            self.assertLess(abs(clock.read(tx) - self.true), HOUR / 4)
            later = tx.execute(sa.select(clock.now(tx, 90.5))).scalar_one()
            self.assertLess(
                abs(later - clock.read(tx)
                    - datetime.timedelta(seconds=90.5)), HOUR / 60)

    def test_leases_are_not_stolen(self):
        id_ = self.start(uuidutils.generate_uuid())
        self.assertTrue(self.claim(id_, 'first'))
        with self.off_by(HOUR):
            self.assertEqual([], self.due())
            self.assertFalse(self.claim(id_, 'second'))

    def test_leases_run_out(self):
        id_ = self.start(uuidutils.generate_uuid())
        with self.off_by(HOUR):
            self.assertTrue(self.claim(id_, 'fast', lease=0.2))
        with self.off_by(-HOUR):
            limit = time.monotonic() + 30
            while not self.claim(id_, 'slow'):
                self.assertLess(time.monotonic(), limit)
                time.sleep(0.05)

    def test_turns_are_kept(self):
        resource_id = uuidutils.generate_uuid()
        first = self.start(resource_id)
        with self.off_by(-HOUR):
            second = self.start(resource_id)
            self.assertFalse(self.claim(second, 'slow'))
            self.assertEqual([first], [one.id for one in self.due()])

    def test_heartbeats(self):
        for difference in (-HOUR, HOUR):
            with self.off_by(difference), self.database.write() as tx:
                services.report(tx, 'host', services.BACKUP)
            with self.off_by(-difference), self.database.read() as tx:
                row, = services.live(tx, services.BACKUP, 60)
                self.assertTrue(services.is_up(
                    row, services.oldest(tx, 60)))


class IdleMixin:
    """Who is frozen in a transaction keeps its locks for a while only."""

    database: engine.Database

    def test_is_ended(self):
        migration.sync(self.database)
        with self.database.write() as tx:
            id_ = operations.start(
                tx, context.for_service(), 'backup.create', 'b',
                topic='backup', host=None, project_id='p')
        frozen = engine.Database(
            self.database.engine.url.render_as_string(hide_password=False),
            options={}, idle_limit=1)
        self.addCleanup(frozen.dispose)
        with (self.assertRaises(db_exception.DBError),
              frozen.write() as tx):
            rows.update(tx, models.Operation, id_, {'step': 'of the frozen'})
            # As whoever takes over does; it waits for the frozen one's lock.
            with self.database.write() as other:
                rows.update(other, models.Operation, id_,
                            {'step': 'of the successor'})
            rows.update(tx, models.Operation, id_, {'step': 'awake again'})
        with self.database.read() as tx:
            self.assertEqual('of the successor', db.get(tx, id_).step)


class MariaDBClockTest(ClockMixin, IdleMixin, servers.ServerTestCase):
    """MariaDB."""

    server = servers.MARIADB


class PostgreSQLClockTest(ClockMixin, IdleMixin, servers.ServerTestCase):
    """PostgreSQL."""

    server = servers.POSTGRESQL
