"""Migrations on the servers of production, and two at the same time."""

import pathlib
import subprocess
import sys

import fixtures
from oslotest import base

from blockstore.db import engine
from blockstore.db import migration
from blockstore.db import schema
from blockstore.tests.functional import migration as functional
from blockstore.tests.functional import schema_steps
from blockstore.tests.integration import servers


class RaceMixin:
    """Two who migrate the same database at the same time."""

    database: engine.Database

    def test_both_succeed(self):
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        configuration = directory / 'blockstore.conf'
        url = self.database.engine.url.render_as_string(hide_password=False)
        configuration.write_text(f'[database]\nconnection = {url}\n')
        processes = [subprocess.Popen(
            [sys.executable, '-m', 'blockstore.cmd.manage', '--config-file',
             str(configuration), 'db', 'sync'], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            for _ in range(2)]
        for process in processes:
            said, _ = process.communicate(timeout=300)
            self.assertEqual(0, process.returncode, said)
        schema.check(self.database)
        # Nobody keeps the lock.
        migration.sync(self.database)


class MariaDBSyncTest(functional.SyncMixin, servers.ServerTestCase):
    """MariaDB: what the models say."""

    server = servers.MARIADB


class PostgreSQLSyncTest(functional.SyncMixin, servers.ServerTestCase):
    """PostgreSQL: what the models say."""

    server = servers.POSTGRESQL


class MariaDBTest(schema_steps.StepsMixin, RaceMixin,
                  servers.ServerTestCase):
    """MariaDB: step by step, and at the same time."""

    server = servers.MARIADB


class PostgreSQLTest(schema_steps.StepsMixin, RaceMixin,
                     servers.ServerTestCase):
    """PostgreSQL: step by step, and at the same time."""

    server = servers.POSTGRESQL


class SqliteTest(RaceMixin, base.BaseTestCase):
    """SQLite: at the same time."""

    def setUp(self):
        super().setUp()
        directory = self.useFixture(fixtures.TempDir()).path
        self.database = engine.Database(f'sqlite:///{directory}/b.sqlite')
        self.addCleanup(self.database.dispose)
