"""A backup reads what is there, an incremental one what has changed.

Counted where the bytes come out of the volume, by the whole service.
"""

import random

import fixtures

from blockstore.tests.functional import base
from blockstore.volume import connections
from blockstore.volume.connections import memory

CLUSTER = 64 * 1024
CLUSTERS = base.GIB // CLUSTER


class ReadTest(base.FunctionalTest):
    """Backs a volume in use up, and counts."""

    # Real chunks: a change must not make a backup read all of its chunk.
    OPTIONS = {('store', 'chunk_size'): 4 * 1024 * 1024}

    def setUp(self):
        super().setUp()
        self.volume = self.make_volume(1)
        info = dict(self.attach(self.volume['id'])['connection_info'])
        kind = info.pop('driver_volume_type')
        self.bytes = connections.open_connection(
            {'driver_volume_type': kind, 'data': info}, writable=True)
        self.addCleanup(self.bytes.close)
        self.read = 0
        content = memory.Content.read_into

        def counted(this, offset, buffer):
            self.read += len(buffer)
            content(this, offset, buffer)

        self.useFixture(fixtures.MockPatchObject(
            memory.Content, 'read_into', counted))

    def write(self, clusters, seed):
        """Write clusters, each with bytes of its own; return how many."""
        chance = random.Random(seed)
        for number in clusters:
            self.bytes.write(number * CLUSTER, chance.randbytes(CLUSTER))
        self.bytes.flush()
        return len(clusters) * CLUSTER

    def back_up(self, **fields):
        """Make a backup; return how many bytes were read for it."""
        self.read = 0
        self.make_backup(self.volume['id'], force=True, **fields)
        return self.read

    def test_holes_are_not_read(self):
        written = self.write(random.Random(1).sample(range(CLUSTERS), 160), 1)
        read = self.back_up()
        self.assertBetween(written, read, 1.05 * written)

    def test_nothing_but_changes_is_read(self):
        clusters = random.Random(2).sample(range(CLUSTERS), 400)
        self.write(clusters, 2)
        self.back_up()
        changed = self.write(clusters[:4], 3)
        self.assertBetween(changed, self.back_up(incremental=True),
                           1.1 * changed)
        # And so on from there, though the base is another one now.
        changed = self.write(clusters[4:9], 4)
        self.assertBetween(changed, self.back_up(incremental=True),
                           1.1 * changed)

    def test_nothing_changed_nothing_read(self):
        self.write(range(32), 5)
        self.back_up()
        self.assertEqual(0, self.back_up(incremental=True))

    def assertBetween(self, least, value, most):
        self.assertTrue(least <= value <= most, (least, value, most))
