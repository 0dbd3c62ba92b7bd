"""What tests of the repository share: a small store and volumes."""

import datetime
import random
import time

from oslotest import base

from blockstore import exceptions
from blockstore.backup.store import manifest
from blockstore.backup.store import repository
from blockstore.backup.store import settings
from blockstore.backup.stores import memory
from blockstore.backup.stores import wrappers
from blockstore.tests import fake_connections

CHUNK = 64 * 1024
SMALL = settings.Settings(chunk_size=CHUNK, segment_entries=4, workers=3,
                          journal_seconds=60.0, journal_chunks=3)


def header(backup_id, container='daily', **metadata):
    """Make a header."""
    return manifest.BackupHeader(
        backup_id, 'project', 'volume', container,
        datetime.datetime(2026, 1, 2, 3, 4, 5), metadata)


class StoreTestCase(base.BaseTestCase):
    """A store in memory with chunks of 64 KiB, four to a segment."""

    def setUp(self):
        super().setUp()
        self.memory = memory.MemoryStore()
        self.counting = wrappers.Counting(self.memory)
        self.repository = repository.Repository(self.counting, SMALL)
        self.chance = random.Random(1)

    def volume(self, chunks=10, extra=0, fill=True):
        """Make a volume, filled with random data or empty."""
        volume = fake_connections.MemoryConnection(chunks * CHUNK + extra)
        if fill:
            volume.write(0, self.chance.randbytes(volume.size))
        return volume

    def scribble(self, volume, *grains):
        """Write random data to grains of 4 KiB; return them as extents."""
        grain = fake_connections.GRAIN
        for number in grains:
            length = min(grain, volume.size - number * grain)
            volume.write(number * grain, self.chance.randbytes(length))
        return fake_connections.grains(grains, volume.size)

    def backup(self, volume, backup_id, **how):
        """Back a volume up, all or from a parent."""
        made = how.pop('header', None) or header(backup_id)
        return self.repository.backup(
            volume, made, extents=volume.extents(0, volume.size), **how)

    def cut(self, volume, backup_id, first, **how):
        """Begin a backup that fails; tell how many chunks it has recorded.

        The chunks from the first one on cannot be stored, and fail when the
        journal tells of some before them, however threads run.
        """
        refused = {
            self.repository.chunks.hash(bytes(
                volume.data[index * CHUNK:(index + 1) * CHUNK])).hex()
            for index in range(first, volume.size // CHUNK)}
        put = self.memory.put

        def put_or_fail(name, parts):
            if name.rpartition('/')[2] not in refused:
                return put(name, parts)
            limit = time.monotonic() + 60
            while (not self.recorded(backup_id)
                    and time.monotonic() < limit):
                time.sleep(0.001)
            raise exceptions.StoreError('there is no room for it')

        self.memory.put = put_or_fail
        try:
            self.assertRaises(exceptions.StoreError, self.backup, volume,
                              backup_id, **how)
        finally:
            self.memory.put = put
        return self.recorded(backup_id)

    def recorded(self, backup_id):
        """Tell how many chunks a backup's journal has."""
        return sum(int(name.rsplit('-', 1)[1], 16) for name in
                   self.names(f'.store/journals/{backup_id}/0'))

    def assertRestores(self, backup_id, data, new=True):
        target = fake_connections.MemoryConnection(len(data))
        if not new:
            target.write(0, b'\xff' * len(data))
        self.repository.restore(backup_id, target, target_is_new=new)
        self.assertTrue(target.flushed)
        self.assertEqual(bytes(data), bytes(target.data))
        return target

    def names(self, prefix=''):
        """List the store's objects."""
        return list(self.memory.list(prefix))
