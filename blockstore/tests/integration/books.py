"""The books of drivers on the servers of production."""

from blockstore.db import documents
from blockstore.db import migration
from blockstore.tests.integration import servers
from blockstore.tests.unit import test_books


class BookMixin:
    """One book of one back end."""

    def open(self):
        migration.sync(self.database)
        return documents.DatabaseBook(self.database, 'node1@fast')


class MariaDBBookTest(BookMixin, servers.ServerTestCase,
                      test_books.MemoryBookTestCase):
    """MariaDB."""

    server = servers.MARIADB


class PostgreSQLBookTest(BookMixin, servers.ServerTestCase,
                         test_books.MemoryBookTestCase):
    """PostgreSQL."""

    server = servers.POSTGRESQL
