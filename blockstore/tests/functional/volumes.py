"""Volumes over HTTP with every service at work: sources, growth, the end."""

import typing

from blockstore import exceptions
from blockstore.tests.functional import base
from blockstore.volume import connections

BLOCK = 65536


class VolumeTest(base.FunctionalTest):
    """Works on volumes and looks at their bytes."""

    def act(self, volume_id: str, name: str, content: typing.Any = None,
            status: int = 202) -> base.Answer:
        """Send an action and check the answer's status."""
        answer = self.api.post(self.path(f'volumes/{volume_id}/action'),
                               {name: content})
        self.assertEqual(status, answer.status, answer.text)
        return answer

    def use(self, volume_id: str, data: bytes | None = None) -> bytes:
        """Attach a volume for a moment; write or read its first block."""
        attachment = self.attach(volume_id)
        info = dict(attachment['connection_info'])
        opened = connections.open_connection(
            {'driver_volume_type': info.pop('driver_volume_type'),
             'data': info}, writable=True)
        try:
            if data is not None:
                opened.write(0, data)
                opened.flush()
            read = bytearray(BLOCK)
            opened.read_into(0, memoryview(read))
        finally:
            opened.close()
            self.api.delete(self.path(f'attachments/{attachment["id"]}'))
        return bytes(read)

    def used(self) -> tuple[int, int]:
        """Return how many volumes and gigabytes the quota counts."""
        answer = self.api.get(self.path(
            f'os-quota-sets/{self.project}?usage=True'))
        sets = answer.json['quota_set']
        return sets['volumes']['in_use'], sets['gigabytes']['in_use']

    def test_sources(self) -> None:
        volume = self.make_volume(1)
        self.use(volume['id'], b'A' * BLOCK)
        snapshot = self.make_snapshot(volume['id'])
        self.use(volume['id'], b'B' * BLOCK)
        from_snapshot = self.make_volume(2, snapshot_id=snapshot['id'])
        clone = self.make_volume(1, source_volid=volume['id'])
        self.assertEqual(b'A' * BLOCK, self.use(from_snapshot['id']))
        self.assertEqual(b'B' * BLOCK, self.use(clone['id']))
        self.assertEqual((2, snapshot['id']), (
            from_snapshot['size'], from_snapshot['snapshot_id']))

    def test_host_has_a_pool(self) -> None:
        volume = self.make_volume(1)
        self.assertRegex(volume['os-vol-host-attr:host'], '.+@.+#.+')

    def test_extend(self) -> None:
        volume = self.make_volume(1)
        self.act(volume['id'], 'os-extend', {'new_size': 3})
        volume = self.wait_status('volumes', volume['id'], 'available')
        self.assertEqual(3, volume['size'])
        self.attach(volume['id'])
        self.act(volume['id'], 'os-extend', {'new_size': 4})
        volume = self.wait_status('volumes', volume['id'], 'in-use')
        self.assertEqual(4, volume['size'])
        self.assertEqual((1, 4), self.used())

    def test_revert(self) -> None:
        volume = self.make_volume(1)
        self.use(volume['id'], b'A' * BLOCK)
        older = self.make_snapshot(volume['id'])
        latest = self.make_snapshot(volume['id'])
        self.use(volume['id'], b'B' * BLOCK)
        answer = self.act(volume['id'], 'revert',
                          {'snapshot_id': older['id']}, 400)
        self.assertEqual('blockstore.snapshot.not_latest',
                         answer.json['badRequest']['error_code'])
        self.act(volume['id'], 'revert', {'snapshot_id': latest['id']})
        self.wait_status('volumes', volume['id'], 'available')
        self.assertEqual(b'A' * BLOCK, self.use(volume['id']))
        self.wait_status('snapshots', latest['id'], 'available')

    def test_delete_with_snapshots(self) -> None:
        volume = self.make_volume(1)
        snapshot = self.make_snapshot(volume['id'])
        path = self.path(f'volumes/{volume["id"]}')
        answer = self.api.delete(path)
        self.assertEqual(400, answer.status)
        self.assertEqual([f'snapshot {snapshot["id"]}'],
                         answer.json['badRequest']['blockers'])
        self.assertEqual(202, self.api.delete(f'{path}?cascade=1').status)
        self.wait_gone('volumes', volume['id'])
        self.wait_gone('snapshots', snapshot['id'])
        self.assertEqual((0, 0), self.used())

    def test_a_failure_is_told(self) -> None:
        self.driver.faults.fail(
            'create_volume', when='before',
            error=exceptions.VolumeBackendAPIException('no space'))
        answer = self.api.post(self.path('volumes'), {'volume': {'size': 1}})
        volume_id = answer.json['volume']['id']
        request_id = answer.headers['x-compute-request-id']
        self.assertRaises(AssertionError, self.wait_status, 'volumes',
                          volume_id, 'available')
        self.assertEqual('error',
                         self.show('volumes', volume_id)['status'])
        messages = self.api.get(self.path(
            f'messages?resource_uuid={volume_id}')).json['messages']
        self.assertEqual([request_id],
                         [one['request_id'] for one in messages])
        self.api.delete(self.path(f'volumes/{volume_id}'))
        self.wait_gone('volumes', volume_id)
        self.assertEqual((0, 0), self.used())
