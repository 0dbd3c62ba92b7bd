"""Quotas: limits, what is counted, and what is refused."""

from blockstore.db import models
from blockstore.tests.unit.api import base

SET = f'os-quota-sets/{base.PROJECT}'
DEFAULTS = {'volumes': 10, 'snapshots': 10, 'gigabytes': 1000, 'backups': 10,
            'backup_gigabytes': 1000, 'groups': 10,
            'per_volume_gigabytes': -1}


class QuotaTestCase(base.ApiTestCase):
    """Makes volumes and changes limits."""

    def limit(self, **limits):
        answer = self.ask('PUT', SET, {'quota_set': limits})
        self.assertEqual(200, answer.status, answer.raw)
        return answer.json['quota_set']

    def make(self, **values):
        return self.post('volumes', {'volume': {'size': 1, **values}},
                         token=base.MEMBER)

    def usage(self):
        return self.get(SET, usage='True').json['quota_set']


class SetTest(QuotaTestCase):
    """/os-quota-sets and /os-quota-class-sets."""

    def test_defaults(self):
        self.assertEqual({'quota_set': {**DEFAULTS, 'id': base.PROJECT}},
                         self.get(SET, token=base.MEMBER).json)
        self.limit(volumes=3)
        self.assertEqual({'quota_set': {**DEFAULTS, 'id': base.PROJECT}},
                         self.get(SET + '/defaults').json)

    def test_own_limits_come_before_the_class_and_the_configuration(self):
        self.ask('PUT', 'os-quota-class-sets/default', {
            'quota_class_set': {'volumes': 5, 'backups': 6}})
        self.assertEqual({**DEFAULTS, 'volumes': 7, 'backups': 6},
                         self.limit(volumes='7'))
        self.assertEqual(200, self.ask('DELETE', SET).status)
        self.assertEqual(5, self.get(SET).json['quota_set']['volumes'])
        self.assertEqual(
            {'quota_class_set': {**DEFAULTS, 'volumes': 5, 'backups': 6,
                                 'id': 'default'}},
            self.get('os-quota-class-sets/default').json)

    def test_types_have_limits_by_name_that_survive_a_new_name(self):
        type_id = self.post('types', {'volume_type': {
            'name': 'gold'}}).json['volume_type']['id']
        self.assertEqual(2, self.limit(volumes_gold=2)['volumes_gold'])
        self.ask('PUT', f'types/{type_id}',
                 {'volume_type': {'name': 'silver'}})
        shown = self.get(SET).json['quota_set']
        self.assertEqual((2, -1), (shown['volumes_silver'],
                                   shown['gigabytes_silver']))
        self.assertNotIn('volumes_gold', shown)
        self.ask('DELETE', f'types/{type_id}')
        self.assertEqual({**DEFAULTS, 'id': base.PROJECT},
                         self.get(SET).json['quota_set'])

    def test_refusals(self):
        self.assertEqual(202, self.make().status)
        for body in ({'volumes': -2}, {'volumes': 'many'}, {'volumes': 1.5},
                     {'cats': 1}, {'volumes': 0}, {'volumes': 2 ** 31},
                     {'volumes': True}, {'volumes': None}):
            self.assert_fault(400, 'badRequest', self.ask(
                'PUT', SET, {'quota_set': body}))
        self.limit(id='whatever', tenant_id='x', volumes=1)

    def test_who_may(self):
        for method, path, body in (
                ('PUT', SET, {'quota_set': {'volumes': 99}}),
                ('DELETE', SET, None),
                ('GET', 'os-quota-class-sets/default', None)):
            self.assert_fault(403, 'forbidden', self.ask(
                method, path, body, token=base.MEMBER))
        self.assert_fault(403, 'forbidden',
                          self.get(SET, token=base.STRANGER))
        self.assertEqual(200, self.get(SET).status)


class UsageTest(QuotaTestCase):
    """What counts."""

    def test_rows_are_counted(self):
        volume_id = self.make_volume(size=4)
        self.make_snapshot(volume_id)
        shown = self.usage()
        self.assertEqual({'limit': 10, 'in_use': 1, 'reserved': 0},
                         shown['volumes'])
        self.assertEqual((1, 8), (shown['snapshots']['in_use'],
                                  shown['gigabytes']['in_use']))
        self.change(models.Volume, volume_id, use_quota=False)
        self.assertEqual(0, self.usage()['volumes']['in_use'])
        self.change(models.Volume, volume_id, use_quota=True, deleted=True)
        self.assertEqual(4, self.usage()['gigabytes']['in_use'])

    def test_snapshots_may_be_left_out_of_the_gigabytes(self):
        volume_id = self.make_volume()
        self.make_snapshot(volume_id)
        self.conf.set_override('no_snapshot_gb_quota', True, 'quota')
        self.assertEqual(1, self.usage()['gigabytes']['in_use'])
        self.limit(gigabytes=1)
        self.make_snapshot(volume_id)

    def test_limits(self):
        self.make_volume(size=3)
        answer = self.get('limits', token=base.MEMBER)
        self.assertEqual({'limits': {'rate': [], 'absolute': {
            'maxTotalVolumes': 10, 'maxTotalVolumeGigabytes': 1000,
            'maxTotalSnapshots': 10, 'maxTotalBackups': 10,
            'maxTotalBackupGigabytes': 1000, 'totalVolumesUsed': 1,
            'totalGigabytesUsed': 3, 'totalSnapshotsUsed': 0,
            'totalBackupsUsed': 0, 'totalBackupGigabytesUsed': 0}}},
            answer.json)

    def test_limits_of_another_project_from_3_39(self):
        self.make_volume()

        def used(**kwargs):
            answer = self.get('limits', project_id=base.OTHER_PROJECT,
                              **kwargs)
            return answer.json['limits']['absolute']['totalVolumesUsed']

        self.assertEqual(1, used(version='3.38'))
        self.assertEqual(0, used(version='3.39'))
        self.assertEqual(1, used(version='3.39', token=base.MEMBER))


class RefusalTest(QuotaTestCase):
    """What is over a limit is refused, and nothing of it stays."""

    def test_volumes(self):
        self.limit(volumes=1)
        self.assertEqual(202, self.make().status)
        refused = self.make()
        self.assert_fault(413, 'overLimit', refused)
        self.assertEqual('0', refused.headers['Retry-After'])
        fault = refused.json['overLimit']
        self.assertEqual('blockstore.quota.exceeded', fault['error_code'])
        self.assertIn('limit is 1, in use are 1, asked for were 1',
                      fault['message'])
        self.assertEqual(1, self.usage()['volumes']['in_use'])

    def test_gigabytes_of_volumes_and_snapshots(self):
        self.limit(gigabytes=5)
        self.assert_fault(413, 'overLimit', self.make(size=6))
        volume_id = self.make_volume(size=3)
        self.assert_fault(413, 'overLimit', self.post('snapshots', {
            'snapshot': {'volume_id': volume_id}}, token=base.MEMBER))
        self.assertEqual(0, self.usage()['snapshots']['in_use'])

    def test_one_volume(self):
        self.limit(per_volume_gigabytes=2)
        self.assertEqual(202, self.make(size=2).status)
        self.assert_fault(413, 'overLimit', self.make(size=3))

    def test_volumes_of_a_type(self):
        self.post('types', {'volume_type': {'name': 'gold'}})
        self.limit(volumes_gold=1)
        self.assertEqual(202, self.make(volume_type='gold').status)
        refused = self.make(volume_type='gold')
        self.assert_fault(413, 'overLimit', refused)
        self.assertIn('quota of volumes_gold is',
                      refused.json['overLimit']['message'])
        self.assertEqual(202, self.make().status)

    def test_no_limit(self):
        self.limit(volumes=-1)
        for _ in range(11):
            self.assertEqual(202, self.make().status)

    def test_other_projects_do_not_count(self):
        self.limit(volumes=1)
        self.make()
        self.assertEqual(202, self.post('volumes', {
            'volume': {'size': 1}}, token=base.STRANGER).status)
