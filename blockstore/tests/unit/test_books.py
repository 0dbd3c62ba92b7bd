"""The books for drivers without a database."""

import os

import fixtures
from oslotest import base

from blockstore.volume.drivers import books


class MemoryBookTestCase(base.BaseTestCase):

    def open(self):
        return books.MemoryBook()

    def test_documents(self):
        book = self.open()
        self.assertIsNone(book.read('a'))
        book.commit({'a': {'n': 1}, 'b': {'n': [2]}})
        book.commit({'a': None, 'c': {'n': 3}, 'never': None})
        self.assertEqual([('b', {'n': [2]}), ('c', {'n': 3})],
                         list(book.items()))

    def test_copies(self):
        book, document = self.open(), {'list': []}
        book.commit({'a': document})
        document['list'].append(1)
        book.read('a')['list'].append(2)
        dict(book.items())['a']['list'].append(3)
        self.assertEqual({'list': []}, book.read('a'))

    def test_all_or_nothing(self):
        book = self.open()
        book.commit({'a': {'n': 1}})
        self.assertRaises(TypeError, book.commit,
                          {'a': {'n': 2}, 'b': {'n': object()}})
        self.assertEqual([('a', {'n': 1})], list(book.items()))


class FileBookTestCase(MemoryBookTestCase):

    def open(self):
        self.path = os.path.join(self.useFixture(fixtures.TempDir()).path,
                                 'book')
        return books.FileBook(self.path)

    def test_it_lasts(self):
        book = self.open()
        book.commit({'a': {'n': 1}})
        self.assertEqual({'n': 1}, books.FileBook(self.path).read('a'))

    def test_a_failed_write_changes_nothing(self):
        book = self.open()
        book.commit({'a': {'n': 1}})
        os.mkdir(self.path + '.new')
        self.assertRaises(OSError, book.commit, {'a': {'n': 2}})
        self.assertEqual({'n': 1}, book.read('a'))
        self.assertEqual({'n': 1}, books.FileBook(self.path).read('a'))
