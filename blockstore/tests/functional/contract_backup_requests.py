"""Requests about backups: contract rest-api §4, state-machines §3.

What happens while a backup runs stands in ``contract_backups``.
"""

from blockstore.db import models
from blockstore.db import quotas as db_quotas
from blockstore.db import rows
from blockstore.lifecycle.backups import BackupStatus
from blockstore.lifecycle.volumes import VolumeStatus
from blockstore.tests.unit.api import base

NO_ID = '11111111-2222-3333-4444-555555555555'
MOMENT = r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\Z'


class BackupTest(base.ApiTestCase):

    def setUp(self):
        super().setUp()
        self.make_backup_service()
        self.volume_id = self.make_volume()

    def make(self, version=None, path='backups', **content):
        return self.post(path, {'backup': {
            'volume_id': self.volume_id, **content}}, version=version,
            token=base.MEMBER)

    def made(self, status='available', **content):
        answer = self.make('3.71', **content)
        self.assertEqual(202, answer.status, answer.raw)
        id_ = answer.json['backup']['id']
        self.change(models.Backup, id_, status=status)
        self.change(models.Volume, self.volume_id, backup_id=None)
        return id_

    def show(self, id_, version='3.71', token=base.ADMIN):
        return self.get(f'backups/{id_}', version=version,
                        token=token).json['backup']

    def restore(self, id_, content=None):
        return self.post(f'backups/{id_}/restore', {'restore': content},
                         token=base.MEMBER)

    def ids(self, **params):
        answer = self.get('backups', token=base.MEMBER, **params)
        self.assertEqual(200, answer.status, answer.raw)
        return [one['id'] for one in answer.json['backups']]

    def volume(self):
        with self.database.read() as tx:
            return rows.get(tx, models.Volume, self.volume_id)

    def test_values(self):
        shown = self.show(self.made())
        for key in ('name', 'description', 'fail_reason', 'snapshot_id'):
            self.assertIsNone(shown[key], key)
        for key, kind in (('size', int), ('is_incremental', bool),
                          ('has_dependent_backups', bool),
                          ('metadata', dict)):
            self.assertIs(kind, type(shown[key]), key)
        for key in ('created_at', 'data_timestamp'):
            self.assertRegex(shown[key], MOMENT)
        self.assertNotIn('encryption_key_id', shown)
        links = shown['links']
        self.assertEqual(['self', 'bookmark'], [one['rel'] for one in links])

    def test_container_that_no_store_could_keep(self):
        answer = self.make('3.71', container='\u00e9' * 200)
        self.assertEqual(400, answer.status, answer.raw)
        self.assertEqual([], self.ids())

    def test_answer(self):
        """202 and the short form, at every version."""
        for version in ('3.0', '3.71'):
            answer = self.make(version, name='n')
            self.assertEqual(202, answer.status)
            self.assertEqual({'id', 'name', 'links'},
                             set(answer.json['backup']))
            self.change(models.Volume, self.volume_id, backup_id=None)

    def test_the_seed_as_it_is_written(self):
        """R-117, R-120: the body of the specification, on /v2."""
        answer = self.post(f'/v2/{base.PROJECT}/backups', {'backup': {
            'display_name': 'nightly001',
            'display_description': 'Nightly backup',
            'volume_id': self.volume_id, 'container': 'nightlybackups',
            'force': True}}, token=base.MEMBER)
        self.assertEqual(202, answer.status, answer.raw)
        self.assertNotIn('OpenStack-API-Version', answer.headers)
        path = f'/v2/{base.PROJECT}/backups/{answer.json["backup"]["id"]}'
        shown = self.get(path).json['backup']
        self.assertEqual(
            ('nightly001', 'Nightly backup', 'nightlybackups'),
            (shown['name'], shown['description'], shown['container']))
        self.assertEqual([], [key for key in shown
                              if key.startswith('display_')])

    def test_the_modern_name_wins(self):
        """R-117, R-119."""
        shown = self.show(self.made(name='a', display_name='b',
                                    description='c',
                                    display_description='d'))
        self.assertEqual(('a', 'c'), (shown['name'], shown['description']))

    def test_statuses_of_the_volume(self):
        """R-115, R-116: in-use needs force, available does not."""
        for status in map(str, VolumeStatus):
            for force in (None, False, True):
                self.change(models.Volume, self.volume_id, status=status,
                            backup_id=None, previous_status=None)
                answer = self.make(force=force)
                free = status == 'available' or (
                    status == 'in-use' and force)
                self.assertEqual(202 if free else 400, answer.status,
                                 (status, force))
                self.assertEqual(status if free else None,
                                 self.volume().previous_status)

    def test_statuses_of_the_snapshot(self):
        """With a snapshot neither status nor force of the volume count."""
        snapshot_id = self.make_snapshot(self.volume_id)
        for status in ('creating', 'error', 'deleting', 'backing-up'):
            self.change(models.Snapshot, snapshot_id, status=status)
            self.assert_fault(400, 'badRequest',
                              self.make(snapshot_id=snapshot_id))
        self.change(models.Snapshot, snapshot_id, status='available')
        self.change(models.Volume, self.volume_id, status='error')
        shown = self.show(self.made(snapshot_id=snapshot_id))
        snapshot = self.get(f'snapshots/{snapshot_id}').json['snapshot']
        self.assertEqual('backing-up', snapshot['status'])
        self.assertEqual((snapshot_id, snapshot['created_at']), (
            shown['snapshot_id'], shown['data_timestamp']))

    def test_refused_ones_store_nothing(self):
        for content, status in (
                ({'volume_id': NO_ID}, 404), ({'snapshot_id': NO_ID}, 404),
                ({'incremental': True}, 400), ({'force': 'maybe'}, 400),
                ({'container': 'x' * 256}, 400),
                ({'availability_zone': ''}, 400),
                ({'metadata': {'k': None}}, 400), ({'file_format': 1}, 400),
                ({'parent_id': NO_ID}, 400)):
            self.assertEqual(status, self.make(
                '3.71', **content).status, content)
        for resource in ('backups', 'backup_gigabytes'):
            with self.database.write() as tx:
                db_quotas.set_limits(tx, base.PROJECT, {
                    'backups': 5, 'backup_gigabytes': 5, resource: 0})
            answer = self.make()
            self.assert_fault(413, 'overLimit', answer)
            self.assertEqual('0', answer.headers['Retry-After'])
        self.assertEqual([], self.ids())
        volume = self.volume()
        self.assertEqual(('available', None, None), (
            volume.status, volume.backup_id, volume.previous_status))

    def test_no_backup_service(self):
        """It is said at once: nothing is created that nobody works on."""
        id_ = self.made()
        with self.database.write() as tx:
            tx.execute(rows.table(models.Service).update().values(
                disabled=True))
        self.assert_fault(503, 'serviceUnavailable', self.make())
        answer = self.restore(id_)
        self.assert_fault(503, 'serviceUnavailable', answer)
        self.assertEqual([id_], self.ids())
        self.assertEqual(1, len(self.get('volumes').json['volumes']))

    def test_incremental_needs_an_available_one_of_that_volume(self):
        other = self.volume_id
        self.made()
        self.volume_id = self.make_volume()
        self.assert_fault(400, 'badRequest', self.make(incremental=True))
        self.volume_id = other
        self.change(models.Backup, self.ids()[0], status='error')
        self.assert_fault(400, 'badRequest', self.make(incremental=True))
        self.change(models.Backup, self.ids()[0], status='available')
        self.assertTrue(self.show(
            self.made(incremental=True))['is_incremental'])

    def test_update(self):
        """3.9: names; 3.43: metadata, which is replaced."""
        id_ = self.made(name='a', metadata={'a': 'b'})
        for version, content, status in (
                ('3.8', {'name': 'b'}, 404), ('3.9', {}, 400),
                ('3.9', {'status': 'error'}, 400),
                ('3.42', {'metadata': {}}, 400),
                ('3.9', {'display_name': 'b'}, 200),
                ('3.43', {'metadata': {'c': 'd'}}, 200),
                ('3.43', {'description': 'd'}, 200)):
            answer = self.ask('PUT', f'backups/{id_}', {'backup': content},
                              version=version, token=base.MEMBER)
            self.assertEqual(status, answer.status, (version, content))
        shown = self.show(id_)
        self.assertEqual(('b', 'd', {'c': 'd'}), (
            shown['name'], shown['description'], shown['metadata']))

    def test_deletable(self):
        for status in map(str, BackupStatus):
            id_ = self.made(status)
            answer = self.ask('DELETE', f'backups/{id_}', token=base.MEMBER)
            self.assertEqual(202 if status in ('available', 'error')
                             else 400, answer.status, status)
            if answer.status == 202:
                self.assertEqual((b'', 'deleting'), (
                    answer.raw, self.show(id_)['status']))

    def test_restorable(self):
        for status in map(str, BackupStatus):
            id_ = self.made(status)
            before = self.get('volumes').json
            answer = self.restore(id_)
            if status == 'available':
                self.assertEqual(202, answer.status, answer.raw)
                self.assertEqual({'backup_id', 'volume_id', 'volume_name'},
                                 set(answer.json['restore']))
            else:
                self.assert_fault(400, 'badRequest', answer)
                self.assertEqual(before, self.get('volumes').json)

    def test_targets_of_a_restore(self):
        """Available and large enough; else 400, and all stays as it was."""
        id_ = self.made()
        target = self.make_volume()
        for status in map(str, VolumeStatus):
            if status != 'available':
                self.change(models.Volume, target, status=status)
                self.assert_fault(400, 'badRequest',
                                  self.restore(id_, {'volume_id': target}))
        self.change(models.Volume, target, status='available')
        self.change(models.Backup, id_, size=2)
        self.assert_fault(400, 'badRequest',
                          self.restore(id_, {'volume_id': target}))
        self.assertEqual('available', self.show(id_)['status'])
        self.change(models.Volume, target, size=2)
        answer = self.restore(id_, {'volume_id': target, 'name': 'new'})
        self.assertEqual(202, answer.status, answer.raw)
        self.assertEqual('restoring-backup', self.get(
            f'volumes/{target}').json['volume']['status'])

    def test_restore_over_quota(self):
        id_ = self.made()
        with self.database.write() as tx:
            db_quotas.set_limits(tx, base.PROJECT, {'volumes': 1})
        self.assert_fault(413, 'overLimit', self.restore(id_))
        self.assertEqual('available', self.show(id_)['status'])

    def test_name_of_the_new_volume(self):
        id_ = self.made()
        answer = self.restore(id_)
        restored = answer.json['restore']
        self.assertEqual(f'restore_backup_{id_}', restored['volume_name'])
        volume = self.get(f'volumes/{restored["volume_id"]}').json['volume']
        self.assertEqual(restored['volume_name'], volume['name'])

    def test_volume_of_a_backup(self):
        """3.47; a backup must be available."""
        id_ = self.made('creating')
        self.assert_fault(400, 'badRequest', self.post(
            'volumes', {'volume': {'backup_id': id_}}, version='3.47'))
        self.assertEqual(1, len(self.get('volumes').json['volumes']))
        self.change(models.Backup, id_, status='available', size=3)
        self.assert_fault(400, 'badRequest', self.post('volumes', {
            'volume': {'backup_id': id_, 'size': 2}}, version='3.47'))
        self.assert_fault(400, 'badRequest', self.post('volumes', {
            'volume': {'backup_id': id_}}, version='3.46'))
        answer = self.post('volumes', {'volume': {'backup_id': id_}},
                           version='3.47')
        self.assertEqual((202, 3), (answer.status,
                                    answer.json['volume']['size']))
        self.assertEqual('restoring', self.show(id_)['status'])

    def test_actions(self):
        id_ = self.made()
        for status in ('creating', 'deleting', 'restoring', 'ERROR', '',
                       None, 1):
            self.assert_fault(400, 'badRequest', self.action(
                f'backups/{id_}', 'os-reset_status', {'status': status}))
        for name, content in (('os-reset_status', {'status': 'error'}),
                              ('os-reset_status', {'status': 'available'}),
                              ('os-force_delete', None)):
            answer = self.action(f'backups/{id_}', name, content)
            self.assertEqual((202, b''), (answer.status, answer.raw))
            self.assert_fault(404, 'itemNotFound', self.action(
                f'backups/{NO_ID}', name, content))

    def test_filters(self):
        one, two = self.made(name='one'), self.made('error', name='two')
        for params, wanted in (
                ({'name': 'one'}, [one]), ({'status': 'error'}, [two]),
                ({'volume_id': self.volume_id}, [two, one]),
                ({'volume_id': NO_ID}, []),
                ({'version': '3.34', 'name~': 'w'}, [two])):
            self.assertEqual(wanted, self.ids(**params), params)
