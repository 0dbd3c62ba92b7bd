"""What is particular to the memory driver; the rest is in contract/."""

import threading

from oslotest import base as test_base

from blockstore import errors
from blockstore import exceptions
from blockstore.tests import volume_objects
from blockstore.volume import connections
from blockstore.volume.connections.base import Extent
from blockstore.volume.drivers import base
from blockstore.volume.drivers import memory

KIB = 1 << 10
GIB = 1 << 30
A = {'attachment_id': 'a'}
B = {'attachment_id': 'b'}
BACKUP = {'attachment_id': 'k', 'mode': 'ro', 'purpose': 'backup'}


class MemoryDriverTest(test_base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.addCleanup(memory.forget, self.id())
        self.driver = self.load()
        self.volume = volume_objects.Volume(1)
        self.driver.create_volume(self.volume)

    def load(self, **options):
        return volume_objects.load_driver(
            'memory', memory_pool=self.id(), **options)

    def open(self, connector, writable=True):
        return connections.open_connection(
            self.driver.initialize_connection(self.volume, connector),
            writable=writable)

    def read(self, connection, offset, length):
        buffer = bytearray(length)
        connection.read_into(offset, memoryview(buffer))
        return bytes(buffer)

    def test_all_capabilities_by_default(self):
        self.assertEqual(sorted(base.CAPABILITIES),
                         base.capabilities(self.driver))
        self.assertTrue(self.driver.backup_use_temp_snapshot())

    def test_each_capability_can_be_lacking(self):
        for name, protocol in base.CAPABILITIES.items():
            driver = self.load(memory_lacks=[name])
            self.assertFalse(base.has(driver, protocol), name)
            self.assertEqual(sorted(base.CAPABILITIES.keys() - {name}),
                             base.capabilities(driver))

    def test_lacking_means_the_methods_are_gone(self):
        driver = self.load(memory_lacks=['attaches_snapshots', 'reverts'])
        self.assertFalse(hasattr(driver, 'create_export_snapshot'))
        self.assertFalse(hasattr(driver, 'revert_to_snapshot'))
        self.assertFalse(driver.backup_use_temp_snapshot())
        self.assertRaises(
            exceptions.Unsupported, driver._attach_snapshot, None,
            volume_objects.Snapshot(self.volume), A)

    def test_lacking_everything(self):
        driver = self.load(memory_lacks=list(base.CAPABILITIES))
        self.assertEqual([], base.capabilities(driver))
        driver.create_volume(volume_objects.Volume())

    def test_unknown_capability(self):
        error = self.assertRaises(exceptions.DriverError, self.load,
                                  memory_lacks=['flies'])
        self.assertIn('flies', error.message)
        self.assertIn('stable_reads', error.remedy)

    def test_temp_snapshot_can_be_switched_off(self):
        self.assertFalse(self.load(
            backup_use_temp_snapshot=False).backup_use_temp_snapshot())

    def test_bytes_are_exact_across_blocks(self):
        connection = self.open(A)
        data = bytes(range(256)) * KIB      # 256 KiB
        connection.write(64 * KIB - 7, data)
        self.assertEqual(b'\0' * 7 + data + b'\0' * 7, self.read(
            connection, 64 * KIB - 14, len(data) + 14))
        connection.write_zeroes(64 * KIB - 3, 128 * KIB)
        self.assertEqual(data[:4] + b'\0' * (128 * KIB), self.read(
            connection, 64 * KIB - 7, 128 * KIB + 4))

    def test_extents_are_blocks_cut_to_the_run(self):
        connection = self.open(A)
        connection.write(64 * KIB, b'x')
        connection.write(128 * KIB, b'x')
        connection.write(GIB - 1, b'x')
        self.assertEqual(
            [Extent(64 * KIB, 128 * KIB), Extent(GIB - 64 * KIB, 64 * KIB)],
            list(connection.extents(0, GIB)))
        self.assertEqual([Extent(65 * KIB, 10)],
                         list(connection.extents(65 * KIB, 10)))

    def test_a_snapshot_shares_blocks(self):
        connection = self.open(A)
        connection.write(0, b'x' * 256 * KIB)
        snapshot = volume_objects.Snapshot(self.volume)
        self.driver.create_snapshot(snapshot)
        self.assertEqual(256 * KIB, self.driver.pool.used())
        connection.write(0, b'y')
        self.assertEqual(320 * KIB, self.driver.pool.used())

    def test_a_terminated_connection_ends(self):
        connection = self.open(A)
        self.driver.terminate_connection(self.volume, A)
        self.assertRaises(exceptions.ConnectionFailed, connection.flush)

    def test_read_only_is_not_writable(self):
        connector = {**A, 'mode': 'ro'}
        self.assertRaises(exceptions.ConnectionFailed, self.open, connector)
        connection = self.open(connector, writable=False)
        self.assertRaises(exceptions.ConnectionFailed, connection.write, 0,
                          b'x')

    def test_outside(self):
        connection = self.open(A)
        self.assertRaises(exceptions.ConnectionFailed, connection.write,
                          GIB - 1, b'xx')
        self.assertRaises(exceptions.ConnectionFailed, self.read, connection,
                          -1, 1)

    def test_without_multiattach_the_second_writer_is_refused(self):
        self.driver = self.load(memory_lacks=['multi_attaches'])
        self.open(A)
        self.open(A)
        error = self.assertRaises(exceptions.DriverError, self.open, B)
        self.assertEqual(errors.VOLUME_ATTACHED, error.code)
        self.open(BACKUP, writable=False)

    def test_without_stable_reads_a_backup_sees_writes(self):
        self.driver = self.load(memory_lacks=['stable_reads'])
        reader = self.open(BACKUP, writable=False)
        self.open(A).write(0, b'new')
        self.assertEqual(b'new', self.read(reader, 0, 3))

    def test_without_online_extend(self):
        self.driver = self.load(memory_lacks=['extends_online'])
        self.open(A)
        self.assertRaises(exceptions.DriverError, self.driver.extend_volume,
                          self.volume, 2)
        self.driver.terminate_connection(self.volume, A)
        self.driver.extend_volume(self.volume, 2)

    def test_snapshot_connection_needs_its_export(self):
        snapshot = volume_objects.Snapshot(self.volume)
        self.driver.create_snapshot(snapshot)
        self.assertRaises(
            exceptions.DriverError,
            self.driver.initialize_connection_snapshot, snapshot, A)

    def test_call_log_in_order(self):
        snapshot = volume_objects.Snapshot(self.volume)
        self.driver.create_snapshot(snapshot)
        info = self.driver._attach_snapshot(None, snapshot, A)
        connection = connections.open_connection(info)
        self.read(connection, 0, 1)
        self.read(connection, 1, 1)
        self.driver._detach_snapshot(None, info, snapshot, A)
        self.driver.delete_snapshot(snapshot)
        self.assertEqual(
            ['create_volume', 'create_snapshot', 'create_export_snapshot',
             'initialize_connection_snapshot', 'read',
             'terminate_connection_snapshot', 'remove_export_snapshot',
             'delete_snapshot'], self.driver.pool.called())
        self.assertEqual(snapshot.name, self.driver.calls[-1].target)

    def test_connections_reach_the_pool_of_another_driver(self):
        other = self.load()
        connections.open_connection(
            other.initialize_connection(self.volume, A),
            writable=True).write(0, b'x')
        self.assertEqual(b'x', self.read(self.open(B), 0, 1))

    def test_stats_count_what_is_promised_and_used(self):
        self.driver.create_volume(volume_objects.Volume(3))
        self.open(A).write(0, b'x' * 64 * KIB)
        stats = self.driver.get_volume_stats()
        self.assertEqual(4.0, stats['provisioned_capacity_gb'])
        self.assertEqual(1024 - 64 * KIB / GIB, stats['free_capacity_gb'])


class FaultsTest(test_base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.addCleanup(memory.forget, self.id())
        self.driver = volume_objects.load_driver(
            'memory', memory_pool=self.id())
        self.volume = volume_objects.Volume()

    def exists(self):
        return self.volume.name in self.driver.pool.contents

    def test_before_and_after(self):
        for when, made in (('before', False), ('after', True)):
            self.driver.faults.fail('create_volume', when=when)
            self.assertRaises(exceptions.DriverError,
                              self.driver.create_volume, self.volume)
            self.assertEqual(made, self.exists())
        self.driver.create_volume(self.volume)

    def test_times_and_skip(self):
        self.driver.faults.fail('create_volume', times=2, skip=1)
        outcomes = []
        for _ in range(4):
            try:
                self.driver.create_volume(self.volume)
                outcomes.append('well')
            except exceptions.DriverError:
                outcomes.append('fault')
        self.assertEqual(['well', 'fault', 'fault', 'well'], outcomes)

    def test_own_error(self):
        self.driver.faults.fail('create_volume', error=OSError('gone'))
        self.assertRaises(OSError, self.driver.create_volume, self.volume)

    def test_busy(self):
        self.driver.create_volume(self.volume)
        self.driver.faults.busy('delete_volume')
        self.assertRaises(exceptions.VolumeIsBusy,
                          self.driver.delete_volume, self.volume)
        self.driver.faults.busy('delete_snapshot')
        self.assertRaises(exceptions.SnapshotIsBusy,
                          self.driver.delete_snapshot,
                          volume_objects.Snapshot(self.volume))
        self.assertTrue(self.exists())

    def test_hang_until_told(self):
        go_on = threading.Event()
        self.driver.faults.hang('create_volume', go_on)
        thread = threading.Thread(target=self.driver.create_volume,
                                  args=(self.volume,))
        thread.start()
        thread.join(0.05)
        self.assertTrue(thread.is_alive())
        self.assertFalse(self.exists())
        go_on.set()
        thread.join(5)
        self.assertTrue(self.exists())

    def test_time_out_has_its_effect_later(self):
        self.driver.faults.time_out('create_volume', seconds=0.02)
        self.assertRaises(exceptions.DriverError,
                          self.driver.create_volume, self.volume)
        self.assertFalse(self.exists())
        self.driver.faults.clear()
        self.assertTrue(self.exists())

    def test_reading_fails(self):
        self.driver.create_volume(self.volume)
        connection = connections.open_connection(
            self.driver.initialize_connection(self.volume, A))
        self.driver.faults.fail('read', skip=1)
        buffer = memoryview(bytearray(1))
        connection.read_into(0, buffer)
        self.assertRaises(exceptions.ConnectionFailed, connection.read_into,
                          0, buffer)
