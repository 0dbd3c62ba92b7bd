"""Readers that stand still in the middle of a read, as a frozen host does.

A client that takes no answers is to QEMU what a stopped process is: its
socket is full.
"""

from blockstore.tests.integration import qsd_fixtures
from blockstore.tests.integration.qsd_fixtures import snapshot
from blockstore.tests.integration.qsd_fixtures import volume
from blockstore.volume.connections import nbd

MIB = 1 << 20
LENGTH = 8 * MIB
BACKUP = {'host': 'b', 'mode': 'ro', 'purpose': 'backup'}


class ReadersTestCase(qsd_fixtures.TestCase):

    def setUp(self):
        super().setUp()
        self.volume, self.made = volume(), None
        self.driver.create_volume(self.volume)
        self.guest = self.attach(self.volume)
        self.guest.write(0, b'a' * LENGTH)
        self.guest.flush()

    def _stand_still(self, info):
        """Ask for far more than a socket holds, and take none of it."""
        reader = self.open(info)
        for offset in range(0, LENGTH, MIB):
            reader._request(nbd._READ, offset, MIB)
        return reader

    def _freeze_backup(self):
        return self._stand_still(self.driver.initialize_connection(
            self.volume, BACKUP))

    def _freeze_snapshot_reader(self):
        self.made = snapshot(self.volume)
        self.driver.create_snapshot(self.made)
        return self._stand_still(self.driver.initialize_connection_snapshot(
            self.made, BACKUP))

    def _end(self):
        """End the reading."""
        if self.made is None:
            self.driver.terminate_connection(self.volume, BACKUP)
        else:
            self.driver.terminate_connection_snapshot(self.made, BACKUP)
            self.driver.delete_snapshot(self.made)

    def _check_clients_go_on(self):
        """Snapshots change the graph, which waits for its clients."""
        for letter in b'bcd':
            other = snapshot(self.volume)
            self.driver.create_snapshot(other)
            self.guest.write(0, bytes([letter]) * MIB)
            self.guest.flush()
            self.driver.delete_snapshot(other)

    def _check_in_use(self):
        self._check_clients_go_on()
        self._end()
        self._check_clients_go_on()
        self.assertTrue(self.driver.wait_until_idle())
        self.assertEqual(b'd' * MIB + b'a' * (LENGTH - MIB),
                         qsd_fixtures.read(self.guest, 0, LENGTH))
        self.assertEqual([self.volume.id], self._processes())

    def _processes(self):
        return [one.id for one in self.driver.list_objects()
                if one.kind == 'process']

    def test_backup_of_a_volume_in_use(self):
        self._freeze_backup()
        self._check_in_use()

    def test_reader_of_a_snapshot_of_a_volume_in_use(self):
        self._freeze_snapshot_reader()
        self._check_in_use()

    def _check_detached(self):
        self.assertEqual(1, len(self._processes()))
        self._end()
        self.assertEqual([], self._processes())
        self.driver.delete_volume(self.volume)
        self.assertEqual([], self.layer_files())

    def _detach(self):
        self.guest.close()
        self.driver.terminate_connection(self.volume,
                                         {'attachment_id': 'a'})

    def test_backup_of_a_detached_volume(self):
        self._detach()
        self._freeze_backup()
        self._check_detached()

    def test_reader_of_a_snapshot_of_a_detached_volume(self):
        self._freeze_snapshot_reader()
        self._detach()
        self._check_detached()

    def test_another_service_ends_it(self):
        self._freeze_snapshot_reader()
        self.abandon()
        self.new_driver()
        self._check_in_use()

    def test_a_reader_that_dies_comes_back_by_itself_as_it_was(self):
        info = self.driver.initialize_connection(self.volume, BACKUP)
        pid = self._kill(self.driver._backend.reading[
            info['data']['export']].pid_path)
        self.assertIsNotNone(pid)
        self.guest.write(0, b'b' * LENGTH)
        self.assertEqual(info, self.driver.initialize_connection(
            self.volume, BACKUP))
        self.assertEqual(b'a' * LENGTH, qsd_fixtures.read(
            self.open(info), 0, LENGTH))
        self._end()
