"""Migrations give what the models say, and know where a database stands."""

from oslo_db.sqlalchemy import test_migrations
from oslotest import base
import sqlalchemy as sa

from blockstore import exceptions
from blockstore.db import engine
from blockstore.db import migration
from blockstore.db import models
from blockstore.db import rows
from blockstore.db import services


class SyncMixin(test_migrations.ModelsMigrationsSync):
    """Compare a migrated database with the models, on any engine."""

    database: engine.Database

    def get_metadata(self):
        return models.Base.metadata

    def get_engine(self):
        return self.database.engine

    def db_sync(self, _engine):
        migration.sync(self.database)


class SqliteSyncTest(SyncMixin, base.BaseTestCase):
    """The embedded database."""

    def setUp(self):
        super().setUp()
        self.database = engine.Database('sqlite://')
        self.addCleanup(self.database.dispose)


class MigrationTest(base.BaseTestCase):
    """What a database is told and tells about itself."""

    def setUp(self):
        super().setUp()
        directory = self.create_tempfiles([('marker', '')])[0]
        self.url = f'sqlite:///{directory}.sqlite'
        self.database = engine.Database(self.url)
        self.addCleanup(self.database.dispose)

    def test_empty_database_has_no_version_and_is_refused(self):
        self.assertIsNone(migration.version(self.database))
        error = self.assertRaises(exceptions.Unavailable, migration.check,
                                  self.database)
        self.assertIn('db sync', error.remedy)

    def test_sync_reaches_the_head_and_may_be_repeated(self):
        migration.sync(self.database)
        with self.database.write() as tx:
            services.report(tx, 'node1', services.BACKUP)
        migration.sync(self.database)
        self.assertEqual(migration.head(), migration.version(self.database))
        migration.check(self.database)
        with self.database.read() as tx:
            self.assertEqual(1, len(services.page(tx)))

    def test_sync_that_fails_leaves_nothing(self):
        with self.database.write() as tx:
            rows.table(models.DriverDocument).create(tx.connection)
        self.assertRaises(sa.exc.OperationalError, migration.sync,
                          self.database)
        self.assertIsNone(migration.version(self.database))
        with self.database.read() as tx:
            names = {name for (name,) in tx.connection.exec_driver_sql(
                'SELECT name FROM sqlite_master WHERE type = "table"')}
        self.assertEqual({'driver_documents'}, names)
