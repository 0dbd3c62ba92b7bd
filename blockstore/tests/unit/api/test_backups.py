"""Backups over HTTP, in the specification's form and in today's."""

from blockstore.db import models
from blockstore.tests.unit.api import base

NO_ID = '11111111-2222-3333-4444-555555555555'
AT_3_0 = {'id', 'status', 'size', 'object_count', 'availability_zone',
          'container', 'created_at', 'updated_at', 'name', 'description',
          'fail_reason', 'volume_id', 'links', 'is_incremental',
          'has_dependent_backups', 'snapshot_id', 'data_timestamp'}


class BackupTest(base.ApiTestCase):

    def setUp(self):
        super().setUp()
        self.make_backup_service()
        self.volume_id = self.make_volume(size=2)

    def _create(self, version=None, token=base.MEMBER, path='backups',
                **body):
        return self.post(path, {'backup': {
            'volume_id': self.volume_id, **body}}, version=version,
            token=token)

    def _made(self, **values):
        answer = self._create()
        self.assertEqual(202, answer.status, answer.raw)
        backup_id = answer.json['backup']['id']
        self.change(models.Backup, backup_id,
                    **{'status': 'available', **values})
        self.change(models.Volume, self.volume_id, backup_id=None)
        return backup_id

    def _show(self, backup_id, **kwargs):
        return self.get(f'backups/{backup_id}', **kwargs).json['backup']

    def test_create(self):
        self.clients.rings.clear()
        answer = self._create(name=' n ', description='d', container='c')
        self.assertEqual(202, answer.status, answer.raw)
        self.assertEqual({'id', 'name', 'links'}, set(answer.json['backup']))
        backup = self._show(answer.json['backup']['id'])
        for key, value in (('name', 'n'), ('description', 'd'), ('size', 2),
                           ('container', 'c'), ('status', 'creating'),
                           ('volume_id', self.volume_id),
                           ('is_incremental', False)):
            self.assertEqual(value, backup[key])
        self.assertEqual([('backup', None)], self.clients.rings)
        volume = self.get(f'volumes/{self.volume_id}').json['volume']
        self.assertEqual('backing-up', volume['status'])

    def test_form_of_the_specification(self):
        self.change(models.Volume, self.volume_id, status='in-use')
        answer = self._create(
            path=f'/v2/{base.PROJECT}/backups', display_name='nightly',
            display_description='of the volume', container='c', force=True)
        self.assertEqual(202, answer.status, answer.raw)
        backup = self._show(answer.json['backup']['id'])
        self.assertEqual(('nightly', 'of the volume', 'c'), (
            backup['name'], backup['description'], backup['container']))

    def test_force(self):
        for status, force, code in (
                ('in-use', None, 400), ('in-use', False, 400),
                ('in-use', 'no', 400), ('in-use', 'perhaps', 400),
                ('in-use', 1, 400), ('in-use', 'true', 202),
                ('available', None, 202), ('available', True, 202),
                ('error', True, 400)):
            self.change(models.Volume, self.volume_id, status=status,
                        backup_id=None)
            answer = self._create(force=force)
            self.assertEqual(code, answer.status, (status, force))
            if force is False:
                self.assertIn('must use the force flag',
                              answer.json['badRequest']['message'])

    def test_one_at_a_time(self):
        self.assertEqual(202, self._create().status)
        answer = self._create()
        self.assert_fault(400, 'badRequest', answer)
        self.assertEqual('blockstore.volume.backing_up',
                         answer.json['badRequest']['error_code'])

    def test_sources(self):
        other = self.make_snapshot(self.make_volume())
        mine = self.make_snapshot(self.volume_id)
        self.change(models.Volume, self.volume_id, status='in-use')
        for body, code in (({'snapshot_id': NO_ID}, 404),
                           ({'snapshot_id': other}, 400),
                           ({'snapshot_id': mine}, 202),
                           ({'snapshot_id': mine}, 400),
                           ({'volume_id': NO_ID}, 404),
                           ({'incremental': True, 'force': True}, 400)):
            answer = self._create(**body)
            self.assertEqual(code, answer.status, (body, answer.raw))
        self.assert_fault(404, 'itemNotFound',
                          self._create(token=base.STRANGER))

    def test_incremental(self):
        self._made()
        answer = self._create(incremental='true')
        self.assertEqual(202, answer.status, answer.raw)
        self.assertTrue(self._show(
            answer.json['backup']['id'])['is_incremental'])

    def test_bad_values(self):
        for key, values in {
                'volume_id': ('x', None, 1), 'snapshot_id': ('x', 1),
                'container': ('x' * 256, 1, 'a\x01'),
                'name': ('x' * 256, 1), 'display_name': ('x' * 256, 1),
                'display_description': ('x' * 256, 1),
                'incremental': ('perhaps', 2), 'force': ('', 2, []),
                'nothing': (1,)}.items():
            for value in values:
                answer = self._create(**{key: value})
                self.assert_fault(400, 'badRequest', answer)

    def test_keys_of_later_versions(self):
        for version, body, code in (
                ('3.42', {'metadata': {'k': 'v'}}, 400),
                ('3.50', {'availability_zone': 'nova'}, 400),
                ('3.43', {'metadata': {'k': 'v'}}, 202),
                ('3.51', {'availability_zone': 'nova'}, 202)):
            self.change(models.Volume, self.volume_id, backup_id=None)
            answer = self._create(version, **body)
            self.assertEqual(code, answer.status, (version, answer.raw))

    def test_keys_by_version_and_role(self):
        backup_id = self._made()
        project = 'os-backup-project-attr:project_id'
        for version, everybody, admins in (
                ('3.0', set(), set()), ('3.17', set(), set()),
                ('3.18', set(), {project}),
                ('3.43', {'metadata'}, {project}),
                ('3.56', {'metadata'}, {project, 'user_id'})):
            for token, more in ((base.READER, everybody),
                                (base.ADMIN, everybody | admins)):
                one = self._show(backup_id, version=version, token=token)
                self.assertEqual(AT_3_0 | more, set(one))
                long, = self.get('backups/detail', version=version,
                                 token=token).json['backups']
                self.assertEqual(one, long)

    def test_lists(self):
        one, two = self._made(display_name='one'), self._made(status='error')
        short = self.get('backups', status='available',
                         token=base.MEMBER).json['backups']
        self.assertEqual([one], [row['id'] for row in short])
        self.assertEqual({'id', 'name', 'links'}, set(short[0]))
        answer = self.get('backups/detail', limit='1', version='3.45',
                          with_count='true')
        self.assertEqual(([two], 2), (
            [row['id'] for row in answer.json['backups']],
            answer.json['count']))
        self.assertIn('backups_links', answer.json)
        for version, code in (('3.36', 400), ('3.37', 200)):
            self.assertEqual(code, self.get('backups', sort='name',
                                            version=version).status)
        self.assertEqual([], self.get('backups',
                                      token=base.STRANGER).json['backups'])

    def test_update(self):
        path = f'backups/{self._made()}'
        for version, body, code in (
                ('3.8', {'name': 'n'}, 404), ('3.9', {'name': 'n'}, 200),
                ('3.9', {'metadata': {}}, 400), ('3.9', {}, 400),
                ('3.43', {'metadata': {'k': 'v'}}, 200)):
            answer = self.ask('PUT', path, {'backup': body}, version=version,
                              token=base.MEMBER)
            self.assertEqual(code, answer.status, (version, answer.raw))
        self.assertEqual({'id', 'name', 'links'}, set(answer.json['backup']))
        shown = self.get(path, version='3.43').json['backup']
        self.assertEqual(('n', {'k': 'v'}),
                         (shown['name'], shown['metadata']))

    def test_restore(self):
        backup_id = self._made()
        path = f'backups/{backup_id}/restore'
        for body in ({'volume_id': 'x'}, {'volume_id': NO_ID, 'more': 1},
                     {'name': 1}, 'x', []):
            self.assert_fault(400, 'badRequest',
                              self.post(path, {'restore': body}))
        self.assert_fault(400, 'badRequest', self.post(path, {}))
        self.assert_fault(404, 'itemNotFound', self.post(
            path, {'restore': {'volume_id': NO_ID}}))
        self.assertEqual(403, self.post(path, {'restore': None},
                                        token=base.READER).status)
        answer = self.post(path, {'restore': {
            'volume_id': self.volume_id}}, token=base.MEMBER)
        self.assertEqual(202, answer.status, answer.raw)
        self.assertEqual({'backup_id': backup_id, 'volume_name': None,
                          'volume_id': self.volume_id},
                         answer.json['restore'])
        self.assertEqual('restoring', self._show(backup_id)['status'])

    def test_restore_to_a_new_volume(self):
        for body, name in (({'name': 'new'}, 'new'), (None, 'restore_')):
            backup_id = self._made()
            answer = self.post(f'backups/{backup_id}/restore',
                               {'restore': body}, token=base.MEMBER)
            self.assertEqual(202, answer.status, answer.raw)
            restored = answer.json['restore']
            self.assertTrue(restored['volume_name'].startswith(name))
            volume = self.get(f'volumes/{restored["volume_id"]}')
            self.assertEqual(2, volume.json['volume']['size'])

    def test_delete(self):
        path = f'backups/{self._made()}'
        for token, status in ((base.READER, 403), (base.STRANGER, 404),
                              (base.MEMBER, 202), (base.MEMBER, 400)):
            answer = self.ask('DELETE', path, token=token)
            self.assertEqual(status, answer.status)

    def test_actions(self):
        path = f'backups/{self._made()}'
        for name, content, token, status in (
                ('os-reset_status', {'status': 'error'}, base.MEMBER, 403),
                ('os-reset_status', {'status': 'creating'}, base.ADMIN, 400),
                ('os-reset_status', {}, base.ADMIN, 400),
                ('os-reset_status', {'status': 'error'}, base.ADMIN, 202),
                ('os-force_delete', {}, base.MEMBER, 403),
                ('os-force_delete', {}, base.ADMIN, 202)):
            answer = self.action(path, name, content, token=token)
            self.assertEqual(status, answer.status, (name, answer.raw))
