"""A volume and its snapshot move from one installation to another."""

from oslotest import base as test_base

from blockstore.tests.crash import managed
from blockstore.tests.lvm import real
from blockstore.tests.lvm import service


class MovingTest(service.Served, test_base.BaseTestCase):
    """Unmanaged here, managed there: on one volume group, byte by byte."""

    def test_from_one_to_the_other(self):
        here = self.stage()
        snapshot_id = here.make_snapshot()
        frozen = here.snapshot_bytes(snapshot_id)
        here.write()
        here.detach()
        written = here.volume_bytes(here.volume_id)
        self.assertNotEqual(frozen, written)
        here.must('POST', f'snapshots/{snapshot_id}/action',
                  {'os-unmanage': None})
        here.await_end()
        here.must('POST', f'volumes/{here.volume_id}/action',
                  {'os-unmanage': None})
        here.await_end()
        for noun in ('volumes', 'snapshots'):
            self.assertEqual(set(), here.checks.ids(noun))
        here.settle()
        self.assertEqual([f'_snapshot-{snapshot_id}',
                          f'volume-{here.volume_id}'], real.names())
        here.service.kill()
        there = self.stage(attached=False)
        volume = managed.manage_volume(
            there, f'volume-{here.volume_id}').json['volume']
        there.await_status('volumes', volume['id'], 'available')
        self.assertEqual(written, there.volume_bytes(volume['id']))
        snapshot = there.service.request(
            'POST', 'os-snapshot-manage', {'snapshot': {
                'volume_id': volume['id'],
                'ref': f'_snapshot-{snapshot_id}'}}).json['snapshot']
        there.await_status('snapshots', snapshot['id'], 'available')
        self.assertEqual(frozen, there.snapshot_bytes(snapshot['id']))
        self.assertIn(f'_snapshot-{snapshot["id"]}', real.names())
        there.settle()
        there.remove('snapshots', snapshot['id'])
        there.remove('volumes', volume['id'])
        there.settle()
        self.assertEqual([f'volume-{there.volume_id}'], real.names())
