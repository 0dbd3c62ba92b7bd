"""Attachments over HTTP."""

from blockstore.db import models
from blockstore.tests.unit.api import base

NO_ID = '11111111-2222-3333-4444-555555555555'
INSTANCE = '99999999-2222-3333-4444-555555555555'
DETAIL = {'id', 'status', 'instance', 'volume_id', 'attached_at',
          'detached_at', 'attach_mode', 'connection_info'}


class AttachmentTest(base.ApiTestCase):

    def setUp(self):
        super().setUp()
        self.volume_id = self.make_volume()

    def _create(self, version='3.27', token=base.MEMBER, **body):
        return self.post('attachments', {'attachment': {
            'volume_uuid': self.volume_id, 'instance_uuid': INSTANCE,
            **body}}, version=version, token=token)

    def _volume(self):
        return self.get(f'volumes/{self.volume_id}').json['volume']

    def _ask(self, method, path, body=None, version='3.44',
             token=base.MEMBER):
        return self.ask(method, f'attachments{path}', body, version=version,
                        token=token)

    def test_the_way_that_nova_goes(self):
        answer = self._create()
        self.assertEqual(200, answer.status, answer.raw)
        attachment = answer.json['attachment']
        self.assertEqual(DETAIL, set(attachment))
        for key, value in (('status', 'reserved'), ('instance', INSTANCE),
                           ('attached_at', ''), ('detached_at', ''),
                           ('attach_mode', 'null'), ('connection_info', {})):
            self.assertEqual(value, attachment[key], key)
        self.assertEqual('reserved', self._volume()['status'])

        path = f'/{attachment["id"]}'
        answer = self._ask('PUT', path, {'attachment': {
            'connector': {'host': 'h', 'mountpoint': '/dev/vdb'}}})
        self.assertEqual(200, answer.status, answer.raw)
        info = answer.json['attachment']['connection_info']
        self.assertEqual(('nbd', 'x', 'rw', attachment['id']), (
            info['driver_volume_type'], info['target'], info['access_mode'],
            info['attachment_id']))
        self.assertNotIn('data', info)
        self.assertEqual('attaching', self._volume()['status'])

        answer = self._ask('POST', path + '/action', {'os-complete': {}})
        self.assertEqual((204, b''), (answer.status, answer.raw))
        self.assertNotIn('Content-Type', answer.headers)
        volume = self._volume()
        self.assertEqual(('in-use', '/dev/vdb', INSTANCE), (
            volume['status'], volume['attachments'][0]['device'],
            volume['attachments'][0]['server_id']))

        answer = self._ask('DELETE', path)
        self.assertEqual((200, {'attachments': []}),
                         (answer.status, answer.json))
        self.assertEqual('available', self._volume()['status'])
        self.assert_fault(404, 'itemNotFound', self._ask('GET', path))

    def test_create_with_connector(self):
        answer = self._create(connector={'host': 'h'})
        self.assertEqual('attaching', answer.json['attachment']['status'])
        self.assertEqual('initialize', self.clients.calls[0][0])

    def test_readers_see_no_way_in(self):
        answer = self._create(connector={'host': 'h'})
        path = f'/{answer.json["attachment"]["id"]}'
        for token, seen in ((base.MEMBER, True), (base.READER, False)):
            for one in (
                    self._ask('GET', path, token=token).json['attachment'],
                    self._ask('GET', '/detail',
                              token=token).json['attachments'][0]):
                self.assertEqual(DETAIL, set(one))
                self.assertEqual(seen, bool(one['connection_info']))

    def test_versions(self):
        for method, path in (('GET', ''), ('GET', '/detail'),
                             ('POST', ''), ('DELETE', f'/{NO_ID}')):
            answer = self._ask(method, path, version='3.26')
            self.assert_fault(404, 'itemNotFound', answer)
        self.assertEqual(400, self._create('3.53', mode='ro').status)
        answer = self._create('3.54', mode='ro')
        self.assertEqual('ro', answer.json['attachment']['attach_mode'])
        answer = self._ask('POST', f'/{NO_ID}/action', {'os-complete': {}},
                           version='3.43')
        self.assert_fault(404, 'itemNotFound', answer)

    def test_bad_values(self):
        for body in ({'volume_uuid': 'x'}, {'volume_uuid': None},
                     {'instance_uuid': 'x'}, {'connector': 'x'},
                     {'mode': 'rx'}, {'nothing': 1}):
            answer = self._create('3.54', **body)
            self.assert_fault(400, 'badRequest', answer)
        attachment_id = self._create().json['attachment']['id']
        for connector in ({}, None, 'x', [], {'host': {}}, {'host': 'h' * 256},
                          {'host': 'h', 'mode': 'rx'},
                          {'host': 'h', 'mountpoint': 1}):
            answer = self._ask('PUT', f'/{attachment_id}', {
                'attachment': {'connector': connector}})
            self.assert_fault(400, 'badRequest', answer)

    def test_volumes_that_do_not_do(self):
        self.assertEqual(404, self._create(volume_uuid=NO_ID).status)
        self.assertEqual(404, self._create(token=base.STRANGER).status)
        self.assertEqual(403, self._create(token=base.READER).status)
        self.change(models.Volume, self.volume_id, status='error')
        self.assertEqual(400, self._create().status)

    def test_one_client_unless_the_same(self):
        self.assertEqual(200, self._create().status)
        self.assertEqual(400, self._create(instance_uuid=NO_ID).status)
        self.assertEqual(200, self._create().status)

    def test_volume_in_error(self):
        attachment_id = self._create().json['attachment']['id']
        self.change(models.Volume, self.volume_id, status='error')
        answer = self._ask('PUT', f'/{attachment_id}', {
            'attachment': {'connector': {'host': 'h'}}})
        self.assert_fault(409, 'conflictingRequest', answer)

    def test_lists(self):
        one = self._create().json['attachment']['id']
        two = self._create().json['attachment']['id']
        short = self._ask('GET', f'?volume_id={self.volume_id}')
        self.assertEqual([two, one], [
            row['id'] for row in short.json['attachments']])
        self.assertEqual({'id', 'status', 'instance', 'volume_id'},
                         set(short.json['attachments'][0]))
        long = self._ask('GET', '/detail?limit=1&status=reserved')
        self.assertEqual(DETAIL, set(long.json['attachments'][0]))
        self.assertIn('attachments_links', long.json)
        for query in ('?instance_id=' + NO_ID, '?attach_status=attached'):
            self.assertEqual([], self._ask('GET', query).json['attachments'])
        self.assertEqual([], self._ask(
            'GET', '', token=base.STRANGER).json['attachments'])
        self.assertEqual(404, self._ask('GET', f'/{one}',
                                        token=base.STRANGER).status)
