"""Volumes over HTTP."""

from blockstore.db import models
from blockstore.tests.unit.api import base

NO_ID = '11111111-2222-3333-4444-555555555555'
AT_3_0 = {
    'id', 'name', 'description', 'status', 'size', 'availability_zone',
    'created_at', 'updated_at', 'volume_type', 'snapshot_id', 'source_volid',
    'metadata', 'links', 'user_id', 'bootable', 'encrypted',
    'replication_status', 'consistencygroup_id', 'multiattach',
    'attachments'}
TENANT = 'os-vol-tenant-attr:tenant_id'
ADMINS = {'os-vol-host-attr:host', 'os-vol-mig-status-attr:migstat',
          'os-vol-mig-status-attr:name_id', 'migration_status'}


class CreateTest(base.ApiTestCase):

    def _create(self, volume, version=None, token=base.MEMBER, **more):
        return self.post('volumes', {'volume': volume, **more},
                         version=version, token=token)

    def test_answer(self):
        answer = self._create({
            'size': '2', 'name': '  n ', 'description': 'd',
            'metadata': {'k': 'v'}})
        self.assertEqual(202, answer.status)
        volume = answer.json['volume']
        self.assertEqual(AT_3_0, set(volume))
        for key, value in (('size', 2), ('name', 'n'), ('description', 'd'),
                           ('status', 'creating'), ('bootable', 'false'),
                           ('metadata', {'k': 'v'}), ('attachments', []),
                           ('encrypted', False), ('multiattach', False),
                           ('user_id', 'alice'), ('updated_at', None)):
            self.assertEqual(value, volume[key], key)
        self.assertRegex(
            volume['created_at'],
            r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$')
        self.assertEqual([('scheduler', None)], self.clients.rings)

    def test_older_names(self):
        volume = self._create({'size': 1, 'display_name': 'old',
                               'display_description': 'older'}).json['volume']
        self.assertEqual(('old', 'older'),
                         (volume['name'], volume['description']))
        volume = self._create({'size': 1, 'display_name': 'old',
                               'name': 'new'}).json['volume']
        self.assertEqual('new', volume['name'])

    def test_sources(self):
        source = self.make_volume(size=2)
        snapshot = self.make_snapshot(source)
        for body in ({'source_volid': source}, {'snapshot_id': snapshot},
                     {'snapshot_id': snapshot, 'size': 3}):
            answer = self._create(body)
            self.assertEqual(202, answer.status, answer.raw)
            self.assertEqual(body.get('size', 2),
                             answer.json['volume']['size'])
        for status, body in (
                (404, {'source_volid': NO_ID}), (404, {'snapshot_id': NO_ID}),
                (400, {'source_volid': source, 'size': 1}),
                (400, {'source_volid': source, 'snapshot_id': snapshot}),
                (400, {'size': 1, 'imageRef': NO_ID}),
                (400, {'size': 1, 'multiattach': True}),
                (404, {'size': 1, 'volume_type': 'none'}), (400, {}),
                (400, {'size': None})):
            self.assertEqual(status, self._create(body).status, body)

    def test_bad_values(self):
        good = {'size': 1}
        for key, values in {
                'size': (0, -1, '0', '1.5', 1.5, 'x', True, 2 ** 31,
                         '99999999999', [], '1\n'),
                'name': (1, 'x' * 256, 'a\tb', []),
                'description': (1, 'x' * 256, 'a\x07'),
                'metadata': ('x', {'k': 1}, {'k': None}, {'': 'v'},
                             {'k' * 256: 'v'}, {'k': 'v' * 256},
                             {'k$': 'v'}, {'k\n': 'v'}, []),
                'snapshot_id': ('x', 1, ''), 'source_volid': ('x', 1),
                'volume_type': (1, 'x' * 256),
                'availability_zone': (1, '', 'x' * 256),
                'multiattach': ('perhaps', 2)}.items():
            for value in values:
                for version in ('3.0', '3.71'):
                    answer = self._create({**good, key: value}, version)
                    self.assert_fault(400, 'badRequest', answer)

    def test_unknown_keys(self):
        body = {'size': 1, 'nothing': 1}
        self.assertEqual(202, self._create(body, '3.52').status)
        self.assert_fault(400, 'badRequest', self._create(body, '3.53'))
        self.assert_fault(400, 'badRequest', self._create(
            {'size': 1}, nothing=1))
        hints = {'OS-SCH-HNT:scheduler_hints': {'same_host': NO_ID}}
        self.assertEqual(202, self._create({'size': 1}, **hints).status)

    def test_keys_of_later_versions(self):
        body = {'size': 1, 'group_id': NO_ID}
        self.assertEqual(202, self._create(body, '3.12').status)
        self.assertEqual(404, self._create(body, '3.13').status)
        body = {'size': 1, 'backup_id': NO_ID}
        self.assertEqual(202, self._create(body, '3.46').status)
        self.assertEqual(404, self._create(body, '3.47').status)

    def test_quota(self):
        for _ in range(10):
            self.assertEqual(202, self._create({'size': 1}).status)
        answer = self._create({'size': 1})
        self.assert_fault(413, 'overLimit', answer)
        self.assertEqual('0', answer.headers['Retry-After'])

    def test_roles(self):
        for token, status in ((base.READER, 403), (base.MEMBER, 202),
                              (base.ADMIN, 202)):
            answer = self._create({'size': 1}, token=token)
            self.assertEqual(status, answer.status)


class ShowTest(base.ApiTestCase):

    def _keys(self, path, version, token):
        answer = self.get(path, version=version, token=token)
        self.assertEqual(200, answer.status, answer.raw)
        volume = (answer.json.get('volume') or answer.json['volumes'][0])
        return set(volume)

    def test_keys_by_version_and_role(self):
        volume_id = self.make_volume()
        later = {'3.0': set(), '3.12': set(), '3.13': {'group_id'}}
        later['3.47'] = later['3.13']
        later['3.48'] = later['3.47'] | {'shared_targets', 'service_uuid'}
        later['3.63'] = later['3.48'] | {'volume_type_id'}
        later['3.65'] = later['3.71'] = later['3.63'] | {'consumes_quota'}
        admins = {'3.0': set(), '3.12': set(), '3.13': set(),
                  '3.47': {'provider_id'}, '3.48': {'provider_id'}}
        for version, keys in later.items():
            for path in (f'volumes/{volume_id}', 'volumes/detail'):
                for token in (base.MEMBER, base.READER):
                    self.assertEqual(
                        AT_3_0 | {TENANT} | keys,
                        self._keys(path, version, token))
                more = admins.get(version, {'provider_id', 'cluster_name'})
                self.assertEqual(
                    AT_3_0 | ADMINS | {TENANT} | keys | more,
                    self._keys(path, version, base.ADMIN))

    def test_short_list(self):
        volume_id = self.make_volume(display_name='n')
        answer = self.get('volumes', token=base.MEMBER)
        url = 'http://localhost:80'
        self.assertEqual([{'id': volume_id, 'name': 'n', 'links': [
            {'rel': 'self', 'href': f'{url}/v3/volumes/{volume_id}'},
            {'rel': 'bookmark', 'href': f'{url}/volumes/{volume_id}'}]}],
            answer.json['volumes'])

    def test_backing_up_is_a_view(self):
        volume_id = self.make_volume()
        for status, backup, shown in (
                ('available', None, 'available'),
                ('available', NO_ID, 'backing-up'),
                ('in-use', NO_ID, 'backing-up'),
                ('extending', NO_ID, 'extending')):
            self.change(models.Volume, volume_id, status=status,
                        backup_id=backup)
            answer = self.get(f'volumes/{volume_id}', token=base.MEMBER)
            self.assertEqual(shown, answer.json['volume']['status'])
            for wanted in ('available', 'in-use', 'backing-up', 'extending'):
                found = self.get('volumes', token=base.MEMBER, status=wanted,
                                 version='3.45', with_count='1').json
                self.assertEqual(wanted == shown, bool(found['volumes']))
                self.assertEqual(wanted == shown, found['count'] == 1)

    def test_other_projects(self):
        volume_id = self.make_volume()
        path = f'volumes/{volume_id}'
        for method, body in (('GET', None), ('DELETE', None),
                             ('PUT', {'volume': {'name': 'mine'}})):
            self.assert_fault(404, 'itemNotFound', self.ask(
                method, path, body, token=base.STRANGER))
        self.assert_fault(404, 'itemNotFound', self.action(
            path, 'os-extend', {'new_size': 2}, token=base.STRANGER))
        self.assertEqual([], self.get(
            'volumes', token=base.STRANGER).json['volumes'])

    def test_attachments(self):
        volume_id = self.make_volume()
        path = f'volumes/{volume_id}'
        answer = self.action(path, 'os-attach', {
            'instance_uuid': NO_ID, 'mountpoint': '/dev/vdb',
            'host_name': 'h'}, token=base.MEMBER)
        self.assertEqual(202, answer.status, answer.raw)
        for token, host in ((base.MEMBER, None), (base.ADMIN, 'h')):
            volume = self.get(path, token=token).json['volume']
            self.assertEqual('in-use', volume['status'])
            self.assertEqual({'attached_mode': 'rw'}, volume['metadata'])
            attached, = volume['attachments']
            self.assertEqual(
                {'id': volume_id, 'volume_id': volume_id,
                 'server_id': NO_ID, 'host_name': host,
                 'device': '/dev/vdb'},
                {key: attached[key] for key in (
                    'id', 'volume_id', 'server_id', 'host_name', 'device')})
            self.assertEqual(7, len(attached))

    def test_summary(self):
        one, two = self.make_volume(size=2), self.make_volume(size=3)
        for id_, value in ((one, 'a'), (two, 'b')):
            self.post(f'volumes/{id_}/metadata',
                      {'metadata': {'k': value, 'same': 's'}})
        answer = self.get('volumes/summary', version='3.12')
        self.assertEqual({'volume-summary': {
            'total_count': 2, 'total_size': 5}}, answer.json)
        answer = self.get('volumes/summary', version='3.36')
        self.assertEqual({'k': ['a', 'b'], 'same': ['s']},
                         answer.json['volume-summary']['metadata'])
        answer = self.get('volumes/summary', version='3.12', all_tenants='x')
        self.assert_fault(400, 'badRequest', answer)

    def test_encryption(self):
        path = f'volumes/{self.make_volume()}/encryption'
        self.assertEqual({'encryption_key_id': None},
                         self.get(path, token=base.READER).json)
        self.assertEqual(200, self.get(f'{path}/encryption_key_id').status)
        self.assertEqual(404, self.get(f'{path}/cipher').status)


class ChangeTest(base.ApiTestCase):

    def setUp(self):
        super().setUp()
        self.path = f'volumes/{self.make_volume()}'

    def test_update(self):
        for body, wanted in (
                ({'name': 'a', 'description': 'b'}, ('a', 'b')),
                ({'display_name': 'c'}, ('c', 'b')),
                ({'description': None}, ('c', None))):
            answer = self.ask('PUT', self.path, {'volume': body},
                              token=base.MEMBER)
            self.assertEqual(200, answer.status, answer.raw)
            volume = answer.json['volume']
            self.assertEqual(wanted, (volume['name'], volume['description']))
            self.assertEqual(AT_3_0, set(volume))

    def test_nothing_to_update(self):
        for version, status in (('3.52', 200), ('3.53', 400)):
            answer = self.ask('PUT', self.path, {'volume': {}},
                              version=version)
            self.assertEqual(status, answer.status, answer.raw)

    def test_delete(self):
        self.assertEqual(403, self.ask('DELETE', self.path,
                                       token=base.READER).status)
        answer = self.ask('DELETE', self.path, token=base.MEMBER)
        self.assertEqual((202, b''), (answer.status, answer.raw))
        self.assertEqual('deleting',
                         self.get(self.path).json['volume']['status'])
        self.assert_fault(400, 'badRequest', self.ask('DELETE', self.path))

    def test_delete_with_snapshots(self):
        self.make_snapshot(self.path.split('/')[1])
        self.assert_fault(400, 'badRequest', self.ask('DELETE', self.path))
        for value, status in (('perhaps', 400), ('false', 400),
                              ('true', 202)):
            answer = self.ask('DELETE', self.path, cascade=value)
            self.assertEqual(status, answer.status, answer.raw)

    def test_delete_by_force(self):
        self.change(models.Volume, self.path.split('/')[1],
                    status='error_deleting')
        for version, token, status in (
                ('3.22', base.ADMIN, 400), ('3.23', base.MEMBER, 403),
                ('3.23', base.ADMIN, 202)):
            answer = self.ask('DELETE', self.path, version=version,
                              token=token, force='true')
            self.assertEqual(status, answer.status, answer.raw)


class MetadataTest(base.ApiTestCase):

    def setUp(self):
        super().setUp()
        self.path = f'volumes/{self.make_volume()}/metadata'

    def test_all_keys(self):
        for method, body, wanted in (
                ('GET', None, {}), ('POST', {'a': '1'}, {'a': '1'}),
                ('POST', {'b': '2'}, {'a': '1', 'b': '2'}),
                ('PUT', {'c': '3'}, {'c': '3'}), ('GET', None, {'c': '3'}),
                ('PUT', {}, {})):
            answer = self.ask(method, self.path,
                              None if body is None else {'metadata': body},
                              token=base.MEMBER)
            self.assertEqual((200, {'metadata': wanted}),
                             (answer.status, answer.json))

    def test_one_key(self):
        path = f'{self.path}/k'
        self.assert_fault(404, 'itemNotFound', self.get(path))
        answer = self.ask('PUT', path, {'meta': {'k': 'v'}})
        self.assertEqual((200, {'meta': {'k': 'v'}}),
                         (answer.status, answer.json))
        self.assertEqual({'meta': {'k': 'v'}}, self.get(path).json)
        for bad in ({'other': 'v'}, {'k': 'v', 'l': 'w'}, {}, {'k': 1}):
            self.assert_fault(400, 'badRequest',
                              self.ask('PUT', path, {'meta': bad}))
        self.assertEqual(200, self.ask('DELETE', path).status)
        self.assert_fault(404, 'itemNotFound', self.ask('DELETE', path))

    def test_tag(self):
        self.assertNotIn('Etag', self.get(self.path, version='3.14').headers)
        tag = self.get(self.path, version='3.15').headers['Etag']
        body = {'metadata': {'a': '1'}}
        for version, sent, status in (('3.15', 'x', 412), ('3.15', tag, 200),
                                      ('3.15', tag, 412), ('3.14', 'x', 200)):
            answer = self.ask('PUT', self.path, body, version=version,
                              headers={'If-Match': sent})
            self.assertEqual(status, answer.status)

    def test_roles(self):
        self.assertEqual(200, self.get(self.path, token=base.READER).status)
        for method in ('PUT', 'POST'):
            self.assertEqual(403, self.ask(
                method, self.path, {'metadata': {}},
                token=base.READER).status)


class ActionTest(base.ApiTestCase):

    def setUp(self):
        super().setUp()
        self.volume_id = self.make_volume()
        self.path = f'volumes/{self.volume_id}'
        self.clients.rings.clear()

    def _act(self, name, content=None, status=202, token=base.MEMBER, **kw):
        answer = self.action(self.path, name, content, token=token, **kw)
        self.assertEqual(status, answer.status, answer.raw)
        return answer

    def _status(self):
        return self.get(self.path).json['volume']['status']

    def test_reserve(self):
        self._act('os-reserve')
        self.assertEqual('attaching', self._status())
        self._act('os-reserve', {}, 400)
        self._act('os-unreserve', 'anything')
        self.assertEqual('available', self._status())
        self._act('os-unreserve')

    def test_attach_and_detach(self):
        for bad in ({}, {'mountpoint': '/dev/vdb'},
                    {'mountpoint': '', 'host_name': 'h'},
                    {'mountpoint': 'x', 'instance_uuid': 'x'},
                    {'mountpoint': 'x', 'instance_uuid': None},
                    {'mountpoint': 'x', 'host_name': 'h', 'mode': 'rx'},
                    {'mountpoint': 'x', 'host_name': 'h', 'more': 1}, None):
            self._act('os-attach', bad, 400)
        self._act('os-begin_detaching', {}, 400)
        self._act('os-attach', {'mountpoint': 'x', 'host_name': 'h'})
        self._act('os-begin_detaching')
        self.assertEqual('detaching', self._status())
        self._act('os-roll_detaching')
        self.assertEqual('in-use', self._status())
        self._act('os-detach', {'attachment_id': 'x'}, 400)
        self._act('os-detach', {'attachment_id': NO_ID}, 404)
        self._act('os-detach')
        self.assertEqual('available', self._status())

    def test_force_detach(self):
        self._act('os-attach', {'mountpoint': 'x', 'host_name': 'h'})
        self._act('os-force_detach', {}, 403)
        self._act('os-force_detach', {'connector': {'host': 'h'}},
                  token=base.ADMIN)
        self.assertEqual('available', self._status())

    def test_connection(self):
        answer = self._act('os-initialize_connection',
                           {'connector': {'host': 'h'}}, 200)
        info = answer.json['connection_info']
        self.assertEqual('nbd', info['driver_volume_type'])
        self.assertEqual('rw', info['data']['access_mode'])
        for bad in ({}, {'connector': None}, {'connector': 'x'}, None):
            self._act('os-initialize_connection', bad, 400)
        for connector in ({'host': 'h'}, None, 'x'):
            self._act('os-terminate_connection', {'connector': connector})
        self.assertEqual(
            ['initialize', 'terminate', 'terminate', 'terminate'],
            [call[0] for call in self.clients.calls])

    def test_extend(self):
        for bad in ({}, {'new_size': 1}, {'new_size': 0}, {'new_size': 'x'},
                    {'new_size': 2 ** 31}, {'new_size': None}):
            self._act('os-extend', bad, 400)
        self._act('os-extend', {'new_size': '2'})
        self.assertEqual('extending', self._status())
        self.assertEqual([('volume', 'node1@qsd')], self.clients.rings)

    def test_extend_in_use(self):
        self.change(models.Volume, self.volume_id, status='in-use')
        self._act('os-extend', {'new_size': 2}, 400, version='3.41')
        self._act('os-extend', {'new_size': 2}, 202, version='3.42')

    def test_reset_status(self):
        self._act('os-reset_status', {'status': 'error'}, 403)
        for bad in ({}, {'status': 'nothing'}, {'status': None},
                    {'status': 'deleting'}, {'status': 'in-use'},
                    {'attach_status': 'x'}, {'migration_status': 'x'},
                    {'more': 1}):
            self._act('os-reset_status', bad, 400, base.ADMIN)
        self._act('os-reset_status', {
            'status': 'error', 'attach_status': 'detached',
            'migration_status': 'none'}, 202, base.ADMIN)
        self.assertEqual('error', self._status())

    def test_force_delete(self):
        self.change(models.Volume, self.volume_id, status='error_deleting')
        self._act('os-force_delete', {}, 403)
        self._act('os-force_delete', {}, 202, base.ADMIN)
        self.assertEqual('deleting', self._status())

    def test_revert(self):
        snapshot = self.make_snapshot(self.volume_id)
        for version, content, status in (
                ('3.39', {'snapshot_id': snapshot}, 404),
                ('3.40', {}, 400), ('3.40', {'snapshot_id': None}, 400),
                ('3.40', {'snapshot_id': snapshot}, 202)):
            self._act('revert', content, status, version=version)
        self.assertEqual('reverting', self._status())

    def test_flags(self):
        self._act('os-set_bootable', {'bootable': 'TRUE'}, 200)
        self._act('os-set_bootable', {'bootable': 'perhaps'}, 400)
        self._act('os-update_readonly_flag', {'readonly': True})
        self._act('os-update_readonly_flag', {}, 400)
        volume = self.get(self.path).json['volume']
        self.assertEqual('true', volume['bootable'])
        self.assertEqual({'readonly': 'True'}, volume['metadata'])

    def test_readers_do_nothing(self):
        for name in ('os-reserve', 'os-attach', 'os-extend', 'revert',
                     'os-initialize_connection', 'os-set_bootable'):
            self._act(name, None, 403, base.READER, version='3.71')
