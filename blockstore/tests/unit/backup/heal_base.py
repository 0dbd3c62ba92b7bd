"""What tests of healing share: a store of which one breaks a piece."""

from blockstore.tests.unit.backup import store_base

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
