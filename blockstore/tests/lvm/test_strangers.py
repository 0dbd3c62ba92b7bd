"""Logical volumes that are not ours: nothing is done to their bytes."""

from oslotest import base as test_base

from blockstore import exceptions
from blockstore.tests.contract import driver_fixture as fixture
from blockstore.tests.lvm import real
from blockstore.tests.lvm import test_driver

STRANGER = 'stranger'


class StrangerTest(test_driver.Loaded, fixture.DriverFixture,
                   test_base.BaseTestCase):
    """Somebody else's volumes in the group."""

    def make(self, name):
        real.lv('lvcreate', '-V', '1G', '-n', name, '--thinpool', real.POOL,
                real.GROUP)
        self.addCleanup(self.remove, name)

    def remove(self, name):
        if name in real.names():
            real.lv('lvremove', '-f', f'{real.GROUP}/{name}')

    def test_one_with_a_volumes_name_is_not_deleted(self):
        volume = self.owned()
        self.make(volume.name)
        self.driver.delete_volume(volume)
        self.assertEqual([volume.name], real.names())

    def test_one_that_is_open_is_not_taken_over(self):
        volume = self.owned()
        self.make(STRANGER)
        reference = {'source-name': STRANGER}
        with open(f'/dev/{real.GROUP}/{STRANGER}', 'rb'):
            listed, = self.driver.get_manageable_volumes(
                [], None, None, 0, ['reference'], ['asc'])
            self.assertEqual((False, 'volume in use'), (
                listed['safe_to_manage'], listed['reason_not_safe']))
            self.assertRaisesRegex(
                exceptions.ManageExistingInvalidReference, 'has it open',
                self.driver.manage_existing, volume, reference)
            self.assertEqual([STRANGER], real.names())
        self.driver.manage_existing(volume, reference)
        self.assertEqual([volume.name], real.names())
