"""Journals: what is found again after any kind of end."""

from oslotest import base

from blockstore import exceptions
from blockstore.backup.store import journal
from blockstore.backup.store import keys
from blockstore.backup.store import layout
from blockstore.backup.stores import memory
from blockstore.tests.unit.backup import store_base

LAYOUT = layout.Layout('store', 4096, 4, keys.Keys(bytes(32)))


def entries(first, count, salt=b''):
    """Make distinct entries."""
    return b''.join(b'%031d' % number + (salt or b'.')
                    for number in range(first, first + count))


class JournalTest(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.backend = memory.MemoryStore()
        self.journal = journal.Journal(self.backend, LAYOUT, 'b')
        self.start = journal.Start(store_base.header('b', name='x'), 4096,
                                   'parent', 8192, b'p' * 64)

    def found(self):
        return b''.join(self.journal.entries())

    def test_start(self):
        self.assertIsNone(self.journal.start())
        self.journal.begin(self.start)
        self.journal.begin(self.start)
        self.assertEqual(self.start, self.journal.start())
        other = journal.Start(self.start.header, 8192)
        self.assertRaises(exceptions.StoreObjectExists, self.journal.begin,
                          other)

    def test_entries(self):
        self.journal.begin(self.start)
        for first, count in ((0, 3), (3, 1), (4, 300)):
            self.journal.add(first, entries(first, count))
        self.assertEqual(entries(0, 304), self.found())

    def test_nothing_counts_after_a_gap(self):
        self.journal.add(0, entries(0, 3))
        self.journal.add(4, entries(4, 3))
        self.assertEqual(entries(0, 3), self.found())

    def test_overlaps_of_two_workers(self):
        for first, count in ((0, 3), (0, 5), (3, 4), (4, 1), (5, 5), (10, 1)):
            self.journal.add(first, entries(first, count))
        self.assertEqual(entries(0, 11), self.found())

    def test_workers_that_disagree(self):
        self.journal.add(0, entries(0, 5))
        self.journal.add(3, entries(3, 4, b'!'))
        self.assertRaises(exceptions.StoreObjectExists, self.found)
        self.assertRaises(exceptions.StoreObjectExists, self.journal.add, 0,
                          entries(0, 5, b'!'))

    def test_the_same_again(self):
        self.journal.add(0, entries(0, 5))
        self.journal.add(0, entries(0, 5))
        self.assertEqual(entries(0, 5), self.found())

    def test_forged(self):
        other = layout.Layout('store', 4096, 4, keys.Keys(b'x' * 32))
        journal.Journal(self.backend, other, 'b').add(0, entries(0, 1))
        self.assertRaises(exceptions.StoreObjectDamaged, self.found)

    def test_of_another_backup(self):
        journal.Journal(self.backend, LAYOUT, 'c').begin(self.start)
        self.backend.objects = {
            name.replace('/c/', '/b/'): value
            for name, value in self.backend.objects.items()}
        self.journal.start()
        journal.Journal(self.backend, LAYOUT, 'c').add(0, entries(0, 1))
        self.backend.objects = {
            name.replace('/c/', '/b/'): value
            for name, value in self.backend.objects.items()}
        self.assertRaises(exceptions.StoreObjectDamaged, self.found)

    def test_removal_cut_off(self):
        self.journal.begin(self.start)
        for first in range(4):
            self.journal.add(first, entries(first, 1))
        self.backend.faults.append(memory.Fault('delete', skip=2))
        self.assertRaises(exceptions.StoreError, self.journal.remove)
        self.assertEqual(entries(0, 2), self.found())
        self.assertEqual(self.start, self.journal.start())
        self.journal.remove()
        self.assertEqual({}, self.backend.objects)

    def test_chunks_are_durable_first(self):
        self.journal.begin(self.start)
        self.backend.faults.append(memory.Fault('sync'))
        self.assertRaises(exceptions.StoreError, self.journal.add, 0,
                          entries(0, 1))

    def test_unfinished(self):
        for backup_id in ('b', 'b-2', 'a', 'b0'):
            journal.Journal(self.backend, LAYOUT, backup_id).add(
                0, entries(0, 1))
        self.assertEqual(['a', 'b', 'b-2', 'b0'],
                         sorted(journal.unfinished(self.backend)))
