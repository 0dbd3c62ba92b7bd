"""What drivers have for manage and unmanage, before any overrides it."""

import inspect

from oslotest import base as test_base

from blockstore import errors
from blockstore import exception
from blockstore import exceptions
from blockstore.tests import volume_objects
from blockstore.volume.drivers import base
from blockstore.volume.drivers import manageable

ENTRIES = [{'reference': {'source-name': name}, 'size': size}
           for name, size in (('b', 2), ('a', 2), ('c', 1))]


class InterfaceTest(test_base.BaseTestCase):
    """R-024: the methods are in the base, with the names of the spec."""

    def test_r024_the_base_has_the_methods(self):
        for name, arguments in (
                ('manage_existing_snapshot', ['snapshot', 'existing_ref']),
                ('manage_existing_snapshot_get_size',
                 ['snapshot', 'existing_ref']),
                ('unmanage_snapshot', ['snapshot']),
                ('manage_existing', ['volume', 'existing_ref']),
                ('manage_existing_get_size', ['volume', 'existing_ref']),
                ('unmanage', ['volume'])):
            signature = inspect.signature(getattr(base.Driver, name))
            self.assertEqual(['self', *arguments],
                             list(signature.parameters), name)

    def test_a_driver_that_cannot_says_so_and_lists_nothing(self):
        driver = volume_objects.load_driver(
            'memory', memory_lacks=['manages_volumes', 'manages_snapshots'])
        volume = volume_objects.Volume()
        self.assertRaises(exceptions.Unsupported, driver.manage_existing,
                          volume, 'x')
        self.assertRaises(exceptions.Unsupported, driver.unmanage_snapshot,
                          volume_objects.Snapshot(volume))
        self.assertEqual([], driver.get_manageable_snapshots(
            [], None, None, 0, ['size'], ['asc']))

    def test_r008_errors_are_made_as_authors_of_drivers_make_them(self):
        error = exception.ManageExistingInvalidReference(
            existing_ref={'source-name': 'x'}, reason='it is not there')
        self.assertIn("{'source-name': 'x'}", str(error))
        self.assertIn('it is not there', str(error))
        self.assertEqual(errors.MANAGE_INVALID_REFERENCE, error.code)
        error = exception.ManageExistingAlreadyManaged(volume_ref='v')
        self.assertEqual(errors.MANAGE_ALREADY_MANAGED, error.code)
        self.assertIn('v', str(error))


class PageTest(test_base.BaseTestCase):

    def page(self, *arguments):
        return [entry['reference']['source-name'] for entry
                in manageable.page(ENTRIES, *arguments)]

    def test_sorted_by_several_keys(self):
        self.assertEqual(['c', 'b', 'a'], self.page(
            None, None, 0, ['size', 'reference'], ['asc', 'desc']))

    def test_equal_ones_stand_by_reference(self):
        self.assertEqual(['a', 'b', 'c'], self.page(
            None, None, 0, ['size'], ['desc']))

    def test_after_a_marker_from_an_offset(self):
        self.assertEqual(['c'], self.page(
            {'source-name': 'a'}, 1, 1, ['reference'], ['asc']))

    def test_an_unknown_marker(self):
        self.assertRaises(exceptions.Invalid, self.page, {'source-name': 'd'},
                          None, 0, ['size'], ['asc'])

    def test_names(self):
        self.assertEqual('n', manageable.source_name('n'))
        self.assertEqual('n', manageable.source_name({'source-name': 'n'}))
        for wrong in (None, '', {}, {'source-name': 1}):
            self.assertRaises(exception.ManageExistingInvalidReference,
                              manageable.source_name, wrong)
