"""What systemd hears from each daemon, and what its signals do.

Real daemons over RabbitMQ and MariaDB, with a real NOTIFY_SOCKET.  The API
has tests of its own: :mod:`blockstore.tests.integration.api_servers`.
"""

import contextlib
import os
import signal
import time

import sqlalchemy as sa

from blockstore.db import migration
from blockstore.tests.integration import fleet
from blockstore.tests.integration import servers

KINDS = ('scheduler', 'volume', 'backup')
SECONDS = 120.0
MIB = 1024 * 1024


class SystemdTest(servers.ServerTestCase):

    server = servers.MARIADB

    def setUp(self) -> None:
        super().setUp()
        if fleet.Fleet.missing():
            self.skipTest(fleet.Fleet.missing())
        migration.sync(self.database)
        self.fleet = self.useFixture(fleet.Fleet(
            self.database.engine.url.render_as_string(hide_password=False),
            options={('operations', 'look_timeout'): 10}))

    def watch(self, *kinds: str) -> None:
        """Add daemons that have to tell twice a second that they are well.

        What they tell has to be listened to: a socket holds little.
        """
        for kind in kinds:
            self.fleet.add(kind, environment={'WATCHDOG_USEC': '1000000'})

    def number(self, statement: str) -> int:
        with self.database.read() as tx:
            return tx.connection.exec_driver_sql(statement).scalar_one()

    def until(self, wanted: int, statement: str) -> None:
        """Wait until a statement gives a number."""
        limit = time.monotonic() + SECONDS
        while (found := self.number(statement)) != wanted:
            self.assertLess(time.monotonic(), limit, found)
            time.sleep(0.05)

    def test_a_life(self) -> None:
        self.watch(*KINDS)
        for number, kind in enumerate(KINDS, 1):
            self.fleet.start(f'{kind}@node1')
            # Ready: the others see it, and its queue is there.
            self.assertEqual(number, self.number(
                'SELECT COUNT(*) FROM services WHERE '
                'TIMESTAMPDIFF(SECOND, reported_at, UTC_TIMESTAMP()) < 60'))
            self.assertTrue([
                name for name in self.fleet.broker.queues()
                if name.startswith(f'blockstore-{kind}')])
        for kind in KINDS:
            daemon = self.fleet[f'{kind}@node1']
            daemon.hear('WATCHDOG=1')
            os.kill(daemon.pid, signal.SIGHUP)
            daemon.hear('RELOADING=1')
            # systemd wants both in one message.
            self.assertEqual(1, len(daemon.hear('MONOTONIC_USEC=')))
            daemon.hear('READY=1')
            daemon.terminate()
            daemon.hear('STOPPING=1')
            self.assertEqual(0, daemon.wait())

    def test_a_back_end_that_is_not_there_is_waited_for(self) -> None:
        images = self.fleet.images()
        images.parent.mkdir()
        images.touch()
        self.watch('volume')
        daemon = self.fleet['volume@node1']
        daemon.start()
        told = daemon.hear('EXTEND_TIMEOUT_USEC=')
        self.assertIn('STATUS=not ready yet: volume', told)
        images.unlink()
        told = daemon.hear('READY=1')
        self.assertNotIn('WATCHDOG=1', told)
        daemon.hear('WATCHDOG=1')

    def test_work_that_hangs_is_not_told_of_as_healthy(self) -> None:
        self.watch(*KINDS)
        self.fleet.start()
        # With none of the limits that the service gives its connections.
        control = sa.create_engine(self.database.engine.url,
                                   isolation_level='AUTOCOMMIT')
        self.addCleanup(control.dispose)
        with control.connect() as connection:
            # Whoever looks for operations waits, without a word.
            connection.exec_driver_sql('LOCK TABLES operations WRITE')
            for kind in KINDS:
                self.fleet[f'{kind}@node1'].hear('STATUS=not healthy: ')
            for kind in KINDS:
                with self.assertRaisesRegex(RuntimeError, 'and not WATCHDOG'):
                    self.fleet[f'{kind}@node1'].hear('WATCHDOG=1', 3)
            connection.exec_driver_sql('UNLOCK TABLES')
        for kind in KINDS:
            self.fleet[f'{kind}@node1'].hear('STATUS=serving')
            self.fleet[f'{kind}@node1'].hear('WATCHDOG=1')

    def test_limits_of_backups_under_way_are_changed(self) -> None:
        for kind in ('api', 'scheduler', 'volume'):
            self.fleet.add(kind)
        # So slow that neither would ever end.
        self.fleet.add('backup', options={
            ('backup', 'read_bandwidth'): 4096, ('backup', 'max_backups'): 1})
        self.fleet.start()
        backups = [self.begin_backup() for _ in range(2)]
        running = ("SELECT COUNT(*) FROM operations WHERE "
                   "kind = 'backup.create' AND state = 'running'")
        self.until(1, running)
        self.change({('backup', 'max_backups'): 2})
        self.until(2, running)
        self.change({('backup', 'read_bandwidth'): 0})
        for id_ in backups:
            self.fleet.wait('backups', id_)

    def begin_backup(self) -> str:
        """Begin a backup of random bytes; return its id."""
        volume = self.fleet.make('volumes', size=1)['id']
        attachment, opened = self.fleet.attach(volume)
        with contextlib.closing(opened):
            opened.write(0, os.urandom(4 * MIB))
            opened.flush()
        self.fleet.detach(attachment)
        self.fleet.wait('volumes', volume)
        return self.fleet.request('POST', 'backups', {
            'backup': {'volume_id': volume}})['backup']['id']

    def change(self, options: fleet.Options) -> None:
        """Have the backup daemon read its configuration again."""
        daemon = self.fleet['backup@node1']
        self.fleet.configure('backup@node1', options)
        os.kill(daemon.pid, signal.SIGHUP)
        daemon.hear('RELOADING=1')
        daemon.hear('READY=1')
