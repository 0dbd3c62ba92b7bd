"""The clock of a host that jumps while its daemons work.

What a daemon holds, it goes on holding: no operation is taken over, none is
done twice, and nobody counts as down.  libfaketime (Debian: ``libfaketime``)
makes the clock jump; the monotonic clock goes on, as it does in a kernel.
"""

import glob

from blockstore.tests.integration import faults
from blockstore.tests.integration import servers

SIZE = 6
LIBRARIES = '/usr/lib/*/faketime/libfaketimeMT.so.1'


class JumpTest(faults.FaultTest):
    """An hour forth, and two back, in the middle of a backup."""

    server = servers.MARIADB

    def test_while_a_backup_copies(self) -> None:
        libraries = glob.glob(LIBRARIES)
        if not libraries:
            self.skipTest('libfaketime is not installed')
        clock = self.directory() / 'clock'
        clock.write_text('+0')
        self.start_fleet(
            ('volume', 'node1'), ('backup', 'node1'), ('backup', 'node2'),
            options={('backup', 'read_bandwidth'): faults.MIB // 2,
                     ('service', 'service_down_time'): 60},
            environment={
                'LD_PRELOAD': libraries[0], 'FAKETIME_NO_CACHE': '1',
                'FAKETIME_DONT_FAKE_MONOTONIC': '1',
                'FAKETIME_TIMESTAMP_FILE': str(clock)})
        volume, data, _ = self.written(SIZE)
        backup = self.fleet.request('POST', 'backups', {'backup': {
            'volume_id': volume, 'force': True}})['backup']['id']
        for jump in ('+1h', '-1h'):
            done = self.await_copy('backup.create')['bytes_done']
            clock.write_text(jump)
            self.await_that(lambda done=done: self.checks.rows(
                'operations', f"bytes_done > {done} OR state = 'done'"),
                'the copy stands still')
        self.fleet.wait('backups', backup)
        self.assertEqual({1}, {row['attempt'] for row in self.checks.rows(
            'operations', '1 = 1')})
        self.assertEqual({'up'}, set(self.fleet.states().values()))
        self.assertEqual(data, self.restored(backup, len(data)))
        self.settle()
