"""Daemons that are watched: real workers, a real broker, real signals."""

import json
import os
import signal
import time
import urllib.error
import urllib.request

from prometheus_client import parser

from blockstore.db import migration
from blockstore.tests import rest
from blockstore.tests.integration import fleet
from blockstore.tests.integration import servers

SECONDS = 120.0
MIB = 1024 * 1024


class MonitoringTest(servers.ServerTestCase):
    """Reads the pages of every daemon."""

    server = servers.MARIADB

    def setUp(self) -> None:
        super().setUp()
        if fleet.Fleet.missing():
            self.skipTest(fleet.Fleet.missing())
        migration.sync(self.database)
        self.fleet = self.useFixture(fleet.Fleet(
            self.database.engine.url.render_as_string(hide_password=False),
            options={('observability', 'facts_interval'): 1,
                     ('observability', 'check_timeout'): 60,
                     # A backup of what is written does not end soon.
                     ('backup', 'read_bandwidth'): 16384}))
        self.fleet.add('api', options={('api', 'workers'): 2})
        self.ports = {'api': self.fleet.port}
        for kind in ('scheduler', 'volume', 'backup'):
            self.ports[kind] = rest.free_port()
            self.fleet.add(kind, options={
                ('DEFAULT', 'use_json'): True,
                ('observability', 'port'): self.ports[kind]})
        self.fleet.start()

    def read(self, kind: str, path: str) -> tuple[int, str]:
        """Return the status and the text of a page."""
        try:
            with urllib.request.urlopen(
                    f'http://127.0.0.1:{self.ports[kind]}{path}',
                    timeout=SECONDS) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def scrape(self, kind: str) -> dict[tuple[str, ...], float]:
        """Return each series by its name and its labels' values."""
        return {(sample.name, *sorted(sample.labels.values())): sample.value
                for family in parser.text_string_to_metric_families(
                    self.read(kind, '/metrics')[1])
                for sample in family.samples}

    def test_all_pages(self) -> None:
        for kind, parts in (
                ('api', {'database', 'broker'}),
                ('scheduler', {'database', 'broker', 'scheduler',
                               'notifications'}),
                ('volume', {'database', 'broker', 'volume', 'driver qsd',
                            'notifications'}),
                ('backup', {'database', 'broker', 'backup', 'store',
                            'notifications'})):
            status, text = self.read(kind, '/health/ready')
            self.assertEqual((200, parts), (
                status, set(json.loads(text)['parts'])), text)
            self.assertEqual(200, self.read(kind, '/health/live')[0])
        self._workers_count_together()
        volume = self.fleet.make('volumes', size=1)['id']
        self.fleet.make('backups', volume_id=volume)
        self._daemons_count(volume)
        self._reports()

    def _workers_count_together(self) -> None:
        """Whichever worker answers, it tells the sum."""
        def asked() -> float:
            return self.scrape('api').get((
                'blockstore_requests_total', '/limits', '200', 'GET'), 0)

        for number in range(1, 41):
            self.fleet.request('GET', 'limits')
            self.assertEqual(number, asked())

    def _daemons_count(self, volume: str) -> None:
        ended = 'blockstore_operations_ended_total'
        self.assertEqual(1, self.scrape('volume')[
            ended, 'done', 'volume.create'])
        backup = self.scrape('backup')
        self.assertEqual(1, backup[ended, 'backup.create', 'done'])
        self.assertEqual(1 << 30, sum(
            backup['blockstore_backup_bytes_total', 'backup', what]
            for what in ('read', 'skipped')))
        self.assertNotIn(('blockstore_database_up',), backup)
        for kind in ('api', 'scheduler'):
            limit = time.monotonic() + SECONDS
            while ('blockstore_last_backup_age_seconds',
                   volume) not in self.scrape(kind):
                self.assertLess(time.monotonic(), limit)
                time.sleep(0.1)
            self.assertEqual(1, self.scrape(kind)[
                'blockstore_service_up', *sorted((
                    'cinder-volume', f'{self.fleet.host()}@qsd'))])

    def _reports(self) -> None:
        """A backup that goes on is in the report of its process."""
        volume = self.fleet.make('volumes', size=1)['id']
        _, opened = self.fleet.attach(volume)
        opened.write(0, os.urandom(8 * MIB))
        opened.flush()
        backup = self.fleet.request('POST', 'backups', {'backup': {
            'volume_id': volume, 'force': True}})['backup']['id']
        words = f'backup.create of {backup}: operation '
        said = self._report('backup@node1', words)
        operation = said.partition(words)[2].split(',')[0]
        leases = said.rpartition('Leases')[2]
        self.assertIn(f'operation {operation}: owner ', leases)
        self.assertIn(f'{self.fleet.host()}@qsd: QsdDriver',
                      self._report('volume@node1', 'Drivers'))

    def _report(self, name: str, words: str) -> str:
        """Have reports written until some words are in one."""
        daemon = self.fleet[name]
        limit = time.monotonic() + SECONDS
        while True:
            before = len(daemon.log.read_text(
                encoding='utf-8', errors='replace'))
            os.kill(daemon.pid, signal.SIGUSR2)
            # A report is one write; what it may lack comes with the next.
            while 'Leases' not in (said := daemon.log.read_text(
                    encoding='utf-8', errors='replace')[before:]):
                self.assertLess(time.monotonic(), limit)
                time.sleep(0.05)
            if words in said and said.endswith('\n'):
                return said
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.1)
