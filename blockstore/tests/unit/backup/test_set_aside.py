"""What verify finds damaged is moved away, so that a backup heals it."""

from blockstore import exceptions
from blockstore.backup.stores import memory
from blockstore.tests import fake_connections
from blockstore.tests.unit.backup import heal_base

CHUNK = heal_base.CHUNK
DAMAGED = heal_base.DAMAGED


class SetAsideTest(heal_base.HealTestCase):
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
        moved = self.counting.calls['move']
        report = self.set_aside()
        self.assertEqual(([self.chunk(3)], {}), (list(report.damaged),
                                                 report.set_aside))
        self.assertEqual([], self.names(DAMAGED))
        self.assertEqual(moved, self.counting.calls['move'])
        self.assertWhole()

    def test_the_copy_that_prune_keeps_counts(self):
        name = self.chunk(3)
        doomed = name.replace('.store/', '.store/doomed/')
        self.memory.objects[doomed] = self.memory.objects[name]
        self.damage(name)
        moved = self.counting.calls['move']
        report = self.set_aside()
        self.assertEqual(([name], []), (list(report.set_aside),
                                        report.affected))
        self.assertTrue(self.memory.exists(doomed))
        self.assertEqual(moved + 1, self.counting.calls['move'])
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
