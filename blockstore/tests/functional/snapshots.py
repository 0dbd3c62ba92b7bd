"""Snapshots over HTTP with every service at work."""

from blockstore import exceptions
from blockstore.tests.functional import base


class SnapshotTest(base.FunctionalTest):

    def test_life(self) -> None:
        volume = self.make_volume(1)
        self.attach(volume['id'])
        body = {'snapshot': {'volume_id': volume['id'], 'name': 's'}}
        answer = self.api.post(self.path('snapshots'), body, version='3.65')
        self.assertEqual(400, answer.status)
        snapshot = self.make_snapshot(volume['id'], name='s')
        self.assertEqual(
            ('s', 1, '100%'), (
                snapshot['name'], snapshot['size'],
                snapshot['os-extended-snapshot-attributes:progress']))
        self.assertEqual('in-use',
                         self.show('volumes', volume['id'])['status'])
        self.assertEqual(202, self.api.delete(
            self.path(f'snapshots/{snapshot["id"]}')).status)
        self.wait_gone('snapshots', snapshot['id'])

    def test_failure_and_the_way_out(self) -> None:
        volume = self.make_volume(1)
        snapshot = self.make_snapshot(volume['id'])
        self.driver.faults.fail(
            'delete_snapshot', when='before',
            error=exceptions.VolumeBackendAPIException('down'))
        path = self.path(f'snapshots/{snapshot["id"]}')
        self.api.delete(path)
        self.assertRaises(AssertionError, self.wait_gone, 'snapshots',
                          snapshot['id'], timeout=1)
        self.assertEqual('error_deleting', self.show(
            'snapshots', snapshot['id'])['status'])
        self.assertEqual(400, self.api.delete(path).status)
        self.assertEqual(202, self.api.post(
            f'{path}/action', {'os-force_delete': {}}).status)
        self.wait_gone('snapshots', snapshot['id'])
