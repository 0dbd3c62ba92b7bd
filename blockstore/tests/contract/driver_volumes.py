"""The driver suite: volumes, set-up and what every call guarantees."""

import concurrent.futures
import contextlib
import json

from blockstore import exceptions
from blockstore.tests import volume_objects
from blockstore.tests.contract import driver_fixture as fixture
from blockstore.volume.drivers import base

_NUMBERS = ('total_capacity_gb', 'free_capacity_gb', 'reserved_percentage',
            'provisioned_capacity_gb', 'max_over_subscription_ratio')
_WORDS = ('volume_backend_name', 'vendor_name', 'driver_version',
          'storage_protocol')
_SWITCHES = ('thin_provisioning_support', 'multiattach',
             'online_extend_support')
KIB, MIB, GIB = fixture.KIB, fixture.MIB, fixture.GIB


class VolumeTests:
    """Create, delete, extend, clone, stats, restart, threads."""

    def test_new_volume_reads_as_zeros(self):
        volume = self.volume(2)
        self.assert_reads(volume, (0, bytes(MIB)), (2 * GIB - KIB, bytes(KIB)))

    def test_bytes_stay(self):
        volume = self.volume()
        runs = [(0, fixture.pattern(1, 5000)),
                (GIB - 4096, fixture.pattern(2, 4096))]
        self.write(volume, *runs)
        self.assert_reads(volume, *runs, (8192, bytes(4096)))

    def test_create_again(self):
        volume = self.volume()
        self.driver.create_volume(volume)
        self.assert_reads(volume, (0, bytes(4096)))

    def test_delete_again_and_of_what_never_was(self):
        volume = self.volume()
        self.driver.delete_volume(volume)
        self.driver.delete_volume(volume)
        self.driver.delete_volume(volume_objects.Volume())

    def test_a_deleted_volume_is_not_there(self):
        volume = self.volume()
        self.write(volume, (0, b'x' * 4096))
        self.driver.delete_volume(volume)
        self.assertRaises(exceptions.BlockstoreError, self.connect, volume)

    def test_a_name_is_free_again(self):
        volume = self.volume()
        self.write(volume, (0, b'x' * 4096))
        self.driver.delete_volume(volume)
        self.driver.create_volume(volume)
        self.assert_reads(volume, (0, bytes(4096)))

    def test_extend(self):
        volume = self.volume()
        data = fixture.pattern(3, 4096)
        self.write(volume, (GIB - 4096, data))
        self.driver.extend_volume(volume, 3)
        volume.size = 3
        self.assert_reads(volume, (GIB - 4096, data), (GIB, bytes(MIB)),
                          (3 * GIB - 4096, bytes(4096)))
        self.write(volume, (3 * GIB - 4096, data))
        self.assert_reads(volume, (3 * GIB - 4096, data))

    def test_extend_again_never_shrinks(self):
        volume = self.volume()
        self.driver.extend_volume(volume, 2)
        self.driver.extend_volume(volume, 2)
        with contextlib.suppress(exceptions.BlockstoreError):
            self.driver.extend_volume(volume, 1)
        volume.size = 2
        self.assert_reads(volume, (GIB, bytes(4096)))

    def test_extend_while_connected(self):
        self.need(base.ExtendsOnline)
        volume = self.volume()
        connector = {'attachment_id': 'a', 'host': 'here'}
        info = self.driver.initialize_connection(volume, connector)
        connection = self.opening(info, True)
        data = fixture.pattern(4, 4096)
        connection.write(0, data)
        connection.flush()
        self.driver.extend_volume(volume, 2)
        # A transport that cannot grow may break; the way in is the same.
        connection.close()
        connection = self.opening(info, True)
        self.assert_bytes(connection, (0, data), (GIB, bytes(4096)),
                          size=2 * GIB)
        connection.write(4096, data)
        connection.flush()
        connection.close()
        self.disconnect(volume)
        volume.size = 2
        self.assert_reads(volume, (0, data), (4096, data),
                          (GIB, bytes(4096)))

    def test_clone(self):
        source = self.volume()
        data, other = fixture.pattern(5, MIB), fixture.pattern(6, MIB)
        self.write(source, (MIB, data))
        clone = self.clone(source, 2)
        self.assert_reads(clone, (0, bytes(4096)), (MIB, data),
                          (GIB, bytes(4096)))
        self.write(source, (MIB, other))
        self.assert_reads(clone, (MIB, data))
        self.write(clone, (0, other))
        self.assert_reads(source, (0, bytes(MIB)), (MIB, other))

    def test_clone_of_a_volume_that_is_connected(self):
        source = self.volume()
        data = fixture.pattern(7, 64 * KIB)
        connection = self.connect(source)
        connection.write(0, data)
        connection.flush()
        clone = self.clone(source)
        connection.write(0, bytes(64 * KIB))
        connection.flush()
        self.assert_reads(clone, (0, data))

    def test_a_clone_outlives_its_source(self):
        source = self.volume()
        data = fixture.pattern(8, 64 * KIB)
        self.write(source, (0, data))
        clone = self.clone(source)
        self.driver.delete_volume(source)
        self.assert_reads(clone, (0, data))

    def test_clone_again(self):
        source = self.volume()
        data = fixture.pattern(9, 4096)
        self.write(source, (0, data))
        clone = self.clone(source)
        self.driver.create_cloned_volume(clone, source)
        self.assert_reads(clone, (0, data))

    def test_clone_of_nothing(self):
        volume = volume_objects.Volume()
        self.assertRaises(exceptions.BlockstoreError,
                          self.driver.create_cloned_volume, volume,
                          volume_objects.Volume())
        self.assertEqual([], self.listed())

    # The back end as a whole.

    def test_stats(self):
        before = self.driver.get_volume_stats(refresh=True)
        for name in _NUMBERS:
            self.assertIsInstance(before[name], (int, float), name)
            self.assertGreaterEqual(before[name], 0, name)
        for name in _WORDS:
            self.assertTrue(before[name], name)
            self.assertIsInstance(before[name], str, name)
        for name in _SWITCHES:
            self.assertIsInstance(before[name], bool, name)
        self.assertEqual(before, json.loads(json.dumps(before)))
        self.volume(2)
        after = self.driver.get_volume_stats(refresh=True)
        self.assertEqual(2, after['provisioned_capacity_gb']
                         - before['provisioned_capacity_gb'])

    def test_stats_agree_with_capabilities(self):
        stats = self.driver.get_volume_stats()
        self.assertEqual(self.can(base.MultiAttaches), stats['multiattach'])
        self.assertEqual(self.can(base.ExtendsOnline),
                         stats['online_extend_support'])

    def test_capabilities_are_complete(self):
        inner = base.innermost(self.driver)
        for name in base.capabilities(self.driver):
            self.assertIsInstance(inner, base.CAPABILITIES[name])

    def test_every_object_has_an_owner(self):
        self.need(base.ListsObjects)
        volume = self.volume()
        self.write(volume, (0, b'x' * 4096))
        snapshot = self.snapshot(volume)
        clone = self.clone(volume)
        child = self.from_snapshot(snapshot)
        self.connect(volume)
        found = self.driver.list_objects()
        self.assertEqual({volume.id, snapshot.id, clone.id, child.id},
                         {one.id for one in found})
        named = {(one.kind, one.id) for one in found}
        for one in (volume, clone, child):
            self.assertIn(('volume', one.id), named)
        self.assertIn(('snapshot', snapshot.id), named)

    def test_restart(self):
        volume = self.volume()
        data = fixture.pattern(10, 4096)
        self.write(volume, (0, data))
        snapshot = self.snapshot(volume)
        self.write(volume, (0, bytes(4096)))
        child = self.from_snapshot(snapshot)
        self.restart()
        self.assert_reads(volume, (0, bytes(4096)))
        self.assert_reads(child, (0, data))
        self.assert_snapshot_reads(snapshot, (0, data))
        self.driver.delete_snapshot(snapshot)
        self.assert_reads(volume, (0, bytes(4096)))
        self.assert_reads(child, (0, data))

    def test_restart_while_connected(self):
        volume = self.volume()
        connection = self.connect(volume)
        data = fixture.pattern(11, 4096)
        connection.write(0, data)
        connection.flush()
        self.restart()
        self.driver.ensure_export(None, volume)
        connection.write(4096, data)
        connection.flush()
        again = self.connect(volume)
        self.assert_bytes(again, (0, data), (4096, data))

    def test_the_book_is_empty_in_the_end(self):
        volume = self.volume()
        snapshot = self.snapshot(volume)
        self.driver.delete_snapshot(snapshot)
        self.driver.delete_volume(volume)
        left = [key for key, document in self.book.items()
                if volume.id in key + json.dumps(document)
                or snapshot.id in key + json.dumps(document)]
        self.assertEqual([], left)

    def test_many_threads(self):
        volumes = [self.owned() for _ in range(6)]

        def live(number):
            volume = volumes[number]
            data = fixture.pattern(number, 4096)
            self.driver.create_volume(volume)
            self.write(volume, (0, data))
            snapshot = self.snapshot(volume)
            self.write(volume, (0, bytes(4096)))
            self.assert_snapshot_reads(snapshot, (0, data))
            self.driver.delete_snapshot(snapshot)
            self.assert_reads(volume, (0, bytes(4096)))
            return number

        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            self.assertEqual(list(range(6)), list(pool.map(live, range(6))))
