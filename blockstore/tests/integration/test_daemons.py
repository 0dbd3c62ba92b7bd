"""The daemons as separate processes over a real RabbitMQ and MariaDB.

One run of the main job: a volume in use is backed up and restored, by four
processes that share nothing but the broker, the database and the disk.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import typing
import urllib.error
import urllib.parse
import urllib.request

import fixtures

from blockstore.db import migration
from blockstore.tests.integration import servers
from blockstore.volume import connections

RABBIT = os.environ.get('BLOCKSTORE_TEST_RABBIT_URL',
                        'rabbit://guest:guest@127.0.0.1:5672/')
PROJECT = '0123456789abcdef0123456789abcdef'
DAEMONS = ('scheduler', 'volume', 'backup', 'api')

CONFIGURATION = """
[DEFAULT]
transport_url = {rabbit}
[service]
host = {host}
state_path = {directory}/state
report_interval = 1
[database]
connection = {database}
[api]
port = {port}
workers = 1
[volume]
enabled_backends = qsd
[qsd]
volume_driver = qsd
qsd_directory = {directory}/volumes
qsd_run_directory = {directory}/run
[store]
posix_path = {directory}/store
chunk_size = 262144
"""


class DaemonsTest(servers.ServerTestCase):
    """Starts blockstore-api, -scheduler, -volume and -backup."""

    server = servers.MARIADB

    def setUp(self) -> None:
        super().setUp()
        self._require_tools()
        migration.sync(self.database)
        # Sockets have short names: not below a long TMPDIR.
        self.directory = pathlib.Path(self.useFixture(
            fixtures.TempDir(rootdir='/tmp')).path)
        self.port = _free_port()
        self.base = f'http://127.0.0.1:{self.port}/v3/{PROJECT}'
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.addCleanup(self._end)
        self._configure()
        for name in DAEMONS:
            self._start(name)
        self._await_services()

    def _require_tools(self) -> None:
        if shutil.which('qemu-storage-daemon') is None:
            self.skipTest('qemu-storage-daemon is not installed')
        where = urllib.parse.urlsplit(RABBIT)
        try:
            socket.create_connection(
                (where.hostname, where.port or 5672), 3).close()
        except OSError as error:
            self.skipTest(f'no RabbitMQ at {where.hostname}: {error}')

    def _configure(self) -> None:
        (self.directory / 'blockstore.conf').write_text(CONFIGURATION.format(
            rabbit=RABBIT, host=f'test-{self.port}', port=self.port,
            directory=self.directory,
            database=self.database.engine.url.render_as_string(
                hide_password=False)))

    def _start(self, name: str) -> None:
        log = (self.directory / f'{name}.log').open('ab')
        self.processes[name] = subprocess.Popen(
            [sys.executable, '-m', f'blockstore.cmd.{name}',
             '--config-file', str(self.directory / 'blockstore.conf')],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()

    def _end(self) -> None:
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for name, process in self.processes.items():
            self.assertIn(process.wait(40), (0, -signal.SIGTERM), name)

    def _await_services(self) -> None:
        limit = time.monotonic() + 60
        wanted = {'cinder-volume', 'cinder-backup', 'cinder-scheduler'}
        while time.monotonic() < limit:
            try:
                services = self.request('GET', '/os-services')['services']
            except OSError:
                services = []
            if wanted <= {one['binary'] for one in services
                          if one['state'] == 'up'}:
                return
            time.sleep(0.2)
        logs = '\n'.join(path.read_text()[-2000:]
                         for path in self.directory.glob('*.log'))
        self.fail(f'the daemons did not come up:\n{logs}')

    def request(self, method: str, path: str, body: typing.Any = None,
                ) -> typing.Any:
        """Send a request as the administrator."""
        request = urllib.request.Request(
            self.base + path, method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={'Content-Type': 'application/json',
                     'X-Auth-Token': f'admin:{PROJECT}',
                     'OpenStack-API-Version': 'volume 3.71'})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            self.fail(f'{method} {path}: {error.code} {error.read()!r}')
        return json.loads(text) if text else None

    def wait(self, noun: str, id_: str, status: str | None) -> None:
        """Wait for a status, or (None) until the resource is gone."""
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            body = self.request('GET', f'/{noun}/{id_}')
            found = body[noun.removesuffix('s')]['status'] if body else None
            if found == status:
                return
            if found is not None and found.startswith('error'):
                break
            time.sleep(0.05)
        self.fail(f'{noun} {id_} is {found}, not {status}')

    def attach(self, volume_id: str) -> tuple[str, typing.Any]:
        """Attach a volume; return the attachment's id and its bytes."""
        attachment = self.request('POST', '/attachments', {'attachment': {
            'volume_uuid': volume_id, 'instance_uuid': volume_id,
            'connector': {'host': 'client'}}})['attachment']
        self.request('POST', f'/attachments/{attachment["id"]}/action',
                     {'os-complete': None})
        info = dict(attachment['connection_info'])
        opened = connections.open_connection(
            {'driver_volume_type': info.pop('driver_volume_type'),
             'data': info}, writable=True)
        self.addCleanup(opened.close)
        return attachment['id'], opened

    def test_main_job(self) -> None:
        made = self.request('POST', '/volumes', {'volume': {'size': 1}})
        volume_id = made['volume']['id']
        self.wait('volumes', volume_id, 'available')
        attachment_id, opened = self.attach(volume_id)
        pattern = os.urandom(1024 * 1024)
        opened.write(5 * 1024 * 1024, pattern)
        opened.flush()
        made = self.request('POST', '/backups', {'backup': {
            'volume_id': volume_id, 'force': True}})
        backup_id = made['backup']['id']
        self.wait('backups', backup_id, 'available')
        opened.write(5 * 1024 * 1024, bytes(1024 * 1024))
        self.wait('volumes', volume_id, 'in-use')
        made = self.request('POST', f'/backups/{backup_id}/restore',
                            {'restore': {}})
        restored_id = made['restore']['volume_id']
        self.wait('volumes', restored_id, 'available')
        second_id, restored = self.attach(restored_id)
        read = bytearray(len(pattern))
        restored.read_into(5 * 1024 * 1024, memoryview(read))
        self.assertEqual(pattern, bytes(read))
        for attachment in (attachment_id, second_id):
            self.request('DELETE', f'/attachments/{attachment}')
        self.request('DELETE', f'/backups/{backup_id}')
        self.wait('backups', backup_id, None)
        for volume in (volume_id, restored_id):
            self.request('DELETE', f'/volumes/{volume}')
            self.wait('volumes', volume, None)
        self.assertEqual([], list((self.directory / 'volumes').iterdir()))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return int(probe.getsockname()[1])
