"""Who has lost its lease changes nothing, wherever it was frozen.

The worker is frozen in a call to the store: its successor, and whoever comes
after that, do their work there, and then the call goes on.
"""

import dataclasses

from blockstore import exceptions
from blockstore.backup.store import repository
from blockstore.backup.stores import wrappers
from blockstore.tests import fake_connections
from blockstore.tests.unit.backup import store_base

CHUNKS = 7


class Lease:
    """A lease that others can take."""

    def __init__(self):
        self.lost = False

    def fence(self):
        if self.lost:
            raise exceptions.LeaseLost('taken over')

    confirm = fence


class Frozen(wrappers.Wrapper):
    """Has something happen in the middle of the n-th change."""

    def __init__(self, inner, number, meanwhile):
        super().__init__(inner)
        self.left = number
        self.meanwhile = meanwhile

    def _call(self, action, effect):
        if action in ('put', 'move', 'delete'):
            self.left -= 1
            if self.left == 0:
                self.meanwhile()
        return effect()


class FrozenTest(store_base.StoreTestCase):

    def setUp(self):
        super().setUp()
        self.source = self.volume(CHUNKS, extra=100)

    def frozen(self, number, meanwhile):
        """Run a worker that is frozen in its n-th change of the store.

        :returns: whether it came so far.
        """
        lease = Lease()
        done = []

        def happens():
            meanwhile()
            done.append(True)
            lease.lost = True

        backend = Frozen(self.memory, number, happens)
        worker = repository.Repository(
            backend, dataclasses.replace(store_base.SMALL, workers=1))
        try:
            worker.backup(self.source, store_base.header('b'),
                          extents=self.source.extents(0, self.source.size),
                          lease=lease)
        except (exceptions.LeaseLost, exceptions.StoreError):
            self.assertEqual([True], done)
        return bool(done)

    def everywhere(self, meanwhile, check):
        number = 1
        while self.frozen(number, meanwhile):
            check()
            self.memory.objects.clear()
            self.repository = repository.Repository(self.memory,
                                                    store_base.SMALL)
            number += 1
        self.assertGreater(number, 2 * CHUNKS)

    def test_the_successor_has_ended(self):
        def check():
            self.assertRestores('b', self.source.data)
            self.assertTrue(self.repository.verify(all_bytes=True).ok)

        self.everywhere(lambda: self.backup(self.source, 'b'), check)

    def test_its_backup_is_deleted_since(self):
        def meanwhile():
            self.backup(self.source, 'b')
            self.repository.delete('b')

        self.everywhere(meanwhile, lambda: self.assertEqual(
            [], list(self.repository.catalogue())))

    def test_it_is_deleted_before_anybody_went_on(self):
        self.everywhere(lambda: self.repository.delete('b'),
                        lambda: self.assertEqual(
                            [], list(self.repository.catalogue())))

    def test_one_write_at_most(self):
        changes = []
        lease = Lease()

        def meanwhile():
            lease.lost = True
            changes.append(len(self.memory.objects))

        worker = repository.Repository(
            Frozen(self.memory, 6, meanwhile), store_base.SMALL)
        self.assertRaises(
            exceptions.LeaseLost, worker.backup, self.source,
            store_base.header('b'), lease=lease,
            extents=self.source.extents(0, self.source.size))
        # One for each thread that stood between the question and the write.
        self.assertLessEqual(len(self.memory.objects) - changes[0],
                             1 + store_base.SMALL.workers)

    def test_restore(self):
        self.backup(self.source, 'b')
        lease = Lease()
        written = []

        class Target(fake_connections.MemoryConnection):
            def write(self, offset, data):
                written.append(offset)
                super().write(offset, data)
                lease.lost = True

        self.assertRaises(
            exceptions.LeaseLost, self.repository.restore, 'b',
            Target(self.source.size), target_is_new=True, lease=lease)
        self.assertEqual(1, len(written))
