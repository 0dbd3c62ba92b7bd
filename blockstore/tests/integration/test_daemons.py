"""The daemons as separate processes over a real broker and database.

The main flows, by processes that share nothing but the broker, the database
and the disk.
"""

import os

from blockstore.db import migration
from blockstore.tests.integration import fleet
from blockstore.tests.integration import servers

MIB = 1024 * 1024


class DaemonsTest(servers.ServerTestCase):
    """Starts blockstore-api, -scheduler, -volume and -backup."""

    server = servers.MARIADB

    def setUp(self) -> None:
        super().setUp()
        if fleet.Fleet.missing():
            self.skipTest(fleet.Fleet.missing())
        migration.sync(self.database)
        self.fleet = self.useFixture(fleet.Fleet(
            self.database.engine.url.render_as_string(hide_password=False)))
        for kind in ('scheduler', 'volume', 'backup', 'api'):
            self.fleet.add(kind)
        self.fleet.start()

    def test_main_job(self) -> None:
        volume = self.fleet.make('volumes', size=1)['id']
        attachment, opened = self.fleet.attach(volume)
        pattern = os.urandom(MIB)
        opened.write(5 * MIB, pattern)
        opened.flush()
        backup = self.fleet.make('backups', volume_id=volume,
                                 force=True)['id']
        opened.write(5 * MIB, bytes(MIB))
        self.fleet.wait('volumes', volume, 'in-use')
        restored = self.fleet.request(
            'POST', f'backups/{backup}/restore',
            {'restore': {}})['restore']['volume_id']
        self.fleet.wait('volumes', restored)
        second, again = self.fleet.attach(restored)
        read = bytearray(len(pattern))
        again.read_into(5 * MIB, memoryview(read))
        self.assertEqual(pattern, bytes(read))
        for one in (attachment, second):
            self.fleet.detach(one)
        self.fleet.delete('backups', backup)
        for one in (volume, restored):
            self.fleet.delete('volumes', one)
        self.assertEqual([], list(self.fleet.images().iterdir()))

    def test_queues_are_quorum_and_fanout_is_a_stream(self) -> None:
        self.fleet.make('volumes', size=1)
        kinds = self.fleet.broker.queues()
        fanout = {name for name in kinds if name.endswith('_fanout')}
        self.assertEqual({'stream'}, {kinds[name] for name in fanout})
        self.assertIn('blockstore-backup_fanout', fanout)
        self.assertEqual({'quorum'}, {
            kind for name, kind in kinds.items() if name not in fanout})
        self.assertIn('blockstore-scheduler', kinds)
        self.assertIn(
            f'blockstore-volume.{self.fleet.host()}@qsd', kinds)
