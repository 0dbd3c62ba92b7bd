"""Snapshots over HTTP."""

from blockstore.db import models
from blockstore.tests.unit.api import base

NO_ID = '11111111-2222-3333-4444-555555555555'
AT_3_0 = {'id', 'name', 'description', 'volume_id', 'status', 'size',
          'metadata', 'created_at', 'updated_at'}
EXTENDED = {'os-extended-snapshot-attributes:progress',
            'os-extended-snapshot-attributes:project_id'}


class SnapshotTest(base.ApiTestCase):

    def setUp(self):
        super().setUp()
        self.volume_id = self.make_volume(size=3)

    def _create(self, version=None, token=base.MEMBER, **body):
        return self.post('snapshots', {'snapshot': {
            'volume_id': self.volume_id, **body}}, version=version,
            token=token)

    def test_create(self):
        self.clients.rings.clear()
        answer = self._create(name=' n ', description='d',
                              metadata={'k': 'v'})
        self.assertEqual(202, answer.status, answer.raw)
        snapshot = answer.json['snapshot']
        self.assertEqual(AT_3_0, set(snapshot))
        for key, value in (('name', 'n'), ('description', 'd'), ('size', 3),
                           ('status', 'creating'), ('updated_at', None),
                           ('metadata', {'k': 'v'}),
                           ('volume_id', self.volume_id)):
            self.assertEqual(value, snapshot[key])
        self.assertEqual([('volume', 'node1@qsd')], self.clients.rings)

    def test_older_names(self):
        snapshot = self._create(display_name='a', display_description='b')
        self.assertEqual(('a', 'b'), (
            snapshot.json['snapshot']['name'],
            snapshot.json['snapshot']['description']))

    def test_force(self):
        self.change(models.Volume, self.volume_id, status='in-use')
        for version, body, status in (
                ('3.0', {}, 400), ('3.0', {'force': False}, 400),
                ('3.0', {'force': 'no'}, 400), ('3.0', {'force': 'x'}, 400),
                ('3.0', {'force': True}, 202), ('3.65', {'force': 'y'}, 202),
                ('3.65', {}, 400), ('3.66', {}, 202),
                ('3.66', {'force': True}, 202),
                ('3.66', {'force': False}, 400),
                ('3.66', {'force': 'False'}, 400)):
            answer = self._create(version, **body)
            self.assertEqual(status, answer.status, (version, body))

    def test_sources_that_do_not_do(self):
        for volume_id, status in ((NO_ID, 404), (None, 404), ('x', 400),
                                  (1, 400)):
            answer = self._create(volume_id=volume_id)
            self.assertEqual(status, answer.status, volume_id)
        answer = self.post('snapshots', {'snapshot': {'name': 'n'}})
        self.assert_fault(400, 'badRequest', answer)
        self.assert_fault(404, 'itemNotFound',
                          self._create(token=base.STRANGER))
        self.change(models.Volume, self.volume_id, status='error')
        self.assert_fault(400, 'badRequest', self._create(force=True))

    def test_bodies_are_closed(self):
        for key in ('nothing', 'status', 'compute_snapshot_status'):
            self.assert_fault(400, 'badRequest', self._create(**{key: 'x'}))

    def test_keys_by_version(self):
        snapshot_id = self.make_snapshot(self.volume_id)
        for version, more in (
                ('3.0', set()), ('3.13', set()),
                ('3.14', {'group_snapshot_id'}),
                ('3.41', {'group_snapshot_id', 'user_id'}),
                ('3.65', {'group_snapshot_id', 'user_id',
                          'consumes_quota'})):
            one = self.get(f'snapshots/{snapshot_id}', version=version,
                           token=base.READER).json['snapshot']
            self.assertEqual(AT_3_0 | EXTENDED | more, set(one))
            long, = self.get('snapshots/detail', version=version,
                             token=base.READER).json['snapshots']
            self.assertEqual(one, long)
            short, = self.get('snapshots', version=version).json['snapshots']
            self.assertEqual(AT_3_0 | more, set(short))

    def test_lists(self):
        one = self.make_snapshot(self.volume_id, display_name='one')
        self.make_snapshot(self.volume_id, 'error', display_name='two')
        answer = self.get('snapshots', status='available', token=base.MEMBER)
        self.assertEqual([one], [row['id']
                                 for row in answer.json['snapshots']])
        self.assert_fault(400, 'badRequest',
                          self.get('snapshots', sort='name', version='3.29'))
        answer = self.get('snapshots/detail', sort='name:asc', limit='1',
                          version='3.45', with_count='true')
        self.assertEqual(('one', 2), (answer.json['snapshots'][0]['name'],
                                      answer.json['count']))
        self.assertIn('/v3/snapshots/detail?',
                      answer.json['snapshots_links'][0]['href'])
        self.assertEqual([], self.get(
            'snapshots', token=base.STRANGER).json['snapshots'])

    def test_update(self):
        path = f'snapshots/{self.make_snapshot(self.volume_id)}'
        answer = self.ask('PUT', path, {'snapshot': {'name': 'new'}},
                          token=base.MEMBER)
        self.assertEqual('new', answer.json['snapshot']['name'])
        self.assertEqual(AT_3_0, set(answer.json['snapshot']))
        for body in ({}, {'status': 'error'}, {'name': 1}):
            self.assert_fault(400, 'badRequest', self.ask(
                'PUT', path, {'snapshot': body}))

    def test_delete(self):
        path = f'snapshots/{self.make_snapshot(self.volume_id)}'
        for token, status in ((base.READER, 403), (base.STRANGER, 404),
                              (base.MEMBER, 202), (base.MEMBER, 400)):
            answer = self.ask('DELETE', path, token=token)
            self.assertEqual(status, answer.status)

    def test_metadata(self):
        path = f'snapshots/{self.make_snapshot(self.volume_id)}/metadata'
        self.post(path, {'metadata': {'a': '1'}}, token=base.MEMBER)
        answer = self.ask('PUT', f'{path}/b', {'meta': {'b': '2'}})
        self.assertEqual(({'meta': {'b': '2'}}), answer.json)
        self.assertEqual({'metadata': {'a': '1', 'b': '2'}},
                         self.get(path, token=base.READER).json)
        self.assertEqual({'meta': {'a': '1'}}, self.get(f'{path}/a').json)
        self.assertEqual(200, self.ask('DELETE', f'{path}/a').status)
        self.assert_fault(404, 'itemNotFound', self.get(f'{path}/a'))
        answer = self.ask('PUT', path, {'metadata': {'c': '3'}})
        self.assertEqual({'metadata': {'c': '3'}}, answer.json)
        self.assert_fault(400, 'badRequest', self.ask(
            'PUT', path, {'metadata': {'a/b': '3'}}))

    def test_reset_status(self):
        path = f'snapshots/{self.make_snapshot(self.volume_id)}'
        for content, token, status in (
                ({'status': 'error'}, base.MEMBER, 403),
                ({'status': 'nothing'}, base.ADMIN, 400),
                ({'status': 'error\n'}, base.ADMIN, 400),
                ({}, base.ADMIN, 400), (None, base.ADMIN, 400),
                ({'status': 'ERROR'}, base.ADMIN, 202)):
            answer = self.action(path, 'os-reset_status', content,
                                 token=token)
            self.assertEqual(status, answer.status, content)
        self.assertEqual('error', self.get(path).json['snapshot']['status'])

    def test_force_delete(self):
        snapshot_id = self.make_snapshot(self.volume_id, 'error_deleting')
        path = f'snapshots/{snapshot_id}'
        for token, status in ((base.MEMBER, 403), (base.ADMIN, 202)):
            answer = self.action(path, 'os-force_delete', {}, token=token)
            self.assertEqual(status, answer.status)
