"""A broker or a database that goes away while everything is under way.

What is granted before, meanwhile and after is done in the end.  Nobody is
told anything but the truth: an answer, or a 503 that says when to ask again.
"""

import os
import time

from blockstore.tests import rest
from blockstore.tests.integration import faults
from blockstore.tests.integration import own_servers
from blockstore.tests.integration import servers
from blockstore.tests.integration import traffic

SIZE = 8
DAEMONS = ('scheduler@node1', 'volume@node1', 'backup@node1')


class DisturbedTest(faults.FaultTest):
    """A backup, a restore and users' requests that are under way."""

    def begin(self, transport_url: str | None = None) -> None:
        """Start a fleet and let it work."""
        self.start_fleet(
            ('volume', 'node1'), ('backup', 'node1'),
            transport_url=transport_url, options={
                ('backup', 'read_bandwidth'): faults.MIB,
                ('backup', 'write_bandwidth'): faults.MIB // 2})
        self.volume, self.data, self.client = self.written(SIZE)
        self.other, self.little, _ = self.written(1)
        self.small = self.back_up(self.other)
        self.full = self.back_up(self.volume)
        for id_ in (self.small, self.full):
            self.fleet.wait('backups', id_)
        self.rewrite()
        self.copying = self.back_up(self.volume)
        self.filling = self.restore(self.full)
        self.await_copy('backup.create')
        self.await_copy('backup.restore')
        self.requests = self.useFixture(
            traffic.Traffic(self.fleet, self.volume))
        self.requests.start()

    def rewrite(self) -> None:
        """Change what the first backup has."""
        self.before = self.data
        fresh = os.urandom(faults.MIB)
        self.client.write(0, fresh)
        self.client.flush()
        self.data = fresh + self.data[faults.MIB:]

    def back_up(self, volume_id: str) -> str:
        return str(self.fleet.request('POST', 'backups', {'backup': {
            'volume_id': volume_id, 'force': True}})['backup']['id'])

    def restore(self, backup_id: str) -> str:
        return str(self.fleet.request(
            'POST', f'backups/{backup_id}/restore',
            {'restore': {}})['restore']['volume_id'])

    def check_readiness(self, part: str, wanted: str) -> None:
        """Wait until all daemons say so of what they need."""
        for name in (None, *DAEMONS):
            port = self.ports[name] if name else self.fleet.port
            self.await_that(
                lambda port=port: rest.readiness(port)[part] == wanted,
                f'{name}: {part} is not {wanted}')

    def finish(self, *filled: tuple[str, bytes]) -> None:
        """Wait for all that was granted, and look at everything.

        :param filled: further volumes that are filled, and their bytes.
        """
        self.requests.stop()
        self.assertEqual([], self.requests.wrong())
        self.fleet.wait('backups', self.copying)
        self.fleet.wait('backups', self.full)
        self.requests.let_go()
        for id_ in self.requests.granted('volumes'):
            self.fleet.wait('volumes', id_)
        for id_ in self.requests.granted('snapshots'):
            self.fleet.wait('snapshots', id_)
        for volume, data in ((self.filling, self.before), *filled):
            self.fleet.wait('volumes', volume)
            self.assertEqual(data, self.content(volume, len(data)))
        self.assertEqual(self.data, self.restored(self.copying,
                                                  len(self.data)))
        found = bytearray(len(self.data))
        self.client.read_into(0, memoryview(found))
        self.assertEqual(self.data, found)
        self.settle()


class BrokerTest(DisturbedTest):
    """RabbitMQ is stopped for half a minute."""

    server = servers.MARIADB

    def test_is_away(self) -> None:
        missing = own_servers.missing('RabbitMQ')
        if missing:
            self.skipTest(missing)
        broker = self.useFixture(own_servers.OwnServer('RabbitMQ'))
        self.begin(broker.url)
        self.check_readiness('broker', 'ok')
        broker.stop()
        until = time.monotonic() + 30
        self.check_readiness('broker', 'failed')
        self.assertEqual('ok', rest.readiness(self.fleet.port)['database'])
        # A message is only a doorbell: what needs none is granted.
        late = self.back_up(self.other)
        filled = self.restore(self.small)
        time.sleep(max(0.0, until - time.monotonic()))
        broker.start()
        self.check_readiness('broker', 'ok')
        self.fleet.wait('backups', late)
        self.finish((filled, self.little))


class DatabaseTest(DisturbedTest):
    """A database server dies, and later is restarted in order."""

    COMPONENT = ''

    def setUp(self) -> None:
        missing = own_servers.missing(self.COMPONENT)
        if missing:
            self.skipTest(missing)
        self.own = self.useFixture(own_servers.OwnServer(self.COMPONENT))
        self.server = self.own.url
        super().setUp()

    def check_restarts(self) -> None:
        self.begin()
        self.own.kill()
        self.check_readiness('database', 'failed')
        self.assertEqual('ok', rest.readiness(self.fleet.port)['broker'])
        # Longer than what the API itself repeats.
        time.sleep(2 * self.LEASE)
        self.own.start()
        self.check_readiness('database', 'ok')
        late = self.back_up(self.other)
        filled = self.restore(self.small)
        self.own.stop()
        self.own.start()
        self.fleet.wait('backups', late)
        self.finish((filled, self.little))
        self.assertIn('blockstore.database.busy', self.requests.refused())


class MariaDBTest(DatabaseTest):
    """MariaDB."""

    COMPONENT = 'MariaDB'

    def test_restarts(self) -> None:
        self.check_restarts()


class PostgreSQLTest(DatabaseTest):
    """PostgreSQL."""

    COMPONENT = 'PostgreSQL'

    def test_restarts(self) -> None:
        self.check_restarts()
