"""The daemons as separate processes over each pair of broker and database.

The main flows, by processes that share nothing but the broker, the database
and the disk.  RabbitMQ with SQLite is for daemons of one host.
"""

import os

import fixtures
from oslotest import base

from blockstore.db import engine
from blockstore.db import migration
from blockstore.tests.crash import checks
from blockstore.tests.integration import fleet
from blockstore.tests.integration import servers

MIB = 1024 * 1024
BLOCK = 256 * 1024


class FlowMixin:
    """Starts one of each daemon, and a second one for backups."""

    database: engine.Database

    def setUp(self) -> None:
        super().setUp()
        missing = fleet.Fleet.missing()
        if missing:
            self.skipTest(missing)
        migration.sync(self.database)
        self.fleet = self.useFixture(fleet.Fleet(
            self.database.engine.url.render_as_string(hide_password=False)))
        for kind in ('scheduler', 'volume', 'backup', 'api'):
            self.fleet.add(kind)
        self.fleet.add('backup', 'node2')
        self.fleet.start()

    def write(self, opened, *pieces):
        for offset, data in pieces:
            opened.write(offset, data)
        opened.flush()

    def read(self, opened, offset, size=BLOCK):
        found = bytearray(size)
        opened.read_into(offset, memoryview(found))
        return bytes(found)

    def restore(self, backup_id):
        """Restore into a volume of its own; return its id."""
        id_ = self.fleet.request(
            'POST', f'backups/{backup_id}/restore',
            {'restore': {}})['restore']['volume_id']
        self.fleet.wait('volumes', id_)
        return id_

    def content(self, volume_id, *offsets):
        attachment, opened = self.fleet.attach(volume_id)
        found = [self.read(opened, offset) for offset in offsets]
        opened.close()
        self.fleet.detach(attachment)
        self.fleet.wait('volumes', volume_id)
        return found

    def test_main_flows(self) -> None:
        first, second, third = (os.urandom(BLOCK) for _ in range(3))
        fleet_ = self.fleet
        volume = fleet_.make('volumes', size=1)['id']
        attachment, opened = fleet_.attach(volume)
        self.write(opened, (0, first), (5 * MIB, first))
        full = fleet_.make('backups', volume_id=volume, force=True)['id']
        self.write(opened, (5 * MIB, second))
        more = fleet_.make('backups', volume_id=volume, force=True,
                           incremental=True)['id']
        self.assertTrue(fleet_.show('backups', more)['is_incremental'])
        self.assertEqual('in-use', fleet_.show('volumes', volume)['status'])
        snapshot = fleet_.make('snapshots', volume_id=volume,
                               force=True)['id']
        self.write(opened, (0, third), (5 * MIB, third))
        opened.close()
        fleet_.detach(attachment)
        fleet_.wait('volumes', volume)
        fleet_.request('POST', f'volumes/{volume}/action',
                       {'revert': {'snapshot_id': snapshot}})
        fleet_.wait('volumes', volume)
        fleet_.request('POST', f'volumes/{volume}/action',
                       {'os-extend': {'new_size': 2}})
        fleet_.wait('volumes', volume)
        self.assertEqual(2, fleet_.show('volumes', volume)['size'])
        self.assertEqual([first, second],
                         self.content(volume, 0, 5 * MIB))
        restored = [self.restore(full), self.restore(more)]
        self.assertEqual([[first, first], [first, second]], [
            self.content(one, 0, 5 * MIB) for one in restored])
        self.check_broker()
        for backup in (more, full):
            fleet_.delete('backups', backup)
        fleet_.delete('snapshots', snapshot)
        for one in (volume, *restored):
            fleet_.delete('volumes', one)
        self.assertEqual([], list(fleet_.images().iterdir()))
        self.check_promises()

    def check_promises(self):
        """What must hold whenever nobody works."""
        looks = checks.Checks(self.fleet)
        self.addCleanup(looks.close)
        self.assertEqual([], looks.problems())
        self.assertEqual([], looks.pruned())

    def check_broker(self):
        """Queues are quorum queues and fanout is a stream, says the broker."""
        kinds = self.fleet.broker.queues()
        fanout = {name for name in kinds if name.endswith('_fanout')}
        self.assertEqual({'stream'}, {kinds[name] for name in fanout})
        self.assertIn('blockstore-backup_fanout', fanout)
        self.assertEqual({'quorum'}, {
            kind for name, kind in kinds.items() if name not in fanout})
        self.assertIn('blockstore-scheduler', kinds)
        self.assertIn(
            f'blockstore-volume.{self.fleet.host()}@qsd', kinds)
        self.assertTrue([name for name in kinds
                         if name.startswith('reply_')], kinds)


class MariaDBTest(FlowMixin, servers.ServerTestCase):
    """RabbitMQ and MariaDB."""

    server = servers.MARIADB

    def test_either_backup_host_takes_the_work(self) -> None:
        volume = self.fleet.make('volumes', size=1)['id']
        for gone, left in (('node1', 'node2'), ('node2', 'node1')):
            self.fleet[f'backup@{gone}'].stop()
            made = self.fleet.make('backups', volume_id=volume)
            with self.database.read() as tx:
                host = tx.connection.exec_driver_sql(
                    'SELECT host FROM backups WHERE id = %s',
                    (made['id'],)).scalar_one()
            self.assertEqual(self.fleet.host(left), host)
            self.fleet.start(f'backup@{gone}')


class PostgreSQLTest(FlowMixin, servers.ServerTestCase):
    """RabbitMQ and PostgreSQL."""

    server = servers.POSTGRESQL


class SqliteTest(FlowMixin, base.BaseTestCase):
    """RabbitMQ and SQLite: small, and on one host."""

    def setUp(self) -> None:
        directory = fixtures.TempDir()
        directory.setUp()
        self.database = engine.Database(
            f'sqlite:///{directory.path}/blockstore.sqlite')
        self.addCleanup(directory.cleanUp)
        self.addCleanup(self.database.dispose)
        super().setUp()
