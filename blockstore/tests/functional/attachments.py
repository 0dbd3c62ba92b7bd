"""Attachments over HTTP, down to the driver and back."""

from blockstore import exceptions
from blockstore.tests.functional import base


class AttachmentTest(base.FunctionalTest):

    def status(self, volume_id: str) -> str:
        """Return a volume's status."""
        return str(self.show('volumes', volume_id)['status'])

    def test_life(self) -> None:
        volume_id = self.make_volume(1)['id']
        attachment = self.attach(volume_id)
        self.assertEqual('in-use', self.status(volume_id))
        path = self.path(f'attachments/{attachment["id"]}')
        shown = self.api.get(path).json['attachment']
        self.assertEqual(('attached', attachment['connection_info']),
                         (shown['status'], shown['connection_info']))
        answer = self.api.delete(path)
        self.assertEqual((200, {'attachments': []}),
                         (answer.status, answer.json))
        self.assertEqual('available', self.status(volume_id))
        self.assertEqual(
            ['initialize_connection', 'terminate_connection'],
            [call.method for call in self.driver.calls
             if call.method.endswith('_connection')])

    def test_a_connector_that_does_not_do(self) -> None:
        volume_id = self.make_volume(1)['id']
        self.driver.faults.fail(
            'initialize_connection', when='before',
            error=exceptions.InvalidConnector('no initiator'))
        answer = self.api.post(self.path('attachments'), {'attachment': {
            'volume_uuid': volume_id, 'connector': {'host': 'h'}}})
        self.assertEqual(400, answer.status, answer.text)
        self.assertEqual('no initiator', answer.json['badRequest']['message'])
        self.assertEqual('available', self.status(volume_id))

    def test_a_back_end_that_fails(self) -> None:
        volume_id = self.make_volume(1)['id']
        self.driver.faults.fail(
            'initialize_connection', when='before',
            error=exceptions.VolumeBackendAPIException('down'))
        answer = self.api.post(self.path('attachments'), {'attachment': {
            'volume_uuid': volume_id, 'connector': {'host': 'h'}}})
        self.assertEqual(500, answer.status, answer.text)
        self.assertEqual([], self.api.get(
            self.path('attachments')).json['attachments'])
        self.assertEqual('available', self.status(volume_id))
        self.attach(volume_id)

    def test_the_older_way(self) -> None:
        volume_id = self.make_volume(1)['id']
        path = self.path(f'volumes/{volume_id}/action')
        for name, content, code, status in (
                ('os-reserve', None, 202, 'attaching'),
                ('os-initialize_connection', {'connector': {'host': 'h'}},
                 200, 'attaching'),
                ('os-attach', {'mountpoint': '/dev/vdb', 'host_name': 'h'},
                 202, 'in-use'),
                ('os-begin_detaching', None, 202, 'detaching'),
                ('os-terminate_connection', {'connector': {'host': 'h'}},
                 202, 'detaching'),
                ('os-detach', None, 202, 'available')):
            answer = self.api.post(path, {name: content})
            self.assertEqual(code, answer.status, answer.text)
            self.assertEqual(status, self.status(volume_id), name)
