"""Daemons that are asked to end (SIGTERM) in the middle of their work.

A backup host gives its copy away, and another one goes on where it stopped;
a scheduler and a volume service end what they do, and what they have not
begun waits for them.  Each ends by itself, with status 0.
"""

from blockstore.db import operations as db_operations
from blockstore.tests.integration import faults
from blockstore.tests.integration import servers

SIZE = 12
HOSTS = ('node1', 'node2')
# Seconds; TimeoutStopSec of the units is longer.
LIMIT = 60
EACH = 4


class StopTest(faults.FaultTest):
    """One of each, and two backup hosts."""

    server = servers.MARIADB

    def setUp(self) -> None:
        super().setUp()
        self.start_fleet(
            ('volume', 'node1'), *(('backup', host) for host in HOSTS),
            options={('backup', 'read_bandwidth'): 2 * faults.MIB})

    def test_a_backup_host_hands_its_copy_over(self) -> None:
        volume, data, _ = self.written(SIZE)
        backup = self.fleet.request('POST', 'backups', {'backup': {
            'volume_id': volume, 'force': True}})['backup']['id']
        row = self.await_copy('backup.create')
        host, = (one for one in HOSTS
                 if f'{self.fleet.host(one)} ' in row['lease_owner'])
        self.assertEqual(0, self.fleet[f'backup@{host}'].stop(LIMIT))
        handed, = self.checks.rows('operations', f"id = '{row['id']}'")
        self.assertIn(handed['state'], db_operations.OPEN)
        self.assertNotIn(f'{self.fleet.host(host)} ',
                         handed['lease_owner'] or '')
        self.fleet.wait('backups', backup)
        made, = self.checks.rows('backups', f"id = '{backup}'")
        self.assertNotEqual(self.fleet.host(host), made['host'])
        self.assertEqual(data, self.restored(backup, len(data)))
        self.settle()

    def test_a_scheduler_and_a_volume_service_end_what_they_do(self) -> None:
        volume, data, client = self.written(1)
        asked = []
        for name in ('volume@node1', 'scheduler@node1'):
            asked += [('snapshots', self.fleet.request('POST', 'snapshots', {
                'snapshot': {'volume_id': volume, 'force': True}})[
                    'snapshot']['id']) for _ in range(EACH)]
            asked += [('volumes', self.fleet.request('POST', 'volumes', {
                'volume': {'size': 1}})['volume']['id']) for _ in range(EACH)]
            self.assertEqual(0, self.fleet[name].stop(LIMIT), name)
            # The client of a volume does not notice.
            client.write(0, data[::-1])
            client.flush()
            self.fleet.start(name)
        for noun, id_ in asked:
            self.fleet.wait(noun, id_)
        self.settle()
        self.assertEqual({1}, {row['attempt'] for row in self.checks.rows(
            'operations', f"state = '{db_operations.DONE}'")})
        self.assertEqual(1 + 2 * EACH, len(self.checks.ids('volumes')))
