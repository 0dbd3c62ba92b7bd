"""Values that differ only in case are different values, on every server."""

from oslotest import base

from blockstore.db import engine
from blockstore.db import migration
from blockstore.db import models
from blockstore.db import rows
from blockstore.db import types
from blockstore.tests.integration import servers


class CaseMixin:
    """Keys of metadata and names of types."""

    database: engine.Database

    def test_case(self):
        migration.sync(self.database)
        given = {'key': '1', 'Key': '2', 'KEY': 'ü'}
        with self.database.write() as tx:
            rows.set_metadata(tx, models.VolumeMetadata, 'v', given)
            types.insert(tx, id='t', name='gold')
        with self.database.read() as tx:
            self.assertEqual({'v': given}, rows.metadata(
                tx, models.VolumeMetadata, ['v']))
            self.assertIsNone(types.by_name(tx, 'Gold'))
            self.assertIsNotNone(types.by_name(tx, 'gold'))


class SqliteCaseTest(CaseMixin, base.BaseTestCase):
    """The embedded database."""

    def setUp(self):
        super().setUp()
        self.database = engine.Database('sqlite://')
        self.addCleanup(self.database.dispose)


class MariaDBCaseTest(CaseMixin, servers.ServerTestCase):
    """MariaDB."""

    server = servers.MARIADB


class PostgreSQLCaseTest(CaseMixin, servers.ServerTestCase):
    """PostgreSQL."""

    server = servers.POSTGRESQL
