"""Hosts that stand still past their lease, and wake when others have gone on.

SIGSTOP is what an overloaded or a suspended machine looks like to the others.
Whoever wakes finds the lease gone and touches nothing more: no file of the
store, no row and no byte of a volume.
"""

import time

from blockstore.db import operations as db_operations
from blockstore.tests.integration import faults
from blockstore.tests.integration import servers

SIZE = 12
HOSTS = ('node1', 'node2')
OPERATION_COLUMNS = ('state', 'attempt', 'lease_owner', 'finished_at',
                     'bytes_done', 'error_code')


class FrozenTest(faults.FaultTest):
    """Two hosts, and a volume that one of them works on."""

    server = servers.MARIADB

    def begin(self) -> None:
        self.start_fleet(
            ('volume', 'node1'), *(('backup', host) for host in HOSTS),
            options={('backup', 'read_bandwidth'): 2 * faults.MIB,
                     ('backup', 'write_bandwidth'): 2 * faults.MIB})

    def freeze_holder(self, kind: str) -> str:
        """Freeze the backup host that copies; return the host's name."""
        row = self.await_copy(kind)
        host, = (one for one in HOSTS
                 if f'{self.fleet.host(one)} ' in row['lease_owner'])
        self.fleet[f'backup@{host}'].freeze()
        return host

    def everything(self) -> object:
        """Return what a host that wakes must leave as it is."""
        files = {path: (path.stat().st_ino, path.stat().st_mtime_ns)
                 for path in self.fleet.store.rglob('*') if path.is_file()}
        rows = {noun: sorted(map(str, self.checks.rows(noun)))
                for noun in ('volumes', 'snapshots', 'backups')}
        operations = {row['id']: [row[name] for name in OPERATION_COLUMNS]
                      for row in self.checks.rows('operations', '1 = 1')}
        return files, rows, operations

    def wake(self, host: str) -> None:
        """Wake a host and see that it notices, and changes nothing."""
        self.settle()
        before = self.everything()
        daemon = self.fleet[f'backup@{host}']
        daemon.thaw()
        self.await_that(lambda: 'was taken over' in daemon.last_words(),
                        f'{daemon.name} does not notice')
        time.sleep(self.LEASE)
        self.assertEqual(before, self.everything())

    def check_one_takeover(self, kind: str) -> None:
        """All was done once, by two."""
        row, = [row for row in self.checks.rows(
            'operations', f"kind = '{kind}'") if row['attempt'] > 1]
        self.assertEqual((2, db_operations.DONE),
                         (row['attempt'], row['state']))


class BackupHostTest(FrozenTest):
    """A backup host that copies."""

    def test_backup_of_a_volume_in_use(self) -> None:
        self.begin()
        volume, data, _ = self.written(SIZE)
        self.check_backup(volume, data)

    def test_backup_of_the_volume_itself_and_restore(self) -> None:
        self.begin()
        volume, data, client = self.written(SIZE)
        client.close()
        self.let_go(volume)
        backup = self.check_backup(volume, data)
        self.assertEqual([], self.checks.rows('snapshots', '1 = 1'))
        filled = self.fleet.request(
            'POST', f'backups/{backup}/restore',
            {'restore': {}})['restore']['volume_id']
        host = self.freeze_holder('backup.restore')
        self.fleet.wait('volumes', filled)
        self.wake(host)
        self.check_one_takeover('backup.restore')
        self.assertEqual(data, self.content(filled, len(data)))
        self.settle()

    def let_go(self, volume_id: str) -> None:
        for one in self.fleet.request('GET', 'attachments/detail')[
                'attachments']:
            self.fleet.detach(one['id'])
        self.fleet.wait('volumes', volume_id)

    def check_backup(self, volume_id: str, data: bytes) -> str:
        backup = str(self.fleet.request('POST', 'backups', {'backup': {
            'volume_id': volume_id, 'force': True}})['backup']['id'])
        host = self.freeze_holder('backup.create')
        self.fleet.wait('backups', backup)
        self.wake(host)
        self.check_one_takeover('backup.create')
        row, = self.checks.rows('backups', f"id = '{backup}'")
        self.assertNotEqual(self.fleet.host(host), row['host'])
        self.assertEqual(data, self.restored(backup, len(data)))
        self.settle()
        return backup


class VolumeHostTest(FrozenTest):
    """The host of the volumes, whose work nobody else can do."""

    def test_goes_on_when_it_wakes(self) -> None:
        self.begin()
        volume, data, client = self.written(1)
        host = self.fleet['volume@node1']
        host.freeze()
        asked = {
            'snapshots': self.fleet.request('POST', 'snapshots', {
                'snapshot': {'volume_id': volume, 'force': True}})[
                    'snapshot']['id'],
            'volumes': self.fleet.request('POST', 'volumes', {
                'volume': {'size': 1}})['volume']['id'],
            'backups': self.fleet.request('POST', 'backups', {'backup': {
                'volume_id': volume, 'force': True}})['backup']['id']}
        time.sleep(2 * self.LEASE)
        # The client does not notice.
        client.write(0, data[::-1])
        client.flush()
        host.thaw()
        for noun, id_ in asked.items():
            self.fleet.wait(noun, id_)
        self.settle()
        for noun, number in (('snapshots', 2), ('volumes', 2)):
            self.assertEqual(number, len(self.checks.ids(noun)))
        self.assertEqual(data[::-1], self.restored(asked['backups'],
                                                   len(data)))
