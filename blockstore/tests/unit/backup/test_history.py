"""Any history of writes, backups, deletions and prunes restores exactly."""

import hypothesis
from hypothesis import strategies

from blockstore.backup.store import repository
from blockstore.backup.stores import memory
from blockstore.tests import fake_connections
from blockstore.tests.unit.backup import store_base
from blockstore.volume.connections import base as connections

GRAINS = 16 * 9 + 1      # nine chunks and a bit

STEPS = strategies.lists(strategies.one_of(
    strategies.tuples(strategies.just('write'),
                      strategies.integers(0, GRAINS - 1),
                      strategies.integers(1, 20)),
    strategies.tuples(strategies.just('discard'),
                      strategies.integers(0, GRAINS - 1),
                      strategies.integers(1, 40)),
    strategies.tuples(strategies.just('backup'),
                      strategies.sampled_from(['full', 'changed', 'hash']),
                      strategies.integers(0, 9)),
    strategies.tuples(strategies.just('cut'),
                      strategies.sampled_from(['full', 'changed', 'hash']),
                      strategies.integers(0, 9)),
    strategies.tuples(strategies.just('delete'), strategies.just(0),
                      strategies.integers(0, 9)),
    strategies.tuples(strategies.just('prune'), strategies.just(0),
                      strategies.just(0))), max_size=14)


class History:
    """One volume, its backups, and what each must restore."""

    def __init__(self):
        self.memory = memory.MemoryStore()
        self.repository = repository.Repository(
            self.memory, store_base.SMALL)
        self.volume = fake_connections.MemoryConnection(
            GRAINS * fake_connections.GRAIN - 100)
        self.images = {}
        self.dirty = {}         # grains changed since each backup
        self.made = 0

    def write(self, grain, count):
        for number in range(grain, min(grain + count, GRAINS)):
            offset = number * fake_connections.GRAIN
            length = min(fake_connections.GRAIN, self.volume.size - offset)
            self.made += 1
            self.volume.write(offset, (b'%08d' % self.made * 512)[:length])
        self.touch(grain, count)

    def discard(self, grain, count):
        offset = grain * fake_connections.GRAIN
        length = min(count * fake_connections.GRAIN,
                     self.volume.size - offset)
        self.volume.write_zeroes(offset, length)
        self.touch(grain, count)

    def touch(self, grain, count):
        for dirty in self.dirty.values():
            dirty.update(range(grain, min(grain + count, GRAINS)))

    def backup(self, kind, choice):
        self.made += 1
        backup_id = f'b{self.made}'
        parent, changed = None, None
        if kind != 'full' and self.images:
            parent = sorted(self.images)[choice % len(self.images)]
            if kind == 'changed':
                changed = [extent if choice % 2 else connections.Extent(
                    extent.offset, extent.length)
                    for extent in fake_connections.grains(
                        self.dirty[parent], self.volume.size)]
        self.repository.backup(
            self.volume, store_base.header(backup_id), parent=parent,
            extents=self.volume.extents(0, self.volume.size),
            changed=changed)
        self.images[backup_id] = bytes(self.volume.data)
        self.dirty[backup_id] = set()

    def cut(self, kind, choice):
        """Make a backup whose puts fail once, then go on with it."""
        self.memory.faults.append(memory.Fault(
            'put', 'before' if choice % 2 else 'after', skip=choice))
        try:
            made = self.made
            self.backup(kind, choice)
        except store_base.repository.exceptions.StoreError:
            self.memory.faults.clear()
            self.made = made
            self.backup(kind, choice)
        self.memory.faults.clear()

    def delete(self, _, choice):
        if self.images:
            chosen = sorted(self.images)[choice % len(self.images)]
            self.repository.delete(chosen)
            del self.images[chosen], self.dirty[chosen]

    def prune(self, *_):
        self.repository.prune(0)
        self.repository.prune(0)


class HistoryTest(store_base.StoreTestCase):

    @hypothesis.settings(deadline=None, max_examples=40)
    @hypothesis.given(STEPS)
    def test_every_backup_restores(self, steps):
        history = History()
        for action, *how in steps:
            getattr(history, action)(*how)
        for backup_id, image in history.images.items():
            for new in (True, False):
                target = fake_connections.MemoryConnection(len(image))
                if not new:
                    target.write(0, b'\xff' * len(image))
                history.repository.restore(backup_id, target,
                                           target_is_new=new)
                assert bytes(target.data) == image, backup_id
        history.prune()
        assert history.repository.verify(all_bytes=True).ok
        needed = {record.id for record in history.repository.catalogue()}
        assert needed == set(history.images)
        if not history.images:
            assert not list(history.memory.list('.store/chunks/'))
