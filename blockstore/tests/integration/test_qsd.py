"""The life of a volume on real storage daemons, under a writer."""

import os
import signal

import fixtures

from blockstore import exceptions
from blockstore.tests.integration import qsd_fixtures
from blockstore.tests.integration.qsd_fixtures import snapshot
from blockstore.tests.integration.qsd_fixtures import volume
from blockstore.volume.drivers.qsd import images
from blockstore.volume.drivers.qsd import recovery

GIB = 1 << 30
MIB = 1 << 20


class LifeTestCase(qsd_fixtures.TestCase):

    def setUp(self):
        super().setUp()
        self.volume = volume()
        self.driver.create_volume(self.volume)

    def write(self, connection, entries):
        """Put stamps on blocks, durably; returns what a reader must see."""
        for index, number in entries.items():
            connection.write(index * qsd_fixtures.BLOCK,
                             qsd_fixtures.stamp(number))
        connection.flush()

    def start_writer(self):
        info = self.driver.initialize_connection(
            self.volume, {'attachment_id': 'guest'})
        writer = qsd_fixtures.Writer(info)
        self.addCleanup(writer.finish)
        return writer

    def test_a_new_volume_reads_as_zeros(self):
        connection = self.attach(self.volume)
        self.assertEqual(GIB, connection.size)
        self.assertEqual([], list(connection.extents(0, GIB)))
        self.assertEqual(bytes(MIB),
                         qsd_fixtures.read(connection, GIB - MIB, MIB))

    def test_same_connector_same_answer(self):
        first = self.driver.initialize_connection(self.volume, {'host': 'h'})
        again = self.driver.initialize_connection(self.volume, {'host': 'h'})
        other = self.driver.initialize_connection(self.volume, {'host': 'i'})
        self.assertEqual(first, again)
        self.assertNotEqual(first['data']['export'], other['data']['export'])
        self.driver.terminate_connection(self.volume, {'host': 'h'})
        self.driver.terminate_connection(self.volume, {'host': 'h'})
        self.assertTrue(self.daemon_runs(self.volume))
        self.assertRaises(exceptions.VolumeIsBusy, self.driver.delete_volume,
                          self.volume)
        self.driver.terminate_connection(self.volume, None)
        self.assertFalse(self.daemon_runs(self.volume))

    def test_read_only_connections_refuse_writes(self):
        connection = self.attach(self.volume, mode='ro')
        self.assertRaises(exceptions.ConnectionFailed, connection.write, 0,
                          b'x' * 512)

    def test_snapshots_under_a_writer_are_prefixes_of_its_log(self):
        writer = self.start_writer()
        taken = []
        for _round in range(5):
            writer.run_for(80)
            before = len(writer.log)
            taken.append((before, snapshot(self.volume)))
            self.driver.create_snapshot(taken[-1][1])
            self.driver.create_snapshot(taken[-1][1])
        writer.run_for(50)
        for before, made in taken:
            count = qsd_fixtures.prefix_of(writer.log,
                                           self.snapshot_content(made))
            self.assertIsNotNone(count)
            self.assertGreaterEqual(count, before)
        writer.finish()
        self.assertEqual(qsd_fixtures.state_after(writer.log,
                                                  len(writer.log)),
                         self.content(self.volume))

    def test_delete_oldest_middle_and_newest_under_a_writer(self):
        writer = self.start_writer()
        taken = {}
        for _round in range(5):
            made = snapshot(self.volume)
            writer.run_for(60)
            self.driver.create_snapshot(made)
            taken[made.id] = made, self.snapshot_content(made)
        for position in (0, 1, -1):
            gone, _content = taken.pop(list(taken)[position])
            self.driver.delete_snapshot(gone)
            self.driver.delete_snapshot(gone)
            writer.run_for(40)
            for made, content in taken.values():
                self.assertEqual(content, self.snapshot_content(made))
        self.assertTrue(self.driver.wait_until_idle())
        # Two snapshots, the active layer, and the pad of the newest's merge.
        self.assertLessEqual(len(self.layer_files()), 4)
        writer.finish()
        final = qsd_fixtures.state_after(writer.log, len(writer.log))
        self.assertEqual(final, self.content(self.volume))
        self.driver.terminate_connection(self.volume, None)
        for made, _content in taken.values():
            self.driver.delete_snapshot(made)
        self.assertTrue(self.driver.wait_until_idle())
        self.assertEqual(1, len(self.layer_files()))
        self.assertEqual(final, self.content(self.volume))
        self.check_images()
        self.assertEqual(0, writer.reconnects)

    def test_extend_online(self):
        writer = self.start_writer()
        writer.run_for(50)
        self.driver.extend_volume(self.volume, 2)
        self.driver.extend_volume(self.volume, 2)
        writer.run_for(50)
        writer.finish()
        connection = self.attach(self.volume)
        self.assertEqual(2 * GIB, connection.size)
        self.assertEqual(bytes(MIB),
                         qsd_fixtures.read(connection, 2 * GIB - MIB, MIB))
        self.assertRaises(exceptions.DriverError, self.driver.extend_volume,
                          self.volume, 1)

    def test_extend_detached_leaves_no_daemon(self):
        self.driver.extend_volume(self.volume, 3)
        self.assertFalse(self.daemon_runs(self.volume))
        self.assertEqual(3 * GIB, self.attach(self.volume).size)

    def test_clones_live_without_their_source(self):
        connection = self.attach(self.volume)
        self.write(connection, {1: 1, 2: 2})
        made, from_volume = snapshot(self.volume), volume()
        self.driver.create_snapshot(made)
        self.write(connection, {2: 3})
        self.driver.create_cloned_volume(from_volume, self.volume)
        self.driver.create_cloned_volume(from_volume, self.volume)
        from_snapshot = volume(2)
        self.driver.create_volume_from_snapshot(from_snapshot, made)
        self.assertEqual({1: 1, 2: 3}, self.content(from_volume))
        clone = self.attach(from_snapshot)
        self.assertEqual(2 * GIB, clone.size)
        self.write(clone, {1: 9})
        self.assertEqual({1: 1, 2: 2}, self.snapshot_content(made))
        self.assertEqual({1: 1, 2: 3}, self.content(self.volume))
        self.assertRaises(exceptions.VolumeIsBusy, self.driver.delete_volume,
                          self.volume)
        self.driver.delete_snapshot(made)
        self.driver.terminate_connection(self.volume, None)
        self.driver.delete_volume(self.volume)
        self.driver.delete_volume(self.volume)
        self.assertEqual({1: 9, 2: 2}, self.content(from_snapshot))
        self.assertEqual({1: 1, 2: 3}, self.content(from_volume))
        self.driver.terminate_connection(from_snapshot, None)
        self.driver.delete_volume(from_snapshot)
        self.assertTrue(self.driver.wait_until_idle())
        self.assertEqual({1: 1, 2: 3}, self.content(from_volume))
        self.driver.delete_volume(from_volume)
        self.assertEqual([], self.layer_files())

    def test_revert_keeps_size_and_other_snapshots(self):
        connection = self.attach(self.volume)
        self.write(connection, {1: 1})
        old, new = snapshot(self.volume), snapshot(self.volume)
        self.driver.create_snapshot(old)
        self.write(connection, {1: 2, 5: 5})
        self.driver.create_snapshot(new)
        self.write(connection, {1: 3})
        self.assertRaises(exceptions.VolumeIsBusy,
                          self.driver.revert_to_snapshot, None, self.volume,
                          old)
        self.driver.extend_volume(self.volume, 2)
        self.driver.terminate_connection(self.volume, None)
        self.driver.revert_to_snapshot(None, self.volume, old)
        self.assertEqual({1: 1}, self.content(self.volume))
        self.assertEqual({1: 2, 5: 5}, self.snapshot_content(new))
        self.assertEqual(2 * GIB, self.attach(self.volume).size)
        self.driver.terminate_connection(self.volume, None)
        self.driver.delete_snapshot(new)
        self.driver.delete_snapshot(old)
        self.assertTrue(self.driver.wait_until_idle())
        self.assertEqual(1, len(self.layer_files()))
        self.assertEqual({1: 1}, self.content(self.volume))

    def test_backup_reads_stand_still_while_everything_goes_on(self):
        connection = self.attach(self.volume)
        self.write(connection, {1: 1, 2: 2})
        connection.close()
        self.driver.terminate_connection(self.volume, None)
        wanted = {'host': 'backup', 'mode': 'ro', 'purpose': 'backup'}
        info = self.driver.initialize_connection(self.volume, wanted)
        self.assertEqual(info, self.driver.initialize_connection(
            self.volume, wanted))
        backup = self.open(info)
        writer = self.start_writer()
        writer.run_for(100)
        made, clone = snapshot(self.volume), volume(2)
        self.driver.create_snapshot(made)
        self.driver.extend_volume(self.volume, 2)
        self.driver.create_cloned_volume(clone, self.volume)
        self.driver.delete_volume(clone)
        self.driver.delete_snapshot(made)
        writer.run_for(100)
        self.assertEqual({1: 1, 2: 2}, qsd_fixtures.stamps(backup))
        self.assertEqual(
            info, self.driver.initialize_connection(self.volume, wanted))
        writer.finish()
        final = {1: 1, 2: 2}
        for index, _zero in writer.log:
            final.pop(index, None)
        final.update(qsd_fixtures.state_after(writer.log, len(writer.log)))
        self.driver.terminate_connection(self.volume,
                                         {'attachment_id': 'guest'})
        self.assertEqual({1: 1, 2: 2}, qsd_fixtures.stamps(backup))
        self.driver.terminate_connection(self.volume, wanted)
        self.assertTrue(self.driver.wait_until_idle())
        self.assertEqual(1, len(self.layer_files()))
        self.assertEqual(final, self.content(self.volume))

    def test_backup_reads_of_a_volume_being_written(self):
        writer = self.start_writer()
        writer.run_for(100)
        info = self.driver.initialize_connection(
            self.volume, {'host': 'b', 'mode': 'ro', 'purpose': 'backup'})
        backup = self.open(info)
        first = qsd_fixtures.stamps(backup)
        writer.run_for(100)
        self.assertEqual(first, qsd_fixtures.stamps(backup))
        self.assertIsNotNone(qsd_fixtures.prefix_of(writer.log, first))

    def test_delete_of_a_snapshot_being_read_is_refused(self):
        made = snapshot(self.volume)
        self.driver.create_snapshot(made)
        with self.reading(made):
            self.assertRaises(exceptions.SnapshotIsBusy,
                              self.driver.delete_snapshot, made)
        self.driver.delete_snapshot(made)

    def test_everything_has_an_owner(self):
        connection = self.attach(self.volume)
        self.write(connection, {1: 1})
        made = snapshot(self.volume)
        self.driver.create_snapshot(made)
        with self.reading(made):
            found = list(self.driver.list_objects())
        kinds = {}
        for item in found:
            kinds.setdefault(item.kind, []).append(item.id)
        self.assertEqual([self.volume.id] * 2, kinds['file'])
        self.assertCountEqual([self.volume.id, made.id], kinds['process'])
        self.assertEqual([self.volume.id, made.id], kinds['export'])
        self.assertEqual([made.id], kinds['snapshot'])

    def test_what_failed_leaves_nothing_and_may_be_repeated(self):
        connection = self.attach(self.volume)
        self.write(connection, {1: 1})
        made, copy, other = snapshot(self.volume), volume(), volume()
        calls = ((self.driver.create_snapshot, made),
                 (self.driver.create_volume, other),
                 (self.driver.create_cloned_volume, copy, self.volume))
        before = list(self.book.items())
        for call, *arguments in calls:
            with fixtures.MonkeyPatch(
                    'blockstore.volume.drivers.qsd.qcow2.create',
                    self._full):
                self.assertRaises(exceptions.DriverError, call, *arguments)
            self.assertEqual(1, len(self.layer_files()))
        for (key, old), (same, new) in zip(before, self.book.items(),
                                           strict=True):
            self.assertEqual((key, {**old, 'seq': 0}),
                             (same, {**new, 'seq': 0}))
        for call, *arguments in calls:
            call(*arguments)
        self.assertEqual({1: 1}, self.snapshot_content(made))
        self.assertEqual({1: 1}, self.content(copy))
        self.assertEqual({}, self.content(other))

    def test_a_sweep_spares_a_layer_that_is_made_meanwhile(self):
        backend, listed = self.driver._backend, images.Images.names

        def names(where):
            self.driver.create_snapshot(snapshot(self.volume))
            return listed(where)

        with fixtures.MonkeyPatch(
                'blockstore.volume.drivers.qsd.images.Images.names', names):
            recovery.recover_all(backend)
        self.driver.wait_until_idle()
        self.assertEqual({}, self.content(self.volume))

    @staticmethod
    def _full(path, *arguments, **options):
        with open(path, 'wb') as target:
            target.write(b'QFI')
        raise OSError('No space left on device')

    def test_a_foreign_backing_name_is_never_followed(self):
        made = snapshot(self.volume)
        self.driver.create_snapshot(made)
        secret = os.path.join(self.directory, 'secret')
        with open(secret, 'wb') as target:
            target.write(b's' * MIB)
        active = self.driver.local_path(self.volume)
        backend = self.driver._backend
        backend.images.run('rebase', '-u', '-f', 'qcow2', '-F', 'raw', '-b',
                           secret, active)
        self.assertRaises(exceptions.DriverError,
                          self.driver.initialize_connection, self.volume,
                          {'host': 'h'})
        self.assertFalse(self.daemon_runs(self.volume))


class SubclusterLifeTestCase(LifeTestCase):
    """The same life on images with subclusters."""

    options = {'qsd_extended_l2': True, 'qsd_cache_direct': 'off'}


class HungDaemonTestCase(qsd_fixtures.TestCase):

    options = {'qsd_qmp_timeout': 1.0}

    def test_a_hung_daemon_is_an_error_and_then_none(self):
        of, made = volume(), snapshot(volume())
        made.volume_id = of.id
        self.driver.create_volume(of)
        connection = self.attach(of)
        connection.write(0, qsd_fixtures.stamp(1))
        connection.flush()
        pid = self.driver._backend.daemon(of.id).pid()
        os.kill(pid, signal.SIGSTOP)
        try:
            self.assertRaises(exceptions.DriverError,
                              self.driver.create_snapshot, made)
        finally:
            os.kill(pid, signal.SIGCONT)
        self.driver.create_snapshot(made)
        connection.write(0, qsd_fixtures.stamp(2))
        connection.flush()
        self.assertEqual({0: 1}, self.snapshot_content(made))
        self.assertEqual({0: 2}, self.content(of))
        self.assertEqual(2, len(self.layer_files()))
