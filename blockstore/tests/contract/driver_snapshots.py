"""The driver suite: snapshots, volumes made of them, going back to them."""

import random

from blockstore import exceptions
from blockstore.tests import volume_objects
from blockstore.tests.contract import driver_fixture as fixture
from blockstore.volume.drivers import base

KIB, MIB, GIB = fixture.KIB, fixture.MIB, fixture.GIB
ONE = fixture.pattern('one', 64 * KIB)
TWO = fixture.pattern('two', 64 * KIB)
THREE = fixture.pattern('three', 64 * KIB)


class SnapshotTests:
    """Create, delete, attach; from snapshot; revert; a model."""

    def three_snapshots(self):
        """A volume with a snapshot after each of three writes."""
        volume = self.volume()
        taken = []
        for number, data in enumerate((ONE, TWO, THREE)):
            self.write(volume, (0, data), ((number + 1) * MIB, data))
            taken.append(self.snapshot(volume))
        self.write(volume, (0, bytes(64 * KIB)))
        return volume, taken

    def assert_three(self, volume, taken, left=(0, 1, 2)):
        runs = [[(0, ONE), (MIB, ONE), (2 * MIB, bytes(64 * KIB))],
                [(0, TWO), (MIB, ONE), (2 * MIB, TWO),
                 (3 * MIB, bytes(64 * KIB))],
                [(0, THREE), (MIB, ONE), (2 * MIB, TWO), (3 * MIB, THREE)]]
        for number in left:
            self.assert_snapshot_reads(taken[number], *runs[number])
        self.assert_reads(volume, (0, bytes(64 * KIB)), *runs[2][1:])

    def test_a_snapshot_is_frozen(self):
        volume, taken = self.three_snapshots()
        self.assert_three(volume, taken)

    def test_create_again_keeps_the_first_moment(self):
        volume = self.volume()
        self.write(volume, (0, ONE))
        snapshot = self.snapshot(volume)
        self.write(volume, (0, TWO))
        self.driver.create_snapshot(snapshot)
        self.assert_snapshot_reads(snapshot, (0, ONE))
        self.assert_reads(volume, (0, TWO))

    def test_a_writer_goes_on(self):
        volume = self.volume()
        connection = self.connect(volume)
        connection.write(0, ONE)
        connection.flush()
        snapshot = self.snapshot(volume)
        connection.write(0, TWO)
        connection.flush()
        self.assert_bytes(connection, (0, TWO))
        self.assert_snapshot_reads(snapshot, (0, ONE))
        self.driver.delete_snapshot(snapshot)
        self.assert_bytes(connection, (0, TWO))
        connection.write(64 * KIB, ONE)
        connection.flush()
        self.assert_bytes(connection, (0, TWO), (64 * KIB, ONE))

    def test_snapshot_of_nothing(self):
        snapshot = volume_objects.Snapshot(volume_objects.Volume())
        self.assertRaises(exceptions.BlockstoreError,
                          self.driver.create_snapshot, snapshot)
        self.assertEqual([], self.listed())

    def test_delete_again_and_of_what_never_was(self):
        volume = self.volume()
        snapshot = self.snapshot(volume)
        self.driver.delete_snapshot(snapshot)
        self.driver.delete_snapshot(snapshot)
        self.driver.delete_snapshot(volume_objects.Snapshot(volume))

    def _delete_in_order(self, *order):
        volume, taken = self.three_snapshots()
        left = {0, 1, 2}
        for number in order:
            self.driver.delete_snapshot(taken[number])
            left.discard(number)
            self.assert_three(volume, taken, left)

    def test_delete_oldest_first(self):
        self._delete_in_order(0, 1, 2)

    def test_delete_newest_first(self):
        self._delete_in_order(2, 1, 0)

    def test_delete_the_middle_first(self):
        self._delete_in_order(1, 2, 0)

    def test_snapshot_after_extend(self):
        volume = self.volume()
        self.write(volume, (0, ONE))
        first = self.snapshot(volume)
        self.driver.extend_volume(volume, 2)
        volume.size = 2
        self.write(volume, (GIB, TWO))
        second = self.snapshot(volume)
        self.assert_snapshot_reads(first, (0, ONE))
        self.assert_snapshot_reads(second, (0, ONE), (GIB, TWO))
        self.driver.delete_snapshot(first)
        self.assert_reads(volume, (0, ONE), (GIB, TWO))

    # Volumes made of snapshots.

    def test_volume_from_snapshot(self):
        volume = self.volume()
        self.write(volume, (0, ONE))
        snapshot = self.snapshot(volume)
        self.write(volume, (0, TWO))
        child = self.from_snapshot(snapshot, 2)
        self.assert_reads(child, (0, ONE), (GIB, bytes(4096)))
        self.write(child, (0, THREE), (GIB, THREE))
        self.assert_snapshot_reads(snapshot, (0, ONE))
        self.assert_reads(volume, (0, TWO))
        self.assert_reads(child, (0, THREE), (GIB, THREE))

    def test_volume_from_snapshot_again(self):
        volume = self.volume()
        self.write(volume, (0, ONE))
        snapshot = self.snapshot(volume)
        child = self.from_snapshot(snapshot)
        self.driver.create_volume_from_snapshot(child, snapshot)
        self.assert_reads(child, (0, ONE))

    def test_a_volume_outlives_its_snapshot(self):
        volume = self.volume()
        self.write(volume, (0, ONE))
        snapshot = self.snapshot(volume)
        self.write(volume, (0, TWO))
        child = self.from_snapshot(snapshot)
        self.driver.delete_snapshot(snapshot)
        self.assert_reads(child, (0, ONE))
        self.driver.delete_volume(volume)
        self.assert_reads(child, (0, ONE))

    def test_volume_from_no_snapshot(self):
        volume = self.volume()
        before = self.listed()
        self.assertRaises(
            exceptions.BlockstoreError,
            self.driver.create_volume_from_snapshot, volume_objects.Volume(),
            volume_objects.Snapshot(volume))
        self.assertEqual(before, self.listed())

    # Going back.

    def test_revert(self):
        self.need(base.Reverts)
        volume = self.volume()
        self.write(volume, (0, ONE))
        snapshot = self.snapshot(volume)
        self.write(volume, (0, TWO), (MIB, TWO))
        self.driver.revert_to_snapshot(None, volume, snapshot)
        self.assert_reads(volume, (0, ONE), (MIB, bytes(64 * KIB)))
        self.assert_snapshot_reads(snapshot, (0, ONE))
        self.write(volume, (0, THREE))
        self.driver.revert_to_snapshot(None, volume, snapshot)
        self.assert_reads(volume, (0, ONE))
        self.driver.delete_snapshot(snapshot)
        self.assert_reads(volume, (0, ONE))

    # Connections to snapshots.

    def test_attach_snapshot(self):
        self.need(base.AttachesSnapshots)
        volume = self.volume()
        self.write(volume, (0, ONE))
        snapshot = self.snapshot(volume)
        properties = {'attachment_id': 's', 'host': 'here'}
        info = self.driver._attach_snapshot(None, snapshot, properties)
        self.assertEqual(info, self.driver.initialize_connection_snapshot(
            snapshot, properties))
        connection = self.opening(info)
        connector = {'attachment_id': 't', 'host': 'here'}
        second = self.opening(self.driver.initialize_connection_snapshot(
            snapshot, connector))
        self.driver.terminate_connection_snapshot(snapshot, connector)
        self.driver.terminate_connection_snapshot(snapshot, connector)
        self.assert_ended(second)
        self.assert_bytes(connection, (0, ONE))
        self.driver._detach_snapshot(None, info, snapshot, properties)
        self.driver._detach_snapshot(None, info, snapshot, properties)
        self.assert_ended(connection)

    def test_an_attached_snapshot_is_read_only(self):
        self.need(base.AttachesSnapshots)
        volume = self.volume()
        self.write(volume, (0, ONE))
        snapshot = self.snapshot(volume)
        info = self.driver._attach_snapshot(
            None, snapshot, {'attachment_id': 's', 'host': 'here'})
        try:
            connection = self.opening(info, True)
            connection.write(0, TWO)
            connection.flush()
        except exceptions.ConnectionFailed:
            pass
        else:
            self.fail('a snapshot was written to')
        self.assert_snapshot_reads(snapshot, (0, ONE))

    def test_an_attached_snapshot_while_others_are_deleted(self):
        self.need(base.AttachesSnapshots)
        volume, taken = self.three_snapshots()
        connection = self.attach_snapshot(taken[1])
        writer = self.connect(volume)
        self.driver.delete_snapshot(taken[0])
        self.driver.delete_snapshot(taken[2])
        writer.write(MIB, TWO)
        writer.flush()
        self.assert_bytes(connection, (0, TWO), (MIB, ONE), (2 * MIB, TWO))
        self.assert_bytes(writer, (MIB, TWO), (3 * MIB, THREE))

    # Everything at once, compared with a model.

    def test_a_random_life(self):
        chance = random.Random(20)
        volume = self.volume()
        model = {}
        taken = []      # pairs of a snapshot and its model
        for step in range(18):
            action = chance.choice(('write', 'write', 'snapshot', 'delete'))
            if action == 'write':
                runs = [(chance.randrange(64) * 32 * KIB,
                         fixture.pattern(f'{step}-{number}', 32 * KIB))
                        for number in range(3)]
                self.write(volume, *runs)
                model.update(runs)
            elif action == 'delete' and taken:
                gone, _ = taken.pop(chance.randrange(len(taken)))
                self.driver.delete_snapshot(gone)
            else:
                taken.append((self.snapshot(volume), dict(model)))
        self.assertNotEqual([], taken)
        self.assert_reads(volume, *model.items())
        for snapshot, frozen in taken:
            self.assert_snapshot_reads(snapshot, *frozen.items())
