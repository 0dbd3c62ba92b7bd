"""The book that drivers keep in the database."""

from blockstore.db import documents
from blockstore.db import engine
from blockstore.db import migration
from blockstore.tests.unit import test_books


class DatabaseBookTest(test_books.MemoryBookTestCase):
    """The embedded database."""

    def setUp(self):
        super().setUp()
        self.database = engine.Database('sqlite://')
        self.addCleanup(self.database.dispose)
        migration.sync(self.database)

    def open(self):
        return documents.DatabaseBook(self.database, 'node1@fast')

    def test_backends_have_books_of_their_own(self):
        self.open().commit({'a': {'n': 1}})
        other = documents.DatabaseBook(self.database, 'node1@slow')
        other.commit({'a': {'n': 2}})
        self.open().commit({'a': {'n': 3}, 'b': None})
        self.assertEqual([('a', {'n': 3})], list(self.open().items()))
        self.assertEqual({'n': 2}, other.read('a'))
