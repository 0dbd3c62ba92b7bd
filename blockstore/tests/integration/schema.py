"""Real daemons before a database that is not made for them."""

import json
import os
import pathlib
import subprocess
import sys

import fixtures
from oslotest import base

from blockstore.db import engine
from blockstore.db import migration
from blockstore.db import schema

LIMIT = 120.0
DAEMONS = ('api', 'scheduler', 'volume', 'backup')
ASK = """
import io, json, sys
from blockstore import wsgi

def get():
    told = []
    body = b''.join(wsgi.application(
        {'REQUEST_METHOD': 'GET', 'PATH_INFO': '/', 'SCRIPT_NAME': '',
         'QUERY_STRING': '', 'SERVER_NAME': 'x', 'SERVER_PORT': '80',
         'SERVER_PROTOCOL': 'HTTP/1.1', 'wsgi.url_scheme': 'http',
         'wsgi.input': io.BytesIO(), 'wsgi.errors': sys.stderr},
        lambda status, headers: told.append(status)))
    return told[0], json.loads(body)

print(json.dumps(get()), flush=True)
sys.stdin.readline()
print(json.dumps(get()), flush=True)
"""


class SchemaTest(base.BaseTestCase):

    def setUp(self) -> None:
        super().setUp()
        self.home = pathlib.Path(self.useFixture(
            fixtures.TempDir(rootdir='/tmp')).path)
        self.config = self.home / 'blockstore.conf'
        self.config.write_text(
            f'[DEFAULT]\ntransport_url=local:\n'
            f'[service]\nstate_path={self.home}\n'
            f'[database]\nmigration_timeout=0\n'
            f'[store]\nposix_path={self.home}/store\n')
        self.database = engine.Database(
            f'sqlite:///{self.home}/blockstore.sqlite')
        self.addCleanup(self.database.dispose)

    def be_at(self, revision: str) -> None:
        with self.database.write() as tx:
            tx.connection.exec_driver_sql(
                'UPDATE alembic_version SET version_num = ?', (revision,))

    def refusal(self, daemon: str) -> str:
        """Start a daemon, which must end by itself; return its log."""
        done = subprocess.run(
            [sys.executable, '-m', f'blockstore.cmd.{daemon}',
             '--config-file', str(self.config)], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertNotIn('Traceback', done.stderr)
        return done.stderr

    def test_daemons_refuse_a_database_without_tables(self) -> None:
        for daemon in DAEMONS:
            self.assertIn('run: blockstore-manage db sync',
                          self.refusal(daemon))

    def test_daemons_refuse_older_and_newer_tables(self) -> None:
        migration.sync(self.database)
        self.be_at('0001')
        told = self.refusal('backup')
        self.assertIn('is at revision 0001', told)
        self.assertIn('run: blockstore-manage db sync', told)
        self.be_at('9999')
        told = self.refusal('volume')
        self.assertIn('is at revision 9999', told)
        self.assertIn('install the release', told)

    def test_wsgi_refuses_until_the_tables_are_there(self) -> None:
        process = subprocess.Popen(
            [sys.executable, '-c', ASK], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env={
                **os.environ, 'OS_BLOCKSTORE_CONFIG_FILES': str(self.config)})
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        status, body = json.loads(process.stdout.readline())
        self.assertEqual('503 Service Unavailable', status)
        fault = body['serviceUnavailable']
        self.assertEqual('blockstore.database.outdated', fault['error_code'])
        self.assertEqual('run: blockstore-manage db sync', fault['remedy'])
        migration.sync(self.database)
        self.assertIsNotNone(schema.version(self.database))
        process.stdin.write('\n')
        process.stdin.flush()
        status, body = json.loads(process.stdout.readline())
        self.assertEqual('300 Multiple Choices', status)
