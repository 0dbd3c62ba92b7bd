"""Snapshots: contract rest-api §2, state-machines §2."""

from blockstore.db import models
from blockstore.db import quotas as db_quotas
from blockstore.lifecycle.snapshots import RESETTABLE
from blockstore.lifecycle.snapshots import SnapshotStatus
from blockstore.lifecycle.volumes import VolumeStatus
from blockstore.tests.unit.api import base

NO_ID = '11111111-2222-3333-4444-555555555555'
EXTENDED = 'os-extended-snapshot-attributes:'
MOMENT = r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\Z'


class SnapshotTest(base.ApiTestCase):

    def setUp(self):
        super().setUp()
        self.volume_id = self.make_volume()

    def make(self, version=None, **content):
        return self.post('snapshots', {'snapshot': {
            'volume_id': self.volume_id, **content}}, version=version,
            token=base.MEMBER)

    def ids(self, version='3.71', **params):
        answer = self.get('snapshots', version=version, token=base.MEMBER,
                          **params)
        self.assertEqual(200, answer.status, answer.raw)
        return [one['id'] for one in answer.json['snapshots']]

    def test_values(self):
        made = self.make().json['snapshot']
        for key in ('name', 'description', 'updated_at'):
            self.assertIsNone(made[key], key)
        self.assertEqual(('creating', 1, {}), (
            made['status'], made['size'], made['metadata']))
        self.assertRegex(made['created_at'], MOMENT)
        shown = self.get(f'snapshots/{made["id"]}').json['snapshot']
        self.assertEqual(('0%', base.PROJECT), (
            shown[EXTENDED + 'progress'], shown[EXTENDED + 'project_id']))
        shown = self.get(f'snapshots/{made["id"]}',
                         version='3.71').json['snapshot']
        self.assertEqual((None, 'alice', True), (
            shown['group_snapshot_id'], shown['user_id'],
            shown['consumes_quota']))
        self.assertNotIn('links', shown)

    def test_size_stays(self):
        """It is that of the volume when the snapshot was taken."""
        id_ = self.make_snapshot(self.volume_id)
        self.change(models.Volume, self.volume_id, size=5)
        self.assertEqual(1, self.get(
            f'snapshots/{id_}').json['snapshot']['size'])

    def test_no_extended_keys_in_answers_to_writes(self):
        for version in ('3.0', '3.71'):
            made = self.make(version).json['snapshot']
            changed = self.ask('PUT', f'snapshots/{made["id"]}', {
                'snapshot': {'description': 'd'}}, version=version)
            self.assertEqual(200, changed.status, changed.raw)
            for shown in (made, changed.json['snapshot']):
                self.assertEqual([], [key for key in shown
                                      if key.startswith(EXTENDED)])

    def test_statuses_of_the_volume(self):
        for status in map(str, VolumeStatus):
            self.change(models.Volume, self.volume_id, status=status)
            for version, content, free in (
                    ('3.65', {}, {'available'}),
                    ('3.65', {'force': True}, {'available', 'in-use'}),
                    ('3.66', {}, {'available', 'in-use'})):
                answer = self.make(version, **content)
                self.assertEqual(202 if status in free else 400,
                                 answer.status, (status, version, content))

    def test_a_volume_without_a_back_end(self):
        self.change(models.Volume, self.volume_id, host=None)
        self.assert_fault(400, 'badRequest', self.make())
        self.assertEqual([], self.ids())

    def test_bad_values_store_nothing(self):
        for content in ({'name': 1}, {'name': 'x' * 256},
                        {'description': 'x' * 256}, {'force': 'x'},
                        {'force': 1}, {'metadata': 'x'},
                        {'metadata': {'k': 1}}, {'metadata': {'': 'v'}},
                        {'metadata': {'k': 'v' * 256}}, {'volume_id': 'x'},
                        {'file_format': {}}, {'use_quota': False},
                        {'purpose': 'backup'}):
            for version in ('3.0', '3.71'):
                self.assert_fault(400, 'badRequest',
                                  self.make(version, **content))
        self.assertEqual([], self.ids())

    def test_over_quota(self):
        for resource in ('snapshots', 'gigabytes'):
            with self.database.write() as tx:
                db_quotas.set_limits(tx, base.PROJECT, {
                    'snapshots': 5, 'gigabytes': 5, resource: 1})
                if resource == 'snapshots':
                    db_quotas.set_limits(tx, base.PROJECT, {resource: 0})
            answer = self.make()
            self.assert_fault(413, 'overLimit', answer)
            self.assertEqual('0', answer.headers['Retry-After'])
        self.assertEqual([], self.ids())

    def test_filters(self):
        one, two = (self.make_snapshot(self.volume_id, display_name=name)
                    for name in ('one', 'two'))
        self.post(f'snapshots/{one}/metadata', {'metadata': {'k': 'v'}},
                  token=base.MEMBER)
        self.change(models.Snapshot, two, status='error', use_quota=False)
        found = "{'k': 'v'}"
        for version, params, wanted in (
                ('3.0', {'name': 'one'}, [one]),
                ('3.0', {'status': 'error'}, [two]),
                ('3.0', {'volume_id': self.volume_id}, [two, one]),
                ('3.0', {'volume_id': NO_ID}, []),
                ('3.21', {'metadata': found}, [two, one]),
                ('3.22', {'metadata': found}, [one]),
                ('3.33', {'name~': 'x'}, None),
                ('3.34', {'name~': 'n'}, [one]),
                ('3.64', {'consumes_quota': 'false'}, [two, one]),
                ('3.65', {'consumes_quota': 'false'}, [two]),
                ('3.65', {'consumes_quota': 'true'}, [one])):
            if wanted is None:
                self.assert_fault(400, 'badRequest', self.get(
                    'snapshots', version=version, token=base.MEMBER,
                    **params))
            else:
                self.assertEqual(wanted, self.ids(version, **params),
                                 (version, params))
        self.assert_fault(400, 'badRequest', self.get(
            'snapshots', version='3.65', consumes_quota='perhaps'))

    def test_deletable(self):
        for status in map(str, SnapshotStatus):
            id_ = self.make_snapshot(self.volume_id, status)
            answer = self.ask('DELETE', f'snapshots/{id_}',
                              token=base.MEMBER)
            wanted = 202 if status in (
                'available', 'error', 'error_managing') else 400
            self.assertEqual(wanted, answer.status, status)
            if answer.status == 202:
                self.assertEqual(b'', answer.raw)
            self.change(models.Snapshot, id_, deleted=True)

    def test_force_delete_whatever_the_status(self):
        for status in map(str, SnapshotStatus):
            id_ = self.make_snapshot(self.volume_id, status)
            answer = self.action(f'snapshots/{id_}', 'os-force_delete')
            self.assertEqual((202, b''), (answer.status, answer.raw))
            self.assertEqual('deleting', self.get(
                f'snapshots/{id_}').json['snapshot']['status'])
            self.change(models.Snapshot, id_, deleted=True)

    def test_reset_to_each(self):
        id_ = self.make_snapshot(self.volume_id)
        for status in sorted(RESETTABLE):
            for spelled in (status, status.upper()):
                answer = self.action(f'snapshots/{id_}', 'os-reset_status',
                                     {'status': spelled})
                self.assertEqual((202, b''), (answer.status, answer.raw))
                self.assertEqual(status, self.get(
                    f'snapshots/{id_}').json['snapshot']['status'])
        self.assert_fault(404, 'itemNotFound', self.action(
            f'snapshots/{NO_ID}', 'os-reset_status', {'status': 'error'}))

    def test_metadata(self):
        """§2.1: each refusal, and that it changed nothing."""
        path = f'snapshots/{self.make_snapshot(self.volume_id)}/metadata'
        self.post(path, {'metadata': {'a': '1'}})
        for method, below, body, status in (
                ('POST', '', {'metadata': None}, 400),
                ('POST', '', {'metadata': {'a/b': 'c'}}, 400),
                ('POST', '', {'metadata': {'k' * 256: 'c'}}, 400),
                ('POST', '', {'meta': {'a': 'b'}}, 400),
                ('PUT', '', {'metadata': {'a': None}}, 400),
                ('PUT', '/a', {'meta': {'b': '2'}}, 400),
                ('PUT', '/a', {'meta': {'a': '2', 'b': '2'}}, 400),
                ('PUT', '/a', {'meta': {}}, 400),
                ('PUT', '/a', {'metadata': {'a': '2'}}, 400),
                ('GET', '/b', None, 404), ('DELETE', '/b', None, 404)):
            self.assertEqual(status, self.ask(
                method, path + below, body).status, (method, below, body))
        self.assertEqual({'metadata': {'a': '1'}}, self.get(path).json)
        self.assert_fault(404, 'itemNotFound', self.get(
            f'snapshots/{NO_ID}/metadata'))
