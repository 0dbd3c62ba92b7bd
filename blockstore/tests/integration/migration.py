"""Migrations give what the models say, on the servers of production."""

from blockstore.tests.functional import migration
from blockstore.tests.integration import servers


class MariaDBSyncTest(migration.SyncMixin, servers.ServerTestCase):
    """MariaDB."""

    server = servers.MARIADB


class PostgreSQLSyncTest(migration.SyncMixin, servers.ServerTestCase):
    """PostgreSQL."""

    server = servers.POSTGRESQL
