"""Migrations give what the models say, and know where a database stands."""

import threading

from alembic import script
from oslo_db import exception as db_exception
from oslo_db.sqlalchemy import test_migrations
from oslotest import base

from blockstore import errors
from blockstore import exceptions
from blockstore.db import engine
from blockstore.db import migration
from blockstore.db import models
from blockstore.db import rows
from blockstore.db import schema
from blockstore.db import services
from blockstore.tests.functional import schema_steps


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


class SqliteStepsTest(schema_steps.StepsMixin, base.BaseTestCase):
    """The embedded database, revision by revision."""

    def setUp(self):
        super().setUp()
        self.database = engine.Database('sqlite://')
        self.addCleanup(self.database.dispose)

    def test_none_can_be_taken_back(self):
        self.assertEqual([], schema_steps.with_downgrade())

    def test_files_are_named_by_their_revisions(self):
        revisions = [one.revision for one in script.ScriptDirectory
                     .from_config(migration.configuration())
                     .walk_revisions()]
        self.assertEqual(tuple(revisions[::-1]), schema.known())


class MigrationTest(base.BaseTestCase):
    """What a database is told and tells about itself."""

    def setUp(self):
        super().setUp()
        directory = self.create_tempfiles([('marker', '')])[0]
        self.url = f'sqlite:///{directory}.sqlite'
        self.database = engine.Database(self.url)
        self.addCleanup(self.database.dispose)

    def test_empty_database_has_no_version_and_is_refused(self):
        self.assertIsNone(schema.version(self.database))
        error = self.assertRaises(exceptions.Unavailable, schema.check,
                                  self.database)
        self.assertIn('db sync', error.remedy)

    def test_sync_reaches_the_head_and_may_be_repeated(self):
        migration.sync(self.database)
        with self.database.write() as tx:
            services.report(tx, 'node1', services.BACKUP)
        migration.sync(self.database)
        self.assertEqual(schema.head(), schema.version(self.database))
        schema.check(self.database)
        with self.database.read() as tx:
            self.assertEqual(1, len(services.page(tx)))

    def test_a_database_that_is_too_new(self):
        migration.sync(self.database)
        with self.database.write() as tx:
            tx.connection.exec_driver_sql(
                "UPDATE alembic_version SET version_num = '9999'")
        for look in (schema.check,
                     lambda database: schema.await_needed(database, 600)):
            error = self.assertRaises(exceptions.Unavailable, look,
                                      self.database)
            self.assertEqual(errors.DATABASE_TOO_NEW, error.code)

    def test_who_starts_too_early_waits(self):
        self.assertRaises(exceptions.Unavailable, schema.await_needed,
                          self.database, 0)
        other = engine.Database(self.url)
        self.addCleanup(other.dispose)
        waiting = threading.Thread(target=schema.await_needed,
                                   args=(self.database, 600))
        waiting.start()
        self.assertTrue(waiting.is_alive())
        migration.sync(other)
        waiting.join(120)
        self.assertFalse(waiting.is_alive())

    def test_sync_that_fails_leaves_nothing(self):
        with self.database.write() as tx:
            rows.table(models.DriverDocument).create(tx.connection)
        self.assertRaises(db_exception.DBError, migration.sync, self.database)
        self.assertIsNone(schema.version(self.database))
        with self.database.read() as tx:
            names = {name for (name,) in tx.connection.exec_driver_sql(
                'SELECT name FROM sqlite_master WHERE type = "table"')}
        self.assertEqual({'driver_documents'}, names)
