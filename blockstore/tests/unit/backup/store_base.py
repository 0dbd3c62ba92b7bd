"""What tests of the repository share: a small store and volumes."""

import datetime
import random

from oslotest import base

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
