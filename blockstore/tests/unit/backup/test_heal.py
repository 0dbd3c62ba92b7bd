"""What the store has lost of a parent, the next backup stores again."""

import threading

import hypothesis
from hypothesis import strategies

from blockstore import exceptions
from blockstore.backup.store import presence
from blockstore.backup.stores import memory
from blockstore.tests import fake_connections
from blockstore.tests.unit.backup import heal_base
from blockstore.tests.unit.backup import store_base
from blockstore.tests.unit.backup import test_history
from blockstore.volume.connections import base as connections

CHUNK = heal_base.CHUNK
DAMAGED = heal_base.DAMAGED


class LostTest(heal_base.HealTestCase):
    """Incremental backups when objects of the parent are not there."""

    def test_taken_over_chunks_are_read_again(self):
        lost = [self.chunk(2), self.chunk(11)]
        for name in lost:
            self.memory.delete(name)
        changed = self.scribble(self.source, 5 * 16)
        summary = self.backup(self.source, 'inc', parent='full',
                              changed=changed)
        self.assertEqual(
            [(2 * CHUNK, CHUNK), (5 * CHUNK, 4096), (11 * CHUNK, CHUNK)],
            sorted(self.source.reads))
        self.assertEqual((3, 17), (summary.progress.chunks_written,
                                   summary.progress.chunks_reused))
        self.assertEqual('full', summary.record.parent_id)
        self.assertRestores('inc', self.source.data)
        self.assertWhole()

    def test_only_what_is_allocated_is_read(self):
        thin = self.volume(8, fill=False)
        thin.write(3 * CHUNK + 8192, b'x' * 4096)
        self.backup(thin, 'thin')
        thin.reads.clear()
        for name in self.names('.store/chunks/'):
            self.memory.delete(name)
        self.backup(thin, 'inc', parent='thin', changed=[])
        self.assertEqual([(3 * CHUNK + 8192, 4096)], thin.reads)
        self.assertRestores('inc', thin.data)
        self.assertRestores('thin', thin.data)

    def test_the_same_as_the_parents(self):
        """Found out by reading; by allocation and by changes."""
        for number, changed in enumerate((
                None, [connections.Extent(4 * CHUNK, CHUNK)])):
            self.memory.delete(self.chunk(4))
            summary = self.backup(self.source, f'inc{number}', parent='full',
                                  changed=changed)
            self.assertEqual((1, 19), (summary.progress.chunks_written,
                                       summary.progress.chunks_reused))
            self.assertWhole()

    def test_the_base_of_a_changed_chunk(self):
        self.memory.delete(self.chunk(4))
        changed = self.scribble(self.source, 4 * 16 + 3)
        self.source.write_zeroes(4 * CHUNK + 8 * 4096, 4096)
        changed.append(connections.Extent(4 * CHUNK + 8 * 4096, 4096, True))
        summary = self.backup(self.source, 'inc', parent='full',
                              changed=changed)
        # Once each, and not what reads as zeros.
        self.assertEqual(CHUNK - 4096, self.source.bytes_read)
        self.assertEqual(CHUNK - 4096, summary.progress.bytes_read)
        self.assertEqual(19 * CHUNK + 4096, summary.progress.bytes_skipped)
        self.assertRestores('inc', self.source.data)
        # Its old bytes are nowhere any more.
        self.assertEqual(['daily/full'], self.repository.verify(
            all_bytes=True).affected)

    def test_all_bases_at_once(self):
        """More workers wait for the reader than there are buffers."""
        changed = self.scribble(self.source, *range(0, 320, 8))
        for name in self.names('.store/chunks/'):
            self.memory.delete(name)
        self.backup(self.source, 'inc', parent='full', changed=changed)
        self.assertEqual(20 * CHUNK, self.source.bytes_read)
        self.assertRestores('inc', self.source.data)
        self.assertEqual([], [
            thread.name for thread in threading.enumerate()
            if thread.name.startswith('store-')])

    def test_a_damaged_base(self):
        """It turns out not to have changed: then it is healed, too."""
        name = self.chunk(4)
        spoilt = self.damage(name)
        summary = self.backup(
            self.source, 'inc', parent='full',
            changed=[connections.Extent(4 * CHUNK, 4096)])
        self.assertEqual(CHUNK, self.source.bytes_read)
        self.assertEqual(1, summary.progress.chunks_written)
        self.assertEqual([spoilt], [self.memory.get(found)
                                    for found in self.names(DAMAGED)])
        self.assertRestores('inc', self.source.data)
        self.assertWhole()

    def test_the_volume_fails_when_it_is_read_again(self):
        self.memory.delete(self.chunk(4))
        changed = self.scribble(self.source, 4 * 16 + 3)
        original = self.source.read_into

        def read_into(offset, buffer):
            if len(self.source.reads) == 1:
                raise exceptions.ConnectionFailed('the volume is gone')
            original(offset, buffer)

        self.source.read_into = read_into
        self.assertRaises(exceptions.ConnectionFailed, self.backup,
                          self.source, 'inc', parent='full', changed=changed)
        self.source.read_into = original
        self.backup(self.source, 'inc', parent='full', changed=changed)
        self.assertRestores('inc', self.source.data)

    def test_another_chunk_fails_while_one_is_read_again(self):
        self.memory.delete(self.chunk(4))
        changed = self.scribble(self.source, 4 * 16 + 3, 9 * 16)

        def extents():
            yield connections.Extent(0, 6 * CHUNK)
            raise exceptions.ConnectionFailed('no more extents')

        self.assertRaises(
            exceptions.ConnectionFailed, self.repository.backup,
            self.source, store_base.header('inc'), parent='full',
            extents=extents(), changed=changed)

    def test_what_prune_has_set_aside_is_there(self):
        name = self.chunk(4)
        self.memory.move(name, name.replace('.store/', '.store/doomed/'))
        for number, changed in enumerate(([], None)):
            summary = self.backup(self.source, f'inc{number}', parent='full',
                                  changed=changed)
            self.assertEqual(0, summary.progress.chunks_written)
        self.repository.prune(0)
        self.assertTrue(self.memory.exists(name))
        self.assertWhole()

    def test_what_is_recorded_is_not_read_again(self):
        changed = self.scribble(self.source, *range(0, 320, 16))
        recorded = self.cut(self.source, 'inc', 9, parent='full',
                            changed=changed)
        self.assertGreaterEqual(recorded, 3)
        # The parent cannot be used any more; the journal still can.
        self.damage(self.segment(4))
        self.source.reads.clear()
        summary = self.backup(self.source, 'inc', parent='full',
                              changed=changed)
        self.assertEqual((20 - recorded) * CHUNK, self.source.bytes_read)
        self.assertEqual(recorded * CHUNK, summary.bytes_resumed)
        self.assertRestores('inc', self.source.data)

    def test_nothing_lost_costs_one_look_a_chunk(self):
        looks = self.counting.calls['exists']
        self.backup(self.source, 'inc', parent='full', changed=[])
        # And a few for manifest and segments.
        self.assertLessEqual(self.counting.calls['exists'] - looks, 30)
        self.assertEqual(0, self.source.bytes_read)

    def test_absent(self):
        entries = [self.chance.randbytes(32) for _ in range(50)]
        store = self.repository.chunks
        for entry in entries[::2]:
            self.memory.put(f'.store/chunks/{entry.hex()[:2]}/{entry.hex()}',
                            [b''])
        with presence.Presence(store, 3) as looks:
            self.assertEqual([], looks.absent(b''))
            self.assertEqual([], looks.absent(bytes(320)))
            self.assertEqual([*range(2, 51, 2), 51], looks.absent(
                bytes(32) + b''.join(entries) + entries[3]))


class ParentTest(heal_base.HealTestCase):
    """A parent whose segments cannot be used."""

    def assertFull(self, **how):
        self.scribble(self.source, 7)
        summary = self.backup(self.source, 'inc', parent='full', **how)
        self.assertIsNone(summary.record.parent_id)
        self.assertIsNone(self.repository.manifest('inc').parent_id)
        self.assertEqual(20 * CHUNK, self.source.bytes_read)
        self.assertEqual(1, summary.progress.chunks_written)
        self.assertRestores('inc', self.source.data)

    def test_missing(self):
        self.memory.delete(self.segment(3))
        self.assertFull(changed=[connections.Extent(7 * 4096, 4096)])
        self.assertWhole()

    def test_missing_by_hash(self):
        self.memory.delete(self.segment(3))
        self.assertFull()
        self.assertWhole()

    def test_several_damaged(self):
        names = [self.segment(number) for number in (1, 3)]
        spoilt = {self.damage(name) for name in names}
        self.assertFull(changed=[connections.Extent(7 * 4096, 4096)])
        self.assertEqual(spoilt, {self.memory.get(name)
                                  for name in self.names(DAMAGED)})
        self.assertWhole()

    def test_goes_on_as_it_began(self):
        self.memory.delete(self.segment(3))
        changed = self.scribble(self.source, 7)
        self.memory.faults.append(memory.Fault(
            'put', skip=1, prefix='.store/journals/inc/0'))
        self.assertRaises(exceptions.StoreError, self.backup, self.source,
                          'inc', parent='full', changed=changed)
        self.memory.faults.clear()
        recorded = sum(int(name.rsplit('-', 1)[1], 16)
                       for name in self.names('.store/journals/inc/0'))
        self.assertGreaterEqual(recorded, 3)
        self.source.reads.clear()
        summary = self.backup(self.source, 'inc', parent='full',
                              changed=changed)
        self.assertIsNone(summary.record.parent_id)
        self.assertEqual((20 - recorded) * CHUNK, self.source.bytes_read)
        self.assertRestores('inc', self.source.data)
        self.assertWhole()

    def test_a_chosen_parent_is_kept_to(self):
        self.memory.faults.append(memory.Fault(
            'put', skip=1, prefix='.store/journals/inc/0'))
        self.assertRaises(exceptions.StoreError, self.backup, self.source,
                          'inc', parent='full')
        self.assertRaises(exceptions.StoreObjectExists, self.backup,
                          self.source, 'inc')


class AnyLossTest(store_base.StoreTestCase):

    @hypothesis.settings(deadline=None, max_examples=40)
    @hypothesis.given(
        test_history.STEPS, strategies.sampled_from(['changed', 'hash']),
        strategies.sets(strategies.integers(0, 40)),
        strategies.sets(strategies.integers(0, 40)), strategies.booleans())
    def test_the_next_backup_restores(self, steps, kind, lost, damaged, told):
        history = test_history.History()
        history.write(0, 60)
        history.backup('full', 0)
        for action, *how in steps:
            getattr(history, action)(*how)
        objects = history.memory.objects
        names = [name for name in objects
                 if name.startswith(('.store/chunks/', '.store/segments/'))]
        for number in damaged:
            if told and number < len(names):
                data, when = objects[names[number]]
                objects[names[number]] = (b'x' + data[1:], when)
        if told:
            history.repository.verify(all_bytes=True, set_aside=True)
        for number in lost:
            if number < len(names):
                history.memory.delete(names[number])
        history.backup(kind, 0)
        target = fake_connections.MemoryConnection(history.volume.size)
        last = f'b{history.made}'
        history.repository.restore(last, target, target_is_new=True)
        assert bytes(target.data) == history.images[last]
        report = history.repository.verify(all_bytes=True)
        assert f'daily/{last}' not in report.affected
