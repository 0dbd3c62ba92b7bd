"""Backups are made, continued, restored and listed."""

import dataclasses
import os

import fixtures

from blockstore import errors
from blockstore import exceptions
from blockstore.backup.store import manifest
from blockstore.backup.store import repository
from blockstore.backup.stores import memory
from blockstore.tests import fake_connections
from blockstore.tests.unit.backup import store_base
from blockstore.volume.connections import base as connections

CHUNK = store_base.CHUNK


class Cut(Exception):
    """Ends a backup from inside."""


class BackupTest(store_base.StoreTestCase):

    def test_full(self):
        volume = self.volume(10, extra=512)
        summary = self.backup(volume, 'b')
        self.assertEqual(volume.size, volume.bytes_read)
        self.assertEqual((11, 11, 0), (
            summary.record.chunks, summary.record.data_chunks,
            summary.record.zero_chunks))
        self.assertEqual(11, summary.progress.chunks_written)
        self.assertRestores('b', volume.data)
        self.assertRestores('b', volume.data, new=False)
        self.assertEqual([], self.names('.store/journals/'))

    def test_empty_volume(self):
        volume = self.volume(9, fill=False)
        self.backup(volume, 'b')
        self.assertEqual(0, volume.bytes_read)
        self.assertEqual([], self.names('.store/chunks/'))
        target = self.assertRestores('b', volume.data)
        self.assertEqual(0, target.bytes_zeroed)
        target = self.assertRestores('b', volume.data, new=False)
        self.assertEqual(volume.size, target.bytes_zeroed)

    def test_volume_of_no_bytes(self):
        self.backup(self.volume(0), 'b')
        self.assertRestores('b', b'')

    def test_only_allocated_bytes_are_read(self):
        volume = self.volume(12, fill=False)
        volume.write(CHUNK * 3 + 8192, b'x' * 4096)
        volume.write(CHUNK * 7, bytes(4096))
        summary = self.backup(volume, 'b')
        self.assertEqual([(CHUNK * 3 + 8192, 4096), (CHUNK * 7, 4096)],
                         volume.reads)
        self.assertEqual(1, summary.record.data_chunks)
        self.assertRestores('b', volume.data)

    def test_zero_extents_are_not_read(self):
        volume = self.volume(4)
        volume.data[CHUNK:2 * CHUNK] = bytes(CHUNK)
        self.repository.backup(
            volume, store_base.header('b'),
            extents=[connections.Extent(0, CHUNK),
                     connections.Extent(CHUNK, CHUNK, zero=True),
                     connections.Extent(2 * CHUNK, 2 * CHUNK)])
        self.assertEqual(3 * CHUNK, volume.bytes_read)
        self.assertRestores('b', volume.data)

    def test_equal_chunks_are_stored_once(self):
        volume = self.volume(1)
        volume.data = bytearray(bytes(volume.data) * 8)
        volume.allocated = set(range(8 * CHUNK // fake_connections.GRAIN))
        self.backup(volume, 'b')
        self.assertEqual(1, len(self.names('.store/chunks/')))
        self.assertRestores('b', volume.data)

    def test_the_same_image_is_the_same_manifest(self):
        volume = self.volume(3)
        made = store_base.header('b')
        self.backup(volume, 'b', header=made)
        first = self.memory.get('daily/b')
        self.repository.delete('b')
        self.backup(volume, 'b', header=made)
        self.assertEqual(first, self.memory.get('daily/b'))

    def test_again_after_the_commit(self):
        volume = self.volume(3)
        first = self.backup(volume, 'b')
        again = self.backup(volume, 'b')
        self.assertEqual(first.record, again.record)
        self.assertEqual(3 * CHUNK, volume.bytes_read)

    def test_an_id_that_is_taken(self):
        self.backup(self.volume(3), 'b')
        self.assertRaises(exceptions.StoreObjectExists, self.backup,
                          self.volume(4), 'b')
        self.assertRaises(exceptions.StoreObjectExists, self.backup,
                          self.volume(3), 'b',
                          header=store_base.header('b', name='other'))

    def test_progress_and_check(self):
        self.repository.settings = dataclasses.replace(
            store_base.SMALL, workers=1)
        told, asked = [], []
        volume = self.volume(10)
        summary = self.backup(volume, 'b', progress=told.append,
                              check=lambda: asked.append(1))
        self.assertEqual(summary.progress.bytes_done, told[-1].bytes_done)
        self.assertEqual(volume.size, told[-1].bytes_total)
        self.assertTrue(asked)

    def test_check_ends_a_slow_backup(self):
        self.memory.faults.append(memory.Fault(
            'put', 'slow', prefix='.store/chunks', seconds=1.5, times=99))
        asked = []

        def check():
            asked.append(1)
            if len(asked) > 2:
                raise exceptions.Cancelled('enough')

        self.assertRaises(exceptions.Cancelled, self.backup,
                          self.volume(10), 'b', check=check)
        self.assertEqual([], self.names('daily/'))

    def test_a_file_systems_own_snapshots_are_no_backups(self):
        self.backup(self.volume(1), 'b')
        self.memory.put('.snapshot/daily/old', [b'manifest'])
        self.memory.put('.zfs/daily/old', [b'manifest'])
        self.memory.put('README', [b'what is this'])
        self.assertEqual(['b'], [record.id for record in
                                 self.repository.catalogue()])
        self.assertTrue(self.repository.verify().ok)

    def test_errors_of_the_source_come_through(self):
        volume = self.volume(40)
        original = volume.read_into

        def read_into(offset, buffer):
            if offset >= 20 * CHUNK:
                raise exceptions.ConnectionFailed('the volume is gone')
            original(offset, buffer)

        volume.read_into = read_into
        self.assertRaises(exceptions.ConnectionFailed, self.backup, volume,
                          'b')

    def test_errors_of_the_store_come_through(self):
        self.memory.faults.append(memory.Fault(
            'put', skip=5, prefix='.store/chunks'))
        self.assertRaises(exceptions.StoreError, self.backup,
                          self.volume(40), 'b')
        self.assertEqual([], self.names('daily/'))

    def test_containers(self):
        volume = self.volume(1)
        for number, name in enumerate(['daily', '.store', 'a/b', 'ä b~', '-',
                                       '%2E', 'x' * 255]):
            self.backup(volume, f'b{number}', header=store_base.header(
                f'b{number}', name))
            self.assertEqual(name, self.repository.manifest(
                f'b{number}').header.container)
        self.assertIn('daily/b0', self.names())
        self.assertEqual({f'b{number}' for number in range(7)},
                         {record.id for record in
                          self.repository.catalogue()})
        for name in ('', 'x' * 256):
            self.assertRaises(exceptions.Invalid, self.backup, volume, 'b',
                              header=store_base.header('b', name))


class IncrementalTest(store_base.StoreTestCase):

    def setUp(self):
        super().setUp()
        self.source = self.volume(20, extra=4096)
        self.backup(self.source, 'full')
        self.source.reads.clear()

    def test_by_changes_reads_only_those(self):
        before = bytes(self.source.data)
        changed = self.scribble(self.source, 3, 4, 50, 319)
        summary = self.backup(self.source, 'inc', parent='full',
                              changed=changed)
        self.assertEqual(4 * 4096, self.source.bytes_read)
        self.assertEqual((3, 18), (summary.progress.chunks_written,
                                   summary.progress.chunks_reused))
        self.assertEqual('full', summary.record.parent_id)
        self.assertRestores('inc', self.source.data)
        self.assertRestores('full', before)

    def test_by_hash(self):
        self.scribble(self.source, 3, 4, 50)
        summary = self.backup(self.source, 'inc', parent='full')
        self.assertEqual(2, summary.progress.chunks_written)
        self.assertRestores('inc', self.source.data)

    def test_nothing_changed(self):
        calls = self.counting.calls['put']
        self.backup(self.source, 'inc', parent='full', changed=[])
        self.assertEqual(0, self.source.bytes_read)
        # Two journal objects for 21 chunks, four to a segment, and so on;
        # but no chunk and no segment.
        self.assertGreaterEqual(calls + 9, self.counting.calls['put'])
        self.assertRestores('inc', self.source.data)

    def test_discarded_bytes(self):
        self.source.write_zeroes(CHUNK, CHUNK // 2)
        self.source.write_zeroes(4 * CHUNK, CHUNK)
        self.backup(self.source, 'inc', parent='full', changed=[
            connections.Extent(CHUNK, CHUNK // 2),
            connections.Extent(4 * CHUNK, CHUNK, zero=True)])
        self.assertEqual(0, self.source.bytes_read)
        self.assertRestores('inc', self.source.data)

    def test_extended_volume(self):
        grown = self.volume(30, fill=False)
        grown.write(0, bytes(self.source.data))
        changed = self.scribble(grown, 25 * 16)
        self.backup(grown, 'inc', parent='full', changed=changed)
        self.assertEqual(4096, grown.bytes_read)
        self.assertRestores('inc', grown.data)

    def test_shrunk_volume(self):
        less = self.volume(3, extra=100)
        less.write(0, bytes(self.source.data[:less.size]))
        self.backup(less, 'inc', parent='full', changed=[])
        self.assertEqual(0, less.bytes_read)
        self.assertRestores('inc', less.data)

    def test_no_such_parent(self):
        error = self.assertRaises(
            exceptions.StoreObjectMissing, self.backup, self.source, 'inc',
            parent='never', changed=[])
        self.assertEqual(errors.BACKUP_NO_PARENT, error.code)
        self.assertEqual([], self.names('.store/journals/'))

    def test_changes_without_parent(self):
        self.assertRaises(exceptions.Invalid, self.backup, self.source,
                          'inc', changed=[])

    def test_parent_deleted_before_it_is_pinned(self):
        original = self.memory.put

        def put(name, parts):
            if name.endswith('/start'):
                self.memory.delete('daily/full')
            original(name, parts)

        self.memory.put = put
        error = self.assertRaises(
            exceptions.StoreObjectMissing, self.backup, self.source, 'inc',
            parent='full', changed=[])
        self.assertEqual(errors.BACKUP_NO_PARENT, error.code)
        self.assertEqual([], self.names('.store/journals/'))

    def test_parent_deleted_in_the_middle(self):
        changed = self.scribble(self.source, 1, 200)

        def extents():
            self.repository.delete('full')
            self.repository.prune(0)
            self.repository.prune(0)
            yield from self.source.extents(0, self.source.size)

        self.repository.backup(
            self.source, store_base.header('inc'), extents=extents(),
            changed=changed, parent='full')
        self.assertRestores('inc', self.source.data)


class ResumeTest(store_base.StoreTestCase):

    def test_goes_on_where_it_was(self):
        volume = self.volume(20)
        recorded = self.cut(volume, 'b', 14)
        self.assertGreaterEqual(recorded, 3)
        volume.reads.clear()
        puts = self.counting.calls['put']
        summary = self.backup(volume, 'b')
        self.assertEqual((20 - recorded) * CHUNK, volume.bytes_read)
        self.assertEqual(recorded * CHUNK, min(volume.reads)[0])
        self.assertEqual(recorded * CHUNK, summary.bytes_resumed)
        self.assertLess(self.counting.calls['put'] - puts, 20)
        self.assertRestores('b', volume.data)

    def test_incremental_goes_on(self):
        volume = self.volume(20)
        self.backup(volume, 'full')
        changed = self.scribble(volume, *range(0, 320, 8))
        self.assertGreaterEqual(self.cut(volume, 'b', 9, parent='full',
                                         changed=changed), 3)
        self.repository.delete('full')
        self.backup(volume, 'b', parent='full', changed=changed)
        self.assertRestores('b', volume.data)

    def test_another_header(self):
        self.cut(self.volume(20), 'b', 14)
        other = store_base.header('b', name='other')
        self.assertRaises(exceptions.StoreObjectExists, self.backup,
                          self.volume(20), 'b', header=other)
        self.repository.abandon('b')
        volume = self.volume(20)
        self.backup(volume, 'b', header=other)
        self.assertRestores('b', volume.data)

    def test_unfinished_and_abandoned(self):
        self.cut(self.volume(20), 'b', 14)
        self.assertEqual(['b'], list(self.repository.unfinished()))
        self.repository.abandon('b')
        self.assertEqual([], list(self.repository.unfinished()))
        self.repository.abandon('b')

    def test_two_workers(self):
        volume = self.volume(20)
        made = store_base.header('b')
        other = repository.Repository(self.counting, dataclasses.replace(
            store_base.SMALL, journal_chunks=2))

        def extents():
            # The second worker does it all while the first one starts.
            twin = fake_connections.MemoryConnection(volume.size)
            twin.write(0, bytes(volume.data))
            other.backup(twin, made, extents=twin.extents(0, twin.size))
            yield from volume.extents(0, volume.size)

        self.repository.backup(volume, made, extents=extents())
        self.assertRestores('b', volume.data)
        self.assertEqual([], list(self.repository.unfinished()))


class RestoreTest(store_base.StoreTestCase):

    def setUp(self):
        super().setUp()
        self.source = self.volume(10)
        self.backup(self.source, 'b')

    def assertRefused(self, kind):
        target = self.volume(10, fill=False)
        self.assertRaises(kind, self.repository.restore, 'b', target,
                          target_is_new=True)

    def replace(self, name, data):
        self.memory.objects[name] = (data, self.memory.now())

    def test_larger_target(self):
        target = self.volume(12)
        tail = bytes(target.data[10 * CHUNK:])
        self.repository.restore('b', target, target_is_new=False)
        self.assertEqual(bytes(self.source.data) + tail, bytes(target.data))

    def test_zeros_inside_a_chunk_stay_thin(self):
        store = repository.Repository(memory.MemoryStore(),
                                      dataclasses.replace(
            store_base.SMALL, chunk_size=4 * CHUNK))
        source = self.volume(13, fill=False)
        source.write(CHUNK, b'x' * 100)
        source.write(6 * CHUNK, self.chance.randbytes(2 * CHUNK))
        source.write(12 * CHUNK + 5, b'y')
        store.backup(source, store_base.header('b'),
                     extents=source.extents(0, source.size))
        target = self.volume(13, fill=False)
        store.restore('b', target, target_is_new=True)
        self.assertEqual(bytes(source.data), bytes(target.data))
        self.assertEqual(4 * CHUNK, len(target.allocated) *
                         fake_connections.GRAIN)
        target = self.volume(13)
        summary = store.restore('b', target, target_is_new=False)
        self.assertEqual(bytes(source.data), bytes(target.data))
        self.assertEqual(9 * CHUNK, target.bytes_zeroed)
        self.assertEqual(4 * CHUNK, summary.progress.bytes_stored)

    def test_smaller_target(self):
        self.assertRaises(exceptions.Invalid, self.repository.restore, 'b',
                          self.volume(9), target_is_new=True)

    def test_no_such_backup(self):
        self.assertRaises(exceptions.StoreObjectMissing,
                          self.repository.restore, 'c', self.volume(10),
                          target_is_new=True)

    def test_damaged_chunk(self):
        name = self.names('.store/chunks/')[4]
        data = bytearray(self.memory.get(name))
        data[1000] ^= 1
        self.replace(name, bytes(data))
        self.assertRefused(exceptions.StoreObjectDamaged)

    def test_swapped_chunks(self):
        first, second = self.names('.store/chunks/')[:2]
        self.replace(first, self.memory.get(second))
        self.assertRefused(exceptions.StoreObjectDamaged)

    def test_missing_chunk(self):
        self.memory.delete(self.names('.store/chunks/')[4])
        self.assertRefused(exceptions.StoreObjectMissing)

    def test_swapped_segments(self):
        first, second = self.names('.store/segments/')[:2]
        self.replace(first, self.memory.get(second))
        self.assertRefused(exceptions.StoreObjectDamaged)

    def test_manifest_of_another_backup(self):
        self.backup(self.volume(10), 'c')
        self.replace('daily/b', self.memory.get('daily/c'))
        self.assertRefused(exceptions.StoreObjectDamaged)

    def test_forged_manifest(self):
        other = memory.MemoryStore()
        forger = repository.Repository(other, store_base.SMALL)
        forger.backup(self.volume(10), store_base.header('b'), extents=[])
        self.replace('daily/b', other.get('daily/b'))
        self.assertRefused(exceptions.StoreObjectDamaged)

    def test_wrong_image_digest(self):
        record = dataclasses.replace(self.repository.manifest('b'),
                                     image_digest='00' * 32)
        self.replace('daily/b', b''.join(manifest.encode(
            record, self.repository.layout)))
        self.assertRefused(exceptions.StoreObjectDamaged)
        report = self.repository.verify()
        self.assertEqual(['daily/b'], list(report.damaged))

    def test_check_ends_it(self):
        def check():
            raise exceptions.LeaseLost('taken over')

        self.assertRaises(exceptions.LeaseLost, self.repository.restore, 'b',
                          self.volume(10), target_is_new=True, check=check)

    def test_errors_of_the_target_come_through(self):
        target = self.volume(10)

        def write(offset, data):
            raise exceptions.ConnectionFailed('the volume is gone')

        target.write = write
        self.assertRaises(exceptions.ConnectionFailed,
                          self.repository.restore, 'b', target,
                          target_is_new=True)


class KeyTest(store_base.StoreTestCase):

    def setUp(self):
        super().setUp()
        self.path = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'key')
        self.outside = dataclasses.replace(store_base.SMALL,
                                           key_file=self.path)

    def test_key_outside_the_store(self):
        store = repository.Repository(self.memory, self.outside)
        volume = self.volume(2)
        store.backup(volume, store_base.header('b'),
                     extents=volume.extents(0, volume.size))
        self.assertEqual(0o600, os.stat(self.path).st_mode & 0o777)
        with open(self.path, encoding='ascii') as file:
            key = file.read().strip()
        self.assertNotIn(key.encode(), self.memory.get('.store/config'))
        again = repository.Repository(self.memory, self.outside)
        again.restore('b', self.volume(2), target_is_new=False)

    def test_without_the_key(self):
        _ = repository.Repository(self.memory, self.outside).layout
        error = self.assertRaises(exceptions.StoreError,
                                  lambda: self.repository.layout)
        self.assertIn('key_file', error.remedy)
        os.unlink(self.path)
        self.assertRaises(
            exceptions.StoreError,
            lambda: repository.Repository(self.memory, self.outside).layout)

    def test_another_key(self):
        _ = repository.Repository(self.memory, self.outside).layout
        with open(self.path, 'w', encoding='ascii') as file:
            file.write('00' * 32)
        self.assertRaises(
            exceptions.StoreError,
            lambda: repository.Repository(self.memory, self.outside).layout)

    def test_constants_are_those_of_the_store(self):
        first = self.repository.layout
        other = repository.Repository(self.memory, dataclasses.replace(
            store_base.SMALL, chunk_size=CHUNK * 2, segment_entries=9))
        self.assertEqual((first.store_id, CHUNK, 4), (
            other.layout.store_id, other.layout.chunk_size,
            other.layout.segment_entries))

    def test_not_a_store(self):
        self.memory.put('.store/config', [b'{"format": "else"}'])
        self.assertRaises(exceptions.StoreError,
                          lambda: self.repository.layout)
