"""The driver suite: taking over what stands there, and letting it go.

Foreign objects are made by the driver itself: it lets go of what it made, as
another installation would.  What a reference looks like, its own list says;
a driver that cannot list overrides ``reference_of`` in its ``load_driver``
class.
"""

from oslo_utils import uuidutils

from blockstore import exception
from blockstore import exceptions
from blockstore.tests import volume_objects
from blockstore.tests.contract import driver_fixture as fixture
from blockstore.volume.drivers import base
from blockstore.volume.drivers import books

KIB, MIB, GIB = fixture.KIB, fixture.MIB, fixture.GIB
ONE = fixture.pattern('one', 64 * KIB)
TWO = fixture.pattern('two', 64 * KIB)
EVERYTHING = (None, None, 0, ('reference',), ('asc',))


class ManagingTests:
    """Manage, unmanage and list, volumes and snapshots."""

    # How a test talks of foreign objects.

    def reference_of(self, one):
        """The reference of an object that has a row, or had it just now."""
        of_volume = isinstance(one, volume_objects.Volume)
        listing = (self.list_volumes(one) if of_volume
                   else self.list_snapshots(one))
        found = [entry['reference'] for entry in listing
                 if entry['cinder_id'] == one.id]
        self.assertEqual(1, len(found), listing)
        return found[0]

    def list_volumes(self, *rows):
        return self.driver.get_manageable_volumes(rows, *EVERYTHING)

    def list_snapshots(self, *rows):
        return self.driver.get_manageable_snapshots(rows, *EVERYTHING)

    def let_go(self, one):
        """Unmanage; return the reference to take it over by."""
        reference = self.reference_of(one)
        if isinstance(one, volume_objects.Volume):
            self.driver.unmanage(one)
            self.volumes.remove(one)
        else:
            self.driver.unmanage_snapshot(one)
            self.snapshots.remove(one)
        return reference

    def adopt(self, reference, size=1):
        volume = self.owned(size)
        self.assertEqual(size, self.driver.manage_existing_get_size(
            volume, reference))
        self.updated(volume, self.driver.manage_existing(volume, reference))
        return volume

    def adopt_snapshot(self, volume, reference, size=1):
        snapshot = volume_objects.Snapshot(volume)
        self.assertEqual(
            size, self.driver.manage_existing_snapshot_get_size(
                snapshot, reference))
        self.snapshots.append(snapshot)
        self.updated(snapshot, self.driver.manage_existing_snapshot(
            snapshot, reference))
        snapshot.volume_size = size
        return snapshot

    def refuses(self, volume, reference):
        """Neither the size nor the object itself is given, and it stays."""
        for method in (self.driver.manage_existing_get_size,
                       self.driver.manage_existing):
            self.assertRaises(exception.ManageExistingInvalidReference,
                              method, volume, reference)

    def refuses_snapshot(self, snapshot, reference):
        for method in (self.driver.manage_existing_snapshot_get_size,
                       self.driver.manage_existing_snapshot):
            self.assertRaises(exception.ManageExistingInvalidReference,
                              method, snapshot, reference)

    def written(self, size=1):
        volume = self.volume(size)
        self.write(volume, (0, ONE), (size * GIB - 64 * KIB, TWO))
        return volume

    def frozen(self, volume=None):
        """A written volume and its snapshot, that was written over since."""
        volume = volume or self.written()
        snapshot = self.snapshot(volume)
        self.write(volume, (0, TWO))
        return volume, snapshot

    # Volumes.

    def test_a_volume_that_was_let_go_is_taken_over(self):
        self.need(base.ManagesVolumes)
        volume = self.written(2)
        before = self.listed()
        reference = self.let_go(volume)
        self.assertEqual([], self.listed())
        taken = self.adopt(reference, 2)
        self.assert_reads(taken, (0, ONE), (2 * GIB - 64 * KIB, TWO))
        self.assertEqual(len(before), len(self.listed()))
        self.assertRaises(exceptions.DriverError,
                          self.driver.manage_existing,
                          volume_objects.Volume(2), reference)
        self.assert_reads(taken, (0, ONE))

    def test_a_volume_is_taken_over_again(self):
        self.need(base.ManagesVolumes)
        taken = self.adopt(reference := self.let_go(self.written()))
        for _ in range(2):
            self.assertEqual(1, self.driver.manage_existing_get_size(
                taken, reference))
            self.driver.manage_existing(taken, reference)
        self.assert_reads(taken, (0, ONE))

    def test_a_volume_is_let_go_again(self):
        self.need(base.ManagesVolumes)
        volume = self.written()
        reference = self.let_go(volume)
        self.driver.unmanage(volume)
        self.driver.unmanage(volume_objects.Volume())
        self.assert_reads(self.adopt(reference), (0, ONE))

    def test_a_volume_taken_over_lives_on(self):
        self.need(base.ManagesVolumes)
        taken = self.adopt(self.let_go(self.written()))
        snapshot = self.snapshot(taken)
        self.write(taken, (0, TWO))
        self.driver.extend_volume(taken, 2)
        taken.size = 2
        child = self.from_snapshot(snapshot)
        self.restart()
        self.assert_reads(child, (0, ONE))
        self.assert_reads(taken, (0, TWO), (GIB, bytes(4096)))
        self.assert_snapshot_reads(snapshot, (0, ONE))

    def test_a_reference_that_names_nothing(self):
        self.need(base.ManagesVolumes)
        volume = self.written()
        before = self.list_volumes(volume)
        for reference in (None, '', {}, {'source-name': ''},
                          {'source-name': 7}, {'other': 'key'}, 'no-such',
                          {'source-name': 'no-such'}):
            self.refuses(volume_objects.Volume(), reference)
        self.assertEqual(before, self.list_volumes(volume))
        self.assert_reads(volume, (0, ONE))

    def test_what_has_a_row_is_not_taken_over(self):
        self.need(base.ManagesVolumes)
        volume = self.written()
        other = volume_objects.Volume()
        if self.knows_its_own(volume):
            self.assertRaises(exception.ManageExistingAlreadyManaged,
                              self.driver.manage_existing, other,
                              self.reference_of(volume))
        self.assert_reads(volume, (0, ONE))

    def knows_its_own(self, volume):
        """Whether the driver, too, knows that a volume has a row.

        One that does not (it only sees names) relies on the manager.
        """
        listing = self.list_volumes()
        return any(entry['cinder_id'] == volume.id for entry in listing)

    # Snapshots.

    def test_a_snapshot_that_was_let_go_is_taken_over(self):
        self.need(base.ManagesSnapshots)
        volume, snapshot = self.frozen()
        reference = self.let_go(snapshot)
        self.assertEqual(
            [], [one for one in self.listed() if one.kind == 'snapshot'])
        taken = self.adopt_snapshot(volume, reference)
        self.assert_snapshot_reads(taken, (0, ONE))
        self.assert_reads(self.from_snapshot(taken), (0, ONE))
        self.assert_reads(volume, (0, TWO))

    def test_a_snapshot_is_taken_over_and_let_go_again(self):
        self.need(base.ManagesSnapshots)
        volume, snapshot = self.frozen()
        reference = self.let_go(snapshot)
        self.driver.unmanage_snapshot(snapshot)
        self.driver.unmanage_snapshot(volume_objects.Snapshot(volume))
        taken = self.adopt_snapshot(volume, reference)
        for _ in range(2):
            self.assertEqual(
                1, self.driver.manage_existing_snapshot_get_size(
                    taken, reference))
            self.driver.manage_existing_snapshot(taken, reference)
        self.restart()
        self.assert_snapshot_reads(taken, (0, ONE))

    def test_snapshots_let_go_in_any_order(self):
        self.need(base.ManagesSnapshots)
        volume, taken = self.three_snapshots()
        middle = self.let_go(taken[1])
        oldest = self.let_go(taken[0])
        self.assert_snapshot_reads(taken[2], (0, fixture.pattern(
            'three', 64 * KIB)))
        self.driver.delete_snapshot(taken[2])
        self.snapshots.remove(taken[2])
        again = self.adopt_snapshot(volume, middle)
        first = self.adopt_snapshot(volume, oldest)
        self.assert_snapshot_reads(again, (0, TWO), (MIB, ONE))
        self.assert_snapshot_reads(first, (0, ONE))
        self.driver.delete_snapshot(first)
        self.assert_snapshot_reads(again, (0, TWO), (MIB, ONE))

    def test_a_snapshot_of_another_volume_is_refused(self):
        self.need(base.ManagesSnapshots)
        volume, snapshot = self.frozen()
        other = self.volume()
        reference = self.let_go(snapshot)
        before = self.list_snapshots()
        self.refuses_snapshot(volume_objects.Snapshot(other), reference)
        self.assertEqual(before, self.list_snapshots())
        self.assert_reads(volume, (0, TWO))
        self.adopt_snapshot(volume, reference)

    def test_what_is_no_snapshot_is_refused_as_one(self):
        self.need(base.ManagesSnapshots)
        self.need(base.ManagesVolumes)
        volume, snapshot = self.frozen()
        copy = self.from_snapshot(snapshot)
        for reference in (None, '', {}, 'no-such',
                          {'source-name': 'no-such'},
                          self.reference_of(volume)):
            self.refuses_snapshot(volume_objects.Snapshot(volume), reference)
        reference = self.let_go(copy)
        self.refuses_snapshot(volume_objects.Snapshot(volume), reference)
        self.assert_reads(self.adopt(reference), (0, ONE))

    def test_a_volume_without_its_foreign_snapshots(self):
        """Refused (R-022), or gone without it (R-012)."""
        self.need(base.ManagesSnapshots)
        volume, snapshot = self.frozen()
        reference = self.let_go(snapshot)
        try:
            self.driver.delete_volume(volume)
        except exceptions.VolumeIsBusy as error:
            self.assertNotEqual((), error.blockers)
            self.assert_reads(volume, (0, TWO))
            taken = self.adopt_snapshot(volume, reference)
            self.assert_snapshot_reads(taken, (0, ONE))

    # Another installation, and lists.

    def test_a_volume_and_its_snapshot_move(self):
        self.need(base.ManagesSnapshots)
        self.need(base.ManagesVolumes)
        volume, snapshot = self.frozen()
        of_snapshot = self.let_go(snapshot)
        of_volume = self.let_go(volume)
        self.book = books.MemoryBook()
        self.restart()
        taken = self.adopt(of_volume)
        frozen = self.adopt_snapshot(taken, of_snapshot)
        self.assert_reads(taken, (0, TWO), (GIB - 64 * KIB, TWO))
        self.assert_snapshot_reads(frozen, (0, ONE), (GIB - 64 * KIB, TWO))
        self.driver.delete_snapshot(frozen)
        self.driver.delete_volume(taken)

    def test_lists_tell_what_is_free(self):
        self.need(base.ManagesVolumes)
        self.need(base.ManagesSnapshots)
        volume, snapshot = self.frozen()
        reference = self.reference_of(volume)
        for entry, row in ((self.list_volumes(volume)[0], volume),
                           (self.list_snapshots(snapshot)[0], snapshot)):
            self.assertEqual((row.id, False, 'already managed', 1), (
                entry['cinder_id'], entry['safe_to_manage'],
                entry['reason_not_safe'], entry['size']))
        self.assertEqual(
            reference, self.list_snapshots(snapshot)[0]['source_reference'])
        free = self.let_go(snapshot)
        entry, = self.list_snapshots()
        self.assertEqual((free, None, True, None, 1), (
            entry['reference'], entry['cinder_id'], entry['safe_to_manage'],
            entry['reason_not_safe'], entry['size']))
        self.adopt_snapshot(volume, free)

    def test_lists_come_in_pages(self):
        self.need(base.ManagesVolumes)
        rows = [self.volume(size) for size in (2, 1, 3)]

        def listed(*arguments):
            return [entry['size'] for entry
                    in self.driver.get_manageable_volumes(rows, *arguments)]

        self.assertEqual([1, 2, 3],
                         listed(None, None, 0, ('size',), ('asc',)))
        self.assertEqual([3, 2], listed(None, 2, 0, ('size',), ('desc',)))
        self.assertEqual([2], listed(None, 1, 1, ('size',), ('asc',)))
        marker = self.driver.get_manageable_volumes(
            rows, None, 1, 0, ('size',), ('asc',))[0]['reference']
        self.assertEqual([2, 3],
                         listed(marker, None, 0, ('size',), ('asc',)))
        self.assertRaises(exceptions.Invalid, listed,
                          {'source-name': uuidutils.generate_uuid()}, None, 0,
                          ('size',), ('asc',))
