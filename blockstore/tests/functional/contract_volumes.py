"""Volumes and their actions: contract rest-api §1, state-machines §1.

What the handlers' own tests already hold is not repeated; here are the
statuses before and after each action, the edges of the microversions, and
that what was refused has changed nothing.
"""

import hashlib
import re

from blockstore.db import models
from blockstore.db import quotas as db_quotas
from blockstore.db import rows
from blockstore.db import services
from blockstore.lifecycle.volumes import VolumeStatus
from blockstore.tests.functional import base as functional
from blockstore.tests.unit.api import base

NO_ID = '11111111-2222-3333-4444-555555555555'
CONNECTOR = {'connector': {'host': 'h'}}
MOMENT = r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\Z'


class VolumeTest(base.ApiTestCase):

    def setUp(self):
        super().setUp()
        self.volume_id = self.make_volume(attach_status='detached')
        self.path = f'volumes/{self.volume_id}'

    def set(self, **values):
        self.change(models.Volume, self.volume_id, **values)

    def row(self):
        with self.database.read() as tx:
            return rows.get(tx, models.Volume, self.volume_id)

    def show(self, version='3.71', token=base.ADMIN):
        return self.get(self.path, version=version,
                        token=token).json['volume']

    def act(self, name, content=None, **kwargs):
        kwargs.setdefault('token', base.ADMIN)
        return self.action(self.path, name, content, **kwargs)

    def attach(self):
        self.set(status='available')
        answer = self.act('os-attach', {'mountpoint': '/dev/vdb',
                                        'instance_uuid': NO_ID})
        self.assertEqual((202, b''), (answer.status, answer.raw))
        return self.show()['attachments'][0]['attachment_id']


class ShownTest(VolumeTest):
    """§1 detail fields: their types, and what stands for nothing."""

    def test_types_of_values(self):
        for version in ('3.0', '3.71'):
            shown = self.show(version)
            for key in ('name', 'description', 'updated_at', 'volume_type',
                        'snapshot_id', 'source_volid', 'replication_status',
                        'consistencygroup_id', 'migration_status',
                        'os-vol-mig-status-attr:migstat',
                        'os-vol-mig-status-attr:name_id'):
                if key != 'updated_at':
                    self.assertIsNone(shown[key], key)
            self.assertRegex(shown['created_at'], MOMENT)
            for key, kind in (('size', int), ('bootable', str),
                              ('encrypted', bool), ('multiattach', bool),
                              ('metadata', dict), ('attachments', list)):
                self.assertIs(kind, type(shown[key]), key)
        self.assertIs(True, shown['consumes_quota'])
        self.assertIn(shown['shared_targets'], (True, False, None))
        for key in ('group_id', 'provider_id', 'service_uuid',
                    'cluster_name', 'volume_type_id'):
            self.assertIn(key, shown)
        self.assertNotIn('encryption_key_id', shown)
        self.assertIs(bool, type(self.show('3.48')['shared_targets']))

    def test_bootable(self):
        for value, shown in ((True, 'true'), ('no', 'false'), ('1', 'true')):
            answer = self.act('os-set_bootable', {'bootable': value})
            self.assertEqual((200, b''), (answer.status, answer.raw))
            self.assertEqual(shown, self.show('3.0')['bootable'])
        for content in ({}, None, {'bootable': None}, {'bootable': 'x'},
                        {'bootable': 1}, {'bootable': True, 'x': 1}):
            self.assert_fault(400, 'badRequest',
                              self.act('os-set_bootable', content))
        self.assertEqual('true', self.show()['bootable'])

    def test_attachments(self):
        """Only what is attached is listed; hosts are for services."""
        self.attach()
        one, = self.show()['attachments']
        self.assertEqual({'id', 'attachment_id', 'volume_id', 'server_id',
                          'host_name', 'device', 'attached_at'}, set(one))
        self.assertEqual((self.volume_id, self.volume_id, NO_ID, '/dev/vdb'), (
            one['id'], one['volume_id'], one['server_id'], one['device']))
        self.assertRegex(one['attached_at'], MOMENT)
        self.change(models.Attachment, one['attachment_id'],
                    attached_host='compute1')
        for token, host in ((base.ADMIN, 'compute1'), (base.MEMBER, None)):
            one, = self.show(token=token)['attachments']
            self.assertEqual(host, one['host_name'])
        self.change(models.Attachment, one['attachment_id'],
                    attach_status='attaching')
        self.assertEqual([], self.show()['attachments'])

    def test_admin_keys_in_the_metadata(self):
        """They appear after os-attach and go with the last attachment."""
        self.post(f'{self.path}/metadata', {'metadata': {'a': 'b'}})
        self.assertEqual({'a': 'b'}, self.show()['metadata'])
        self.attach()
        self.assertEqual({'a': 'b', 'attached_mode': 'rw'},
                         self.show()['metadata'])
        self.assertEqual({'metadata': {'a': 'b'}},
                         self.get(f'{self.path}/metadata').json)
        self.act('os-detach')
        self.assertEqual({'a': 'b'}, self.show()['metadata'])

    def test_update_replaces_the_metadata(self):
        self.post(f'{self.path}/metadata', {'metadata': {'a': 'b'}})
        for metadata, wanted in ((None, {'a': 'b'}), ({'c': 'd'}, {'c': 'd'}),
                                 ({}, {})):
            answer = self.ask('PUT', self.path,
                              {'volume': {'name': 'n', 'metadata': metadata}})
            self.assertEqual((200, wanted), (
                answer.status, answer.json['volume']['metadata']))

    def test_maintenance(self):
        """§1, §1.1: nothing is changed while an administrator works."""
        self.set(status='maintenance')
        for method, path, body in (
                ('PUT', self.path, {'volume': {'name': 'n'}}),
                ('POST', f'{self.path}/metadata', {'metadata': {'a': 'b'}}),
                ('PUT', f'{self.path}/metadata', {'metadata': {'a': 'b'}}),
                ('PUT', f'{self.path}/metadata/a', {'meta': {'a': 'b'}}),
                ('DELETE', f'{self.path}/metadata/a', None),
                ('POST', f'{self.path}/action',
                 {'os-initialize_connection': CONNECTOR}),
                ('POST', 'snapshots', {'snapshot': {
                    'volume_id': self.volume_id, 'force': True}})):
            self.assert_fault(400, 'badRequest', self.ask(method, path, body))
        shown = self.show()
        self.assertEqual((None, {}), (shown['name'], shown['metadata']))


class TagTest(VolumeTest):
    """§1.1, 3.15: an entity tag guards the metadata."""

    def test_the_tag_is_that_of_the_body(self):
        path = f'{self.path}/metadata'
        self.post(path, {'metadata': {'z': '1', 'a': '2', 'é': '3'}})
        self.post(path, {'metadata': {'z': '1', 'a': '2'}})
        answer = self.get(path, version='3.15')
        tag = hashlib.md5(answer.raw, usedforsecurity=False).hexdigest()
        self.assertEqual(tag, answer.headers['Etag'])
        for sent, status in (('"x"', 412), (f'"{tag}"', 200), (tag, 412)):
            answer = self.ask('PUT', path, {'metadata': {'b': sent}},
                              version='3.15', headers={'If-Match': sent})
            self.assertEqual(status, answer.status)
            self.assertEqual('volume 3.15',
                             answer.headers['OpenStack-API-Version'])
        self.assertEqual({'metadata': {'b': f'"{tag}"'}},
                         self.get(path).json)


class StatusTest(VolumeTest):
    """§1.2 and state-machines: what each action needs, and leads to."""

    # Action, content, statuses that it takes, status thereafter.
    NEEDS = (
        ('os-reserve', None, {'available'}, 'attaching'),
        ('os-attach', {'mountpoint': '/dev/vdb', 'host_name': 'h'},
         {'available', 'attaching', 'reserved'}, 'in-use'),
        ('os-extend', {'new_size': 2}, {'available', 'in-use'}, 'extending'),
        ('os-update_readonly_flag', {'readonly': True}, {'available'},
         'available'),
    )
    # These say nothing and do nothing where there is nothing to do.
    SILENT = (('os-unreserve', {'attaching': 'available'}),
              ('os-roll_detaching', {'detaching': 'in-use'}))

    def test_statuses_before(self):
        for name, content, sources, target in self.NEEDS:
            for status in map(str, VolumeStatus):
                self.set(status=status, size=1)
                answer = self.act(name, content, version='3.71')
                if status in sources:
                    self.assertEqual(202, answer.status,
                                     (name, status, answer.raw))
                    self.assertEqual(target, self.row().status)
                    self._detach()
                else:
                    self.assert_fault(400, 'badRequest', answer)
                    self.assertEqual((status, 1), (self.row().status,
                                                   self.row().size))

    def _detach(self):
        self.set(status='in-use')
        self.act('os-detach')

    def test_silent_ones(self):
        for name, moves in self.SILENT:
            for status in map(str, VolumeStatus):
                self.set(status=status)
                answer = self.act(name, {'any': 'thing'})
                self.assertEqual((202, b''), (answer.status, answer.raw))
                self.assertEqual(moves.get(status, status),
                                 self.row().status, (name, status))

    def test_begin_detaching(self):
        """It needs in-use and attached."""
        self.set(status='in-use', attach_status='detached')
        self.assert_fault(400, 'badRequest', self.act('os-begin_detaching'))
        self.attach()
        for status, code in (('in-use', 202), ('detaching', 400),
                             ('available', 400), ('error', 400)):
            self.set(status=status)
            self.assertEqual(code, self.act('os-begin_detaching').status)

    def test_deletable(self):
        for status in map(str, VolumeStatus):
            self.set(status=status)
            answer = self.ask('DELETE', self.path, token=base.MEMBER)
            wanted = 202 if status in (
                'available', 'error', 'error_restoring',
                'error_extending', 'error_managing') else 400
            self.assertEqual(wanted, answer.status, status)

    def test_the_same_client_attaches_twice(self):
        first = self.attach()
        answer = self.act('os-attach', {'mountpoint': '/dev/vdb',
                                        'instance_uuid': NO_ID})
        self.assertEqual(202, answer.status)
        answer = self.act('os-attach', {'mountpoint': '/dev/vdb',
                                        'host_name': 'other'})
        self.assert_fault(400, 'badRequest', answer)
        one, = self.show()['attachments']
        self.assertEqual(first, one['attachment_id'])

    def test_detach_names(self):
        """Two attachments need a name; an unknown one is a 404."""
        self.set(multiattach=True)
        self.attach()
        self.act('os-attach', {'mountpoint': '/x', 'host_name': 'h'})
        self.assertEqual(2, len(self.show()['attachments']))
        for content, status in (
                (None, 400), ({}, 400), ({'attachment_id': None}, 400),
                ({'attachment_id': 'x'}, 400), ({'attachment_id': NO_ID},
                                                404)):
            self.assertEqual(status, self.act('os-detach', content).status)
        first, second = self.show()['attachments']
        self.assertEqual(202, self.act('os-detach', {
            'attachment_id': first['attachment_id']}).status)
        self.assertEqual('in-use', self.row().status)
        self.assertEqual(202, self.act('os-detach').status)
        self.assertEqual(('available', 'detached'), (
            self.row().status, self.row().attach_status))

    def test_multiattach_is_reserved_while_in_use(self):
        self.set(multiattach=True)
        self.attach()
        self.assertEqual(202, self.act('os-reserve').status)
        self.assertEqual('attaching', self.row().status)
        self.assertEqual(202, self.act('os-unreserve').status)
        self.assertEqual('in-use', self.row().status)

    def test_bad_bodies(self):
        for name, contents in {
                'os-attach': (None, {}, {'mountpoint': '/x'},
                              {'host_name': 'h'},
                              {'mountpoint': '', 'host_name': 'h'},
                              {'mountpoint': 'x' * 256, 'host_name': 'h'},
                              {'mountpoint': '/x', 'instance_uuid': 'x'},
                              {'mountpoint': '/x', 'host_name': 'h' * 256},
                              {'mountpoint': '/x', 'host_name': None},
                              {'mountpoint': '/x', 'host_name': 'h',
                               'mode': 'wr'},
                              {'mountpoint': '/x', 'host_name': 'h',
                               'more': 1}),
                'os-initialize_connection': (None, {}, {'connector': None},
                                             {'connector': {}},
                                             {'connector': 'x'}),
                'os-terminate_connection': (None, {}),
                'os-extend': (None, {}, {'new_size': None}, {'new_size': 0},
                              {'new_size': 1}, {'new_size': '1'},
                              {'new_size': -2}, {'new_size': 'x'},
                              {'new_size': 2.5}, {'new_size': True},
                              {'new_size': 2 ** 31},
                              {'new_size': 2, 'more': 1}),
                'os-update_readonly_flag': (None, {}, {'readonly': None},
                                            {'readonly': 'x'}),
                'os-reset_status': (None, {}, {'status': 'x'},
                                    {'status': None}, {'more': 1},
                                    {'attach_status': 'x'},
                                    {'migration_status': 'x'},
                                    {'status': 'deleting'},
                                    {'status': 'in-use'})}.items():
            for content in contents:
                self.assert_fault(400, 'badRequest', self.act(name, content))
        row = self.row()
        self.assertEqual(('available', 'detached', 1),
                         (row.status, row.attach_status, row.size))

    def test_reset(self):
        for status in ('error_deleting', 'detaching', 'error', 'creating',
                       'maintenance', 'awaiting-transfer', 'available'):
            answer = self.act('os-reset_status', {'status': status})
            self.assertEqual((202, b''), (answer.status, answer.raw))
            self.assertEqual(status, self.show()['status'])
        self.attach()
        self.assertEqual(202, self.act('os-reset_status', {
            'status': 'in-use'}).status)
        self.assertEqual(202, self.act('os-reset_status', {
            'status': 'available', 'attach_status': 'detached'}).status)
        shown = self.show()
        self.assertEqual(('available', []), (shown['status'],
                                             shown['attachments']))
        for value, shown in (('migrating', 'migrating'), ('none', None)):
            self.act('os-reset_status', {'migration_status': value})
            self.assertEqual(shown, self.show()['migration_status'])

    def test_bytes_of_ours_cannot_be_called_foreign(self):
        """They would stay behind when the volume is deleted."""
        for status in ('managing', 'error_managing'):
            answer = self.act('os-reset_status', {'status': status})
            self.assert_fault(400, 'badRequest', answer)
            self.assertEqual('available', self.row().status)

    def test_extend_in_use_from_3_42(self):
        self.attach()
        for version, status in (('3.41', 400), ('3.42', 202)):
            self.assertEqual(status, self.act(
                'os-extend', {'new_size': '2'}, version=version).status)

    def test_extend_over_quota(self):
        """413, and neither size, status nor usage has changed."""
        with self.database.write() as tx:
            db_quotas.set_limits(tx, base.PROJECT, {'gigabytes': 2})
        answer = self.act('os-extend', {'new_size': 3})
        self.assert_fault(413, 'overLimit', answer)
        self.assertEqual(('0', '0'), (
            answer.headers['Retry-After'],
            answer.json['overLimit']['retryAfter']))
        self.assertEqual(('available', 1), (self.row().status,
                                            self.row().size))
        self.assertEqual(202, self.act('os-extend', {'new_size': 2}).status)

    def test_refused_ones_store_nothing(self):
        """§1 create: 400 and 413 leave no row, and no operation."""
        with self.database.write() as tx:
            db_quotas.set_limits(tx, base.PROJECT, {'volumes': 1})
        before = self.get('operations').json
        for body, status in (
                ({'size': 1}, 413), ({'size': 0}, 400), ({}, 400),
                ({'size': 1, 'availability_zone': 'nowhere'}, 400),
                ({'size': 1, 'volume_type': 'nothing'}, 404),
                ({'source_volid': self.volume_id, 'snapshot_id': NO_ID}, 400),
                ({'size': 1, 'imageRef': 'cirros'}, 400)):
            for version in ('3.0', '3.71'):
                answer = self.post('volumes', {'volume': body},
                                   version=version)
                self.assertEqual(status, answer.status, (body, answer.raw))
        self.assertEqual(1, len(self.get('volumes').json['volumes']))
        self.assertEqual(before, self.get('operations').json)

    def test_statuses_of_sources(self):
        """A snapshot must be available, a volume may be in use."""
        snapshot_id = self.make_snapshot(self.volume_id)
        for status in map(str, VolumeStatus):
            self.set(status=status)
            answer = self.post('volumes', {'volume': {
                'source_volid': self.volume_id}}, token=base.MEMBER)
            self.assertEqual(
                202 if status in ('available', 'in-use') else 400,
                answer.status, status)
        for status in ('creating', 'error', 'deleting', 'backing-up'):
            self.change(models.Snapshot, snapshot_id, status=status)
            self.assert_fault(400, 'badRequest', self.post(
                'volumes', {'volume': {'snapshot_id': snapshot_id}}))

    def test_copies_are_in_the_zone_of_their_source(self):
        """§1: another zone is a 400, as the bytes are where they are."""
        with self.database.write() as tx:
            for number, zone in enumerate(('az1', 'az2')):
                services.report(tx, f'node{number}@x', services.VOLUME,
                                zone=zone, capabilities={})
        self.set(availability_zone='az1')
        snapshot_id = self.make_snapshot(self.volume_id)
        for source in ({'source_volid': self.volume_id},
                       {'snapshot_id': snapshot_id}):
            for zone, status in (('az2', 400), ('az1', 202), (None, 202)):
                answer = self.post('volumes', {'volume': {
                    **source, 'availability_zone': zone}})
                self.assertEqual(status, answer.status, (source, zone))
            self.assertEqual(
                'az1', answer.json['volume']['availability_zone'])

    def test_revert(self):
        """3.40: wrong snapshots are a 400, wrong statuses a 409."""
        other = self.make_snapshot(self.make_volume())
        older, latest = (self.make_snapshot(self.volume_id) for _ in range(2))
        for content, status in (
                ({}, 400), ({'snapshot_id': None}, 400),
                ({'snapshot_id': 'x'}, 400), ({'snapshot_id': NO_ID}, 404),
                ({'snapshot_id': other}, 400), ({'snapshot_id': older}, 400)):
            self.assertEqual(status, self.act(
                'revert', content, version='3.40').status, content)
        for status, of_snapshot in (('in-use', 'available'),
                                    ('available', 'creating'),
                                    ('error', 'available')):
            self.set(status=status)
            self.change(models.Snapshot, latest, status=of_snapshot)
            self.assert_fault(409, 'conflictingRequest', self.act(
                'revert', {'snapshot_id': latest}, version='3.40'))
        self.set(status='available', size=2)
        self.change(models.Snapshot, latest, status='available')
        self.assert_fault(400, 'badRequest', self.act(
            'revert', {'snapshot_id': latest}, version='3.40'))
        self.set(size=1)
        self.assertEqual(202, self.act(
            'revert', {'snapshot_id': latest}, version='3.40').status)
        self.assertEqual('reverting', self.row().status)


class ReadOnlyTest(functional.FunctionalTest):
    """§1.2 readonly flag, state-machines §1.2: nobody writes any more."""

    def setUp(self) -> None:
        super().setUp()
        self.volume_id = self.make_volume(1)['id']
        self.act('os-update_readonly_flag', {'readonly': True}, 202)

    def act(self, name, content, status):
        answer = self.api.post(
            self.path(f'volumes/{self.volume_id}/action'), {name: content})
        self.assertEqual(status, answer.status, answer.text)
        return answer

    def test_attachments(self) -> None:
        attachment = self.attach(self.volume_id)
        self.assertEqual('ro', attachment['connection_info']['access_mode'])
        self.assertEqual('ro', attachment['attach_mode'])
        self.api.delete(self.path(f'attachments/{attachment["id"]}'))
        path = self.path('attachments')
        for further in ({'mode': 'rw'},
                        {'connector': {'host': 'h', 'mode': 'rw'}}):
            answer = self.api.post(path, {'attachment': {
                'volume_uuid': self.volume_id, **further}})
            self.assertEqual(400, answer.status, answer.text)
            self.assertEqual('blockstore.volume.read_only',
                             answer.json['badRequest']['error_code'])
        shown = self.show('volumes', self.volume_id)
        self.assertEqual(('available', {'readonly': 'True'}),
                         (shown['status'], shown['metadata']))
        self.assertEqual([], self.api.get(path).json['attachments'])

    def test_the_older_way(self) -> None:
        for mode, status in (({'mode': 'rw'}, 400), ({'mode': 'ro'}, 202)):
            self.act('os-attach', {'mountpoint': '/dev/vdb',
                                   'host_name': 'h', **mode}, status)
        answer = self.act('os-initialize_connection', CONNECTOR, 200)
        info = answer.json['connection_info']
        self.assertEqual({'driver_volume_type', 'data',
                          'enforce_multipath'}, set(info))
        self.assertEqual('ro', info['data']['access_mode'])
        for key in ('qos_specs', 'encrypted', 'cacheable',
                    'enforce_multipath'):
            self.assertIn(key, info['data'])
        self.assertEqual(
            {'readonly': 'True', 'attached_mode': 'ro'},
            self.show('volumes', self.volume_id)['metadata'])
        self.act('os-reset_status', {
            'status': 'available', 'attach_status': 'detached'}, 202)
        self.assertEqual({'readonly': 'True'}, self.show(
            'volumes', self.volume_id)['metadata'])

    def test_taken_away(self) -> None:
        self.act('os-update_readonly_flag', {'readonly': 'false'}, 202)
        attachment = self.attach(self.volume_id)
        self.assertEqual('rw', attachment['connection_info']['access_mode'])
        self.act('os-update_readonly_flag', {'readonly': True}, 400)


class WordsTest(VolumeTest):
    """Times look alike wherever they are shown (§0.5)."""

    def test_times(self):
        self.make_backup_service()
        snapshot_id = self.make_snapshot(self.volume_id)
        self.set(backup_id=None)
        answer = self.post('backups', {'backup': {
            'volume_id': self.volume_id}})
        for path in (f'snapshots/{snapshot_id}', self.path,
                     f'backups/{answer.json["backup"]["id"]}',
                     'operations'):
            text = self.get(path, version='3.71').raw.decode()
            found = re.findall(r'"[a-z_]+_at": "([^"]*)"', text)
            self.assertNotEqual([], found, path)
            for moment in found:
                self.assertRegex(moment, MOMENT)
