"""The driver suite: which parts hold data, which have changed.

An answer may name more than was written, in the driver's own granularity,
but never less.
"""

from blockstore import exceptions
from blockstore.tests.contract import driver_fixture as fixture
from blockstore.volume.connections.base import Extent
from blockstore.volume.drivers import base

KIB, MIB, GIB = fixture.KIB, fixture.MIB, fixture.GIB
DATA = fixture.pattern('data', 64 * KIB)
# Nobody may name more than this around a written run.
GRAIN = MIB


class ExtentTests:
    """Extents of connections and snapshots against what was written."""

    def assert_extents(self, found, *written, offset=0, length=GIB):
        """Check extents against runs (start, length) that were written."""
        found = list(found)
        for one, following in zip(found, found[1:], strict=False):
            self.assertLessEqual(one.end, following.offset)
        for one in found:
            self.assertLess(0, one.length)
            self.assertLessEqual(offset, one.offset)
            self.assertLessEqual(one.end, offset + length)
        named = [one for one in found if not one.zero]
        for start, size in written:
            self.assertTrue(self._covered(named, start, start + size),
                            f'{size} bytes at {start} are not in {named}')
        allowed = sum(size + 2 * GRAIN for _, size in written)
        self.assertLessEqual(sum(one.length for one in named), allowed)

    def assert_told(self, found, *written, offset=0, length=GIB):
        """Check what a connection tells; one that cannot names all."""
        if self.TELLS:
            self.assert_extents(found, *written, offset=offset, length=length)
        else:
            self.assertEqual([Extent(offset, length)], list(found))

    @staticmethod
    def _covered(found, start, end):
        for one in found:
            if one.offset <= start < one.end:
                start = one.end
        return start >= end

    def test_a_connection_tells_what_was_written(self):
        volume = self.volume()
        runs = [(0, DATA), (100 * MIB, DATA), (GIB - 64 * KIB, DATA)]
        self.write(volume, *runs)
        connection = self.connect(volume)
        self.assert_told(connection.extents(0, GIB), *(
            (start, len(data)) for start, data in runs))
        self.assert_told(
            connection.extents(100 * MIB + 4096, 8192),
            (100 * MIB + 4096, 8192), offset=100 * MIB + 4096, length=8192)
        self.assert_told(connection.extents(300 * MIB, MIB),
                         offset=300 * MIB, length=MIB)

    def test_an_empty_volume_has_no_extents(self):
        connection = self.connect(self.volume())
        self.assert_told(connection.extents(0, GIB))

    def test_an_attached_snapshot_tells_what_was_written(self):
        self.need(base.AttachesSnapshots)
        volume = self.volume()
        self.write(volume, (0, DATA))
        self.snapshot(volume)
        self.write(volume, (50 * MIB, DATA))
        snapshot = self.snapshot(volume)
        self.write(volume, (200 * MIB, DATA))
        connection = self.attach_snapshot(snapshot)
        self.assert_told(connection.extents(0, GIB), (0, len(DATA)),
                         (50 * MIB, len(DATA)))

    def test_allocated_extents(self):
        self.need(base.AllocatedExtents)
        volume = self.volume()
        self.write(volume, (0, DATA), (50 * MIB, DATA))
        snapshot = self.snapshot(volume)
        self.write(volume, (200 * MIB, DATA))
        self.assert_extents(self.driver.allocated_extents(snapshot, 0, GIB),
                            (0, len(DATA)), (50 * MIB, len(DATA)))
        self.assert_extents(
            self.driver.allocated_extents(snapshot, 50 * MIB + 4096, 4096),
            (50 * MIB + 4096, 4096), offset=50 * MIB + 4096, length=4096)

    def test_changed_extents(self):
        self.need(base.ChangedExtents)
        volume = self.volume()
        self.write(volume, (0, DATA), (10 * MIB, DATA))
        first = self.snapshot(volume)
        self.write(volume, (20 * MIB, DATA), (10 * MIB, bytes(64 * KIB)))
        second = self.snapshot(volume)
        self.write(volume, (30 * MIB, DATA))
        third = self.snapshot(volume)
        size = len(DATA)
        self.assert_changed(second, first, (20 * MIB, size), (10 * MIB, size))
        self.assert_changed(third, second, (30 * MIB, size))
        self.assert_changed(third, first, (10 * MIB, size), (20 * MIB, size),
                            (30 * MIB, size))
        self.driver.delete_snapshot(second)
        self.assert_changed(third, first, (10 * MIB, size), (20 * MIB, size),
                            (30 * MIB, size))

    def assert_changed(self, snapshot, older, *written):
        # A run that was overwritten with zeros counts as named by ``zero``.
        found = [one._replace(zero=False) for one in
                 self.driver.changed_extents(snapshot, older, 0, GIB)]
        self.assert_extents(found, *written)

    def test_nothing_changed(self):
        self.need(base.ChangedExtents)
        volume = self.volume()
        self.write(volume, (0, DATA))
        first, second = self.snapshot(volume), self.snapshot(volume)
        self.assert_changed(second, first)

    def test_changed_while_connected(self):
        self.need(base.ChangedExtents)
        volume = self.volume()
        connection = self.connect(volume)
        connection.write(0, DATA)
        connection.flush()
        first = self.snapshot(volume)
        connection.write(MIB, DATA)
        connection.write_zeroes(0, 4096)
        connection.flush()
        second = self.snapshot(volume)
        self.assert_changed(second, first, (0, 4096), (MIB, len(DATA)))

    def test_changed_across_an_extend(self):
        self.need(base.ChangedExtents)
        volume = self.volume()
        self.write(volume, (0, DATA))
        first = self.snapshot(volume)
        self.driver.extend_volume(volume, 2)
        volume.size = 2
        self.write(volume, (GIB + MIB, DATA))
        second = self.snapshot(volume)
        found = list(self.driver.changed_extents(second, first, 0, 2 * GIB))
        self.assertTrue(self._covered(found, GIB + MIB,
                                      GIB + MIB + len(DATA)), found)

    def test_a_base_that_is_gone(self):
        self.need(base.ChangedExtents)
        volume = self.volume()
        first = self.snapshot(volume)
        self.write(volume, (0, DATA))
        second = self.snapshot(volume)
        self.driver.delete_snapshot(first)
        self.assertRaises(
            exceptions.Unsupported,
            lambda: list(self.driver.changed_extents(second, first, 0, GIB)))

    def test_a_base_of_another_volume(self):
        self.need(base.ChangedExtents)
        first = self.snapshot(self.volume())
        second = self.snapshot(self.volume())
        self.assertRaises(
            exceptions.Unsupported,
            lambda: list(self.driver.changed_extents(second, first, 0, GIB)))
