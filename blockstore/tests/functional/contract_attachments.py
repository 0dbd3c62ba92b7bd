"""Attachments: contract rest-api §5, state-machines §1.2 and §4."""

from blockstore.db import models
from blockstore.lifecycle.statuses import SHOWN
from blockstore.lifecycle.volumes import VolumeStatus
from blockstore.tests.unit.api import base

NO_ID = '11111111-2222-3333-4444-555555555555'
SHORT = {'id', 'status', 'instance', 'volume_id'}
LONG = SHORT | {'attached_at', 'detached_at', 'attach_mode',
                'connection_info'}
FLAT = {'driver_volume_type', 'attachment_id', 'enforce_multipath',
        'access_mode', 'encrypted', 'qos_specs', 'cacheable'}
MOMENT = r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\Z'


class AttachmentTest(base.ApiTestCase):

    def setUp(self):
        super().setUp()
        self.volume_id = self.make_volume(attach_status='detached')

    def make(self, version='3.71', **content):
        return self.post('attachments', {'attachment': {
            'volume_uuid': self.volume_id, **content}}, version=version,
            token=base.MEMBER)

    def made(self, **content):
        answer = self.make(**content)
        self.assertEqual(200, answer.status, answer.raw)
        return answer.json['attachment']

    def connect(self, id_, **connector):
        return self.ask('PUT', f'attachments/{id_}', {'attachment': {
            'connector': {'host': 'h', **connector}}}, version='3.71',
            token=base.MEMBER)

    def complete(self, id_, **kwargs):
        kwargs = {'version': '3.44', 'token': base.MEMBER, **kwargs}
        return self.action(f'attachments/{id_}', 'os-complete', **kwargs)

    def volume(self):
        return self.get(f'volumes/{self.volume_id}').json['volume']

    def test_life(self):
        """Keys, statuses and times from the first to the last step."""
        made = self.made(instance_uuid=NO_ID)
        self.assertEqual(LONG, set(made))
        self.assertEqual(
            ('reserved', NO_ID, self.volume_id, '', '', 'null', {}),
            tuple(made[key] for key in (
                'status', 'instance', 'volume_id', 'attached_at',
                'detached_at', 'attach_mode', 'connection_info')))
        self.assertEqual('reserved', self.volume()['status'])
        answer = self.connect(made['id'], mountpoint='/dev/vdb')
        self.assertEqual(200, answer.status, answer.raw)
        connected = answer.json['attachment']
        self.assertEqual(LONG, set(connected))
        self.assertEqual(('attaching', '', 'rw'), tuple(
            connected[key] for key in ('status', 'detached_at',
                                       'attach_mode')))
        self.assertRegex(connected['attached_at'], MOMENT)
        info = connected['connection_info']
        self.assertEqual(FLAT | {'target'}, set(info))
        self.assertEqual(('nbd', made['id'], 'rw', False), tuple(
            info[key] for key in ('driver_volume_type', 'attachment_id',
                                  'access_mode', 'encrypted')))
        self.assertEqual(('attaching', []), (
            self.volume()['status'], self.volume()['attachments']))
        answer = self.complete(made['id'])
        self.assertEqual((204, b''), (answer.status, answer.raw))
        volume = self.volume()
        self.assertEqual(('in-use', '/dev/vdb'), (
            volume['status'], volume['attachments'][0]['device']))
        answer = self.ask('DELETE', f'attachments/{made["id"]}',
                          version='3.27', token=base.MEMBER)
        self.assertEqual((200, {'attachments': []}),
                         (answer.status, answer.json))
        self.assertEqual('available', self.volume()['status'])
        self.assert_fault(404, 'itemNotFound', self.get(
            f'attachments/{made["id"]}', version='3.27'))

    def test_lists(self):
        one = self.made(instance_uuid=NO_ID)['id']
        self.volume_id = self.make_volume()
        two = self.made(connector={'host': 'h'})['id']
        for path, keys in (('attachments', SHORT),
                           ('attachments/detail', LONG)):
            items = self.get(path, version='3.27').json['attachments']
            self.assertEqual([two, one], [item['id'] for item in items])
            self.assertEqual([keys] * 2, [set(item) for item in items])
        for name, value, wanted in (
                ('volume_id', self.volume_id, [two]),
                ('instance_id', NO_ID, [one]), ('status', 'reserved', [one]),
                ('attach_status', 'attaching', [two]),
                ('status', 'none', [])):
            items = self.get('attachments', version='3.71',
                             token=base.MEMBER, **{name: value})
            self.assertEqual(wanted, [
                item['id'] for item in items.json['attachments']], name)

    def test_bad_values(self):
        for content in ({'volume_uuid': 'x'}, {'volume_uuid': None},
                        {'instance_uuid': 'x'}, {'connector': 'x'},
                        {'connector': []}, {'mode': 'wr'}, {'mode': 1},
                        {'more': 1}):
            self.assert_fault(400, 'badRequest', self.make(**content))
        self.assert_fault(400, 'badRequest', self.post(
            'attachments', {'attachment': {}}, version='3.27'))
        self.assert_fault(404, 'itemNotFound', self.make(volume_uuid=NO_ID))
        self.assertEqual('available', self.volume()['status'])
        id_ = self.made()['id']
        for content in ({}, {'connector': None}, {'connector': {}},
                        {'connector': 'x'}, {'connector': {'host': 'h'},
                                             'more': 1}):
            self.assert_fault(400, 'badRequest', self.ask(
                'PUT', f'attachments/{id_}', {'attachment': content},
                version='3.27'))
        self.assertEqual([], self.clients.calls)

    def test_edges_of_versions(self):
        for version, content, status in (
                ('3.26', {}, 404), ('3.53', {'mode': 'ro'}, 400),
                ('3.54', {'mode': 'ro'}, 200)):
            answer = self.make(version, **content)
            self.assertEqual(status, answer.status, (version, answer.raw))
        made = answer.json['attachment']
        self.assertEqual('ro', made['attach_mode'])
        info = self.connect(made['id']).json['attachment']['connection_info']
        self.assertEqual('ro', info['access_mode'])
        self.assert_fault(404, 'itemNotFound',
                          self.complete(made['id'], version='3.43'))

    def test_statuses_of_the_volume(self):
        """Errors and all that is not free: 400, and nothing is stored."""
        for status in map(str, VolumeStatus):
            self.change(models.Volume, self.volume_id, status=status)
            answer = self.make()
            if status == 'available':
                self.assertEqual(200, answer.status)
                self.ask('DELETE', 'attachments/'
                         + answer.json['attachment']['id'], version='3.27')
            else:
                self.assert_fault(400, 'badRequest', answer)
                self.assertEqual(SHOWN.get(status, status),
                                 self.volume()['status'])
        self.assertEqual([], self.get(
            'attachments', version='3.27').json['attachments'])

    def test_errors_while_connecting(self):
        """PUT: a volume in error is a 409."""
        id_ = self.made()['id']
        for status in ('error', 'error_deleting', 'error_extending'):
            self.change(models.Volume, self.volume_id, status=status)
            self.assert_fault(409, 'conflictingRequest', self.connect(id_))

    def test_the_same_instance_again(self):
        """A live migration has two; only one is connected at a time."""
        one = self.made(instance_uuid=NO_ID)['id']
        self.connect(one)
        self.complete(one)
        other = NO_ID.replace('1', '2')
        self.assert_fault(400, 'badRequest', self.make(instance_uuid=other))
        self.assert_fault(400, 'badRequest', self.make())
        two = self.made(instance_uuid=NO_ID)['id']
        self.assertEqual('in-use', self.volume()['status'])
        self.assert_fault(409, 'conflictingRequest', self.connect(two))
        answer = self.ask('DELETE', f'attachments/{one}', version='3.27')
        self.assertEqual([two], [
            item['id'] for item in answer.json['attachments']])
        self.assertEqual([SHORT], [
            set(item) for item in answer.json['attachments']])
        self.assertEqual('reserved', self.volume()['status'])
        self.assertEqual(200, self.connect(two).status)
        self.assertEqual('attaching', self.volume()['status'])

    def test_multiattach(self):
        """Any number, and the volume is in use as long as one is."""
        self.change(models.Volume, self.volume_id, multiattach=True)
        ids = [self.made(instance_uuid=NO_ID)['id'], self.made()['id']]
        for id_ in ids:
            self.assertEqual(200, self.connect(id_).status)
            self.assertEqual(204, self.complete(id_).status)
        self.assertEqual(2, len(self.volume()['attachments']))
        for id_, status in zip(ids, ('in-use', 'available'), strict=True):
            self.ask('DELETE', f'attachments/{id_}', version='3.27')
            self.assertEqual(status, self.volume()['status'])

    def test_connected_at_once(self):
        made = self.made(connector={'host': 'h', 'mountpoint': '/dev/vdc'})
        self.assertEqual('attaching', made['status'])
        self.assertEqual(FLAT | {'target'}, set(made['connection_info']))
        self.assertEqual(1, len(self.clients.calls))

    def test_readers_do_not_get_the_way_in(self):
        id_ = self.made(connector={'host': 'h'})['id']
        for path in (f'attachments/{id_}', 'attachments/detail'):
            body = self.get(path, version='3.27', token=base.READER).json
            shown = body.get('attachment') or body['attachments'][0]
            self.assertEqual({}, shown['connection_info'])
