"""What uses a project's quota, told by ``quota explain``."""

import time

from blockstore.db import quotas
from blockstore.tests.functional import base
from blockstore.tests.functional import manage


class QuotaTest(manage.ManageTestCase):
    """quota explain."""

    def said(self):
        return self.say('quota', 'explain', base.PROJECT).splitlines()

    def limit(self, **limits):
        with self.database.write() as tx:
            quotas.set_limits(tx, base.PROJECT, limits)

    def test_nothing(self):
        self.limit(volumes=3, gigabytes=-1)
        said = self.said()
        self.assertEqual(['volumes: 0 of 3 in use, 3 left.',
                          'snapshots: 0 of 10 in use, 10 left.',
                          'gigabytes: 0 in use, without a limit.'], said[:3])
        self.assertEqual(5, len(said))

    def test_what_counts(self):
        self.limit(volumes=2, gigabytes=10)
        volume = self.make_volume(2)
        self.make_volume(1)
        self.make_snapshot(volume['id'])
        self.attach(volume['id'])
        self.make_backup(volume['id'], force=True)
        said = self.said()
        self.assertEqual(['volumes: 2 of 2 in use, nothing left: more is '
                          'refused.',
                          'snapshots: 1 of 10 in use, 9 left.',
                          'gigabytes: 5 of 10 in use, 5 left.'], said[:3])
        self.assertEqual(
            ['volumes that count: 1 available, 1 in-use; 3 GiB count as '
             'gigabytes.',
             'snapshots that count: 1 available; 2 GiB count as gigabytes.',
             'backups that count: 1 available; 2 GiB count as '
             'backup_gigabytes.',
             'Not counted, for the service made it for backups: 1 snapshot.'],
            said[5:])

    def test_snapshots_that_take_no_gigabytes(self):
        self.config_file.write_text(
            self.config_file.read_text()
            + '[quota]\nno_snapshot_gb_quota = true\n')
        self.make_snapshot(self.make_volume(2)['id'])
        said = self.said()
        self.assertIn('gigabytes: 2 of 1000 in use, 998 left.', said)
        self.assertIn('snapshots that count: 1 available; their GiB do not '
                      'count ([quota] no_snapshot_gb_quota).', said)

    def test_what_is_on_its_way(self):
        grown, gone = (self.make_volume(2)['id'] for _ in range(2))
        self.volume_manager.stop(time.monotonic() + 10)
        new = self.api.post(self.path('volumes'), {
            'volume': {'size': 3}}).json['volume']['id']
        self.api.post(self.path(f'volumes/{grown}/action'),
                      {'os-extend': {'new_size': 6}})
        self.api.delete(self.path(f'volumes/{gone}'))
        said = self.said()
        for sentence in (
                'gigabytes: 11 of 1000 in use, 989 left.',
                f'Reserved: volume {new} is creating and counts 3 GiB since '
                'it was asked for. If that fails, it counts until it is '
                'deleted.',
                f'Reserved: volume {grown} is extending and counts 6 GiB '
                'since it was asked for. If that fails, 4 GiB are given '
                'back.',
                f'Comes free: volume {gone} is deleting; its 2 GiB count '
                'until it is gone.'):
            self.assertIn(sentence, said)
