"""What the store has lost or spoilt is stored again by the next backup."""

import threading

import hypothesis
from hypothesis import strategies

from blockstore import exceptions
from blockstore.backup.store import presence
from blockstore.backup.stores import memory
from blockstore.tests import fake_connections
from blockstore.tests.unit.backup import store_base
from blockstore.tests.unit.backup import test_history
from blockstore.volume.connections import base as connections

CHUNK = store_base.CHUNK
DAMAGED = '.store/damaged/'


class HealTestCase(store_base.StoreTestCase):
    """One backup, ``full``, of a volume of 20 chunks."""

    def setUp(self):
        super().setUp()
        self.source = self.volume(20)
        self.backup(self.source, 'full')
        self.before = bytes(self.source.data)
        self.source.reads.clear()

    def chunk(self, index):
        """Name the object of a chunk of the source as it is now."""
        digest = self.repository.chunks.hash(
            bytes(self.source.data[index * CHUNK:(index + 1) * CHUNK]))
        return f'.store/chunks/{digest.hex()[:2]}/{digest.hex()}'

    def segment(self, number):
        """Name a segment of the backup ``full``."""
        segments = self.repository.manifest('full').segments
        digest = segments[number * 32:(number + 1) * 32].hex()
        return f'.store/segments/{digest[:2]}/{digest}'

    def damage(self, name):
        """Flip a bit; return the bytes that are there now."""
        data, when = self.memory.objects[name]
        spoilt = data[:-1] + bytes([data[-1] ^ 1])
        self.memory.objects[name] = (spoilt, when)
        return spoilt

    def assertWhole(self):
        """All bytes of all backups are there, and every backup restores."""
        report = self.repository.verify(all_bytes=True)
        self.assertTrue(report.ok, report)
        self.assertRestores('full', self.before)

    def set_aside(self):
        return self.repository.verify(all_bytes=True, set_aside=True)


class SetAsideTest(HealTestCase):
    """verify(set_aside=True)."""

    def test_only_when_told(self):
        self.damage(self.chunk(7))
        before = self.names()
        report = self.repository.verify(all_bytes=True)
        self.assertEqual({}, report.set_aside)
        self.assertEqual(before, self.names())

    def test_a_whole_store_is_left_alone(self):
        before = dict(self.memory.objects)
        self.assertTrue(self.set_aside().ok)
        self.assertEqual(before, self.memory.objects)

    def test_a_damaged_chunk_is_moved_and_told_of(self):
        self.backup(self.source, 'other')
        self.backup(self.volume(2), 'apart')
        name = self.chunk(7)
        spoilt = self.damage(name)
        report = self.set_aside()
        moved = self.names(DAMAGED)
        self.assertEqual({name: moved[0]}, report.set_aside)
        self.assertEqual(1, len(moved))
        self.assertTrue(moved[0].startswith(
            name.replace('.store/', DAMAGED) + '.'))
        self.assertEqual(spoilt, self.memory.get(moved[0]))
        self.assertFalse(self.memory.exists(name))
        self.assertEqual(([name], [], ['daily/full', 'daily/other']), (
            list(report.damaged), report.missing, report.affected))
        self.assertFalse(report.ok)
        again = self.set_aside()
        self.assertEqual(([name], {}, {}), (
            again.missing, again.damaged, again.set_aside))
        self.assertEqual(moved, self.names(DAMAGED))

    def test_what_is_in_an_image_twice_is_moved_once(self):
        source = self.volume(1)
        source.data = bytearray(bytes(source.data) * 8)
        source.allocated = set(range(8 * CHUNK // fake_connections.GRAIN))
        self.backup(source, 'twice')
        self.source = source
        self.damage(self.chunk(0))
        report = self.set_aside()
        self.assertEqual(([self.chunk(0)], []), (list(report.set_aside),
                                                 report.missing))
        self.assertEqual(1, len(self.names(DAMAGED)))

    def test_the_next_full_backup_heals_all(self):
        name = self.chunk(7)
        self.damage(name)
        self.set_aside()
        summary = self.backup(self.source, 'next')
        self.assertEqual(1, summary.progress.chunks_written)
        self.assertTrue(self.memory.exists(name))
        self.assertRestores('next', self.source.data)
        self.assertWhole()

    def test_without_setting_aside_nothing_heals(self):
        self.damage(self.chunk(7))
        self.backup(self.source, 'next')
        self.assertEqual(['daily/full', 'daily/next'],
                         self.repository.verify(all_bytes=True).affected)

    def test_a_segment_is_healed_by_an_incremental(self):
        name = self.segment(2)
        spoilt = self.damage(name)
        report = self.repository.verify(set_aside=True)
        self.assertEqual([name], list(report.set_aside))
        self.assertEqual(['daily/full'], report.affected)
        self.assertEqual([spoilt], [self.memory.get(found)
                                    for found in self.names(DAMAGED)])
        self.backup(self.source, 'next', parent='full', changed=[])
        self.assertTrue(self.memory.exists(name))
        self.assertWhole()

    def test_damaged_twice(self):
        for turn in (1, 2):
            self.damage(self.chunk(7))
            self.set_aside()
            self.backup(self.source, f'next{turn}')
            self.assertEqual(turn, len(self.names(DAMAGED)))
        self.assertWhole()

    def test_manifests_and_unreadable_objects_stay(self):
        self.damage('daily/full')
        self.assertEqual({}, self.set_aside().set_aside)
        self.assertTrue(self.memory.exists('daily/full'))

    def test_a_failing_disk_is_no_damage(self):
        self.memory.faults.append(memory.Fault(
            'get', times=99, prefix=self.chunk(3)))
        report = self.set_aside()
        self.assertEqual(([self.chunk(3)], {}), (list(report.damaged),
                                                 report.set_aside))
        self.assertTrue(self.memory.exists(self.chunk(3)))

    def test_what_is_good_at_the_second_look_stays(self):
        self.memory.faults.append(memory.Fault(
            'get', 'damage', prefix=self.chunk(3)))
        report = self.set_aside()
        self.assertEqual(([self.chunk(3)], {}), (list(report.damaged),
                                                 report.set_aside))
        self.assertEqual([], self.names(DAMAGED))
        self.assertEqual(0, self.counting.calls['move'])
        self.assertWhole()

    def test_the_copy_that_prune_keeps_counts(self):
        name = self.chunk(3)
        doomed = name.replace('.store/', '.store/doomed/')
        self.memory.objects[doomed] = self.memory.objects[name]
        self.damage(name)
        report = self.set_aside()
        self.assertEqual(([name], []), (list(report.set_aside),
                                        report.affected))
        self.assertTrue(self.memory.exists(doomed))
        self.assertEqual(1, self.counting.calls['move'])
        self.assertWhole()

    def test_what_prune_keeps_is_damaged(self):
        name = self.chunk(3)
        doomed = name.replace('.store/', '.store/doomed/')
        self.memory.move(name, doomed)
        self.damage(doomed)
        self.assertEqual([name], list(self.set_aside().set_aside))
        self.assertFalse(self.memory.exists(doomed))
        self.backup(self.source, 'inc', parent='full', changed=[])
        self.assertWhole()

    def test_stored_again_between_look_and_move(self):
        name = self.chunk(3)
        good = self.memory.objects[name]
        self.damage(name)
        original = self.memory.move

        def move(old, new):
            self.memory.move = original
            self.memory.objects[name] = good
            original(old, new)

        self.memory.move = move
        self.assertEqual({}, self.set_aside().set_aside)
        self.assertEqual([], self.names(DAMAGED))
        self.assertWhole()

    def test_what_nothing_reaches_is_not_reused_either(self):
        self.repository.delete('full')
        names = sorted([self.chunk(3), self.names('.store/segments/')[0]])
        for name in names:
            self.damage(name)
        self.assertEqual({}, self.repository.verify(all_bytes=True).set_aside)
        self.assertEqual([], self.names(DAMAGED))
        self.assertEqual(names[1:], list(self.repository.verify(
            set_aside=True).set_aside))
        report = self.set_aside()
        self.assertEqual((True, names[:1]), (report.ok,
                                             list(report.set_aside)))
        self.backup(self.source, 'full')
        self.assertWhole()

    def test_prune_leaves_it_alone(self):
        self.damage(self.chunk(3))
        self.set_aside()
        moved = self.names(DAMAGED)
        self.assertEqual(0, self.repository.verify().orphans)
        self.repository.delete('full')
        for _ in range(2):
            self.repository.prune(0)
        self.assertEqual(['.store/config', *moved], self.names())
        self.assertEqual(0, self.repository.verify().orphans)

    def test_prune_waits_for_a_lost_segment(self):
        self.damage(self.segment(1))
        self.repository.verify(set_aside=True)
        self.assertRaises(exceptions.StoreObjectDamaged,
                          self.repository.prune, 0)
        self.backup(self.source, 'next')
        self.repository.prune(0)
        self.assertWhole()


class LostTest(HealTestCase):
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
        self.memory.faults.append(memory.Fault(
            'put', skip=9, times=999, prefix='.store/chunks'))
        self.assertRaises(exceptions.StoreError, self.backup, self.source,
                          'inc', parent='full', changed=changed)
        self.memory.faults.clear()
        recorded = sum(int(name.rsplit('-', 1)[1], 16)
                       for name in self.names('.store/journals/inc/0'))
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


class ParentTest(HealTestCase):
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
