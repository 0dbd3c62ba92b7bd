"""What the service says it offers."""

from blockstore.api import paging
from blockstore.api.handlers import operations
from blockstore.tests.unit.api import base


class DiscoveryTest(base.ApiTestCase):
    """/extensions and /resource_filters."""

    def test_extensions(self):
        listed = self.get('extensions', token=base.READER).json['extensions']
        self.assertIn('os-volume-actions', [item['alias'] for item in listed])
        for item in listed:
            self.assertEqual({'name', 'alias', 'description', 'updated',
                              'links'}, set(item))
            self.assertEqual({'extension': item}, self.get(
                f'extensions/{item["alias"]}').json)
        self.assert_fault(404, 'itemNotFound', self.get('extensions/magic'))

    def test_resource_filters_from_3_33(self):
        self.assertEqual(404, self.get('resource_filters',
                                       version='3.32').status)
        listed = self.get('resource_filters', version='3.33',
                          token=base.READER).json['resource_filters']
        self.assertIn({'resource': 'backup',
                       'filters': ['name', 'status', 'volume_id']}, listed)
        self.assertEqual(
            [{'resource': 'pool', 'filters': ['name', 'volume_type']}],
            self.get('resource_filters', version='3.33',
                     resource='pool').json['resource_filters'])
        self.assertEqual([], self.get(
            'resource_filters', version='3.33',
            resource='x').json['resource_filters'])

    def test_what_is_listed_for_operations_is_heard(self):
        listed = self.get('resource_filters', version='3.33',
                          resource='operation').json['resource_filters']
        self.assertIsInstance(operations.OPERATIONS, paging.Collection)
        self.assertEqual(set(operations.OPERATIONS.filters),
                         set(listed[0]['filters']))
