"""Operations: whoever asked for something can see how far it is."""

from blockstore.db import models
from blockstore.tests.unit.api import base

SENSITIVE = {'topic', 'host', 'lease_owner', 'lease_expires_at'}


class OperationTest(base.ApiTestCase):
    """/operations, at every version."""

    def setUp(self):
        super().setUp()
        self.volume_id = self.make_volume()

    def operation(self, token=base.ADMIN):
        answer = self.get('operations', token=token,
                          resource_id=self.volume_id)
        self.assertEqual(200, answer.status, answer.raw)
        return answer.json['operations'][0]

    def test_an_accepted_request_has_one(self):
        shown = self.operation(base.READER)
        self.assertEqual(
            ('volume.create', 'pending', 'volume', self.volume_id, None,
             None, 0), tuple(shown[key] for key in (
                 'kind', 'state', 'resource_type', 'resource_id', 'progress',
                 'error', 'attempt')))
        path = f'operations/{shown["id"]}'
        self.assertEqual({'operation': shown},
                         self.get(path, token=base.READER).json)
        self.assertTrue(shown['links'][0]['href'].endswith(path))

    def test_progress_and_failure(self):
        id_ = self.operation()['id']
        self.change(models.Operation, id_, state='running',
                    bytes_total=200, bytes_done=50, bytes_skipped=10)
        self.assertEqual(
            {'bytes_total': 200, 'bytes_done': 50, 'bytes_skipped': 10,
             'percent': 25}, self.operation()['progress'])
        self.change(models.Operation, id_, bytes_total=0)
        self.assertEqual(100, self.operation()['progress']['percent'])
        self.change(models.Operation, id_, state='failed',
                    error_code='blockstore.driver.failed',
                    error_message='no room')
        self.assertEqual({'code': 'blockstore.driver.failed',
                          'message': 'no room'}, self.operation()['error'])

    def test_the_process_is_for_administrators(self):
        self.assertEqual(SENSITIVE, set(self.operation()) - set(
            self.operation(base.MEMBER)))

    def test_filters_and_count(self):
        self.make_volume()
        self.change(models.Operation, self.operation()['id'], state='done')
        for params, wanted in (({'state': 'done'}, 1),
                               ({'kind': 'volume.create'}, 2),
                               ({'kind': 'volume.delete'}, 0)):
            answer = self.get('operations', token=base.MEMBER,
                              version='3.45', with_count='true', **params)
            self.assertEqual((wanted, wanted), (
                len(answer.json['operations']), answer.json['count']))
        page = self.get('operations', limit='1').json
        self.assertIn('operations_links', page)

    def test_others_see_nothing(self):
        path = f'operations/{self.operation()["id"]}'
        self.assertEqual([], self.get(
            'operations', token=base.STRANGER).json['operations'])
        self.assert_fault(404, 'itemNotFound',
                          self.get(path, token=base.STRANGER))
