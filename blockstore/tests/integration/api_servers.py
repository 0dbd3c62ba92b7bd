"""The API in worker processes: blockstore-api alone, and gunicorn.

Over SQLite and the transport inside the process: here only the processes
count.  What they do under systemd is told through a real NOTIFY_SOCKET.
"""

import contextlib
import http.client
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

import fixtures
from oslotest import base

from blockstore.tests.crash import child

LIMIT = 120.0


class ServerTest(base.BaseTestCase):

    def setUp(self) -> None:
        super().setUp()
        self.home = pathlib.Path(self.useFixture(
            fixtures.TempDir(rootdir='/tmp')).path)
        with socket.create_server(('127.0.0.1', 0)) as free:
            self.port = free.getsockname()[1]
        self.config = self.home / 'blockstore.conf'
        self.configure()
        self.make_database()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.listener.close)
        self.listener.bind(str(self.home / 'notify'))
        self.listener.settimeout(LIMIT)

    def configure(self, endpoint: str = 'http://before.example') -> None:
        self.config.write_text(
            f'[DEFAULT]\ntransport_url=local:\n'
            f'[service]\nstate_path={self.home}/state\nstop_timeout=20\n'
            f'[api]\nport={self.port}\nworkers=2\nthreads=4\n'
            f'public_endpoint={endpoint}\n')

    def make_database(self) -> None:
        subprocess.run([sys.executable, '-m', 'blockstore.cmd.manage',
                        '--config-file', str(self.config), 'db', 'sync'],
                       check=True, capture_output=True, timeout=LIMIT)

    def launch(self, *arguments: str, **environment: str,
               ) -> 'subprocess.Popen[bytes]':
        log = (self.home / 'log').open('ab')
        self.addCleanup(log.close)
        process = subprocess.Popen(
            [sys.executable, '-m', *arguments], cwd=self.home,
            stdout=log, stderr=log, start_new_session=True,
            preexec_fn=child.die_with_parent,
            env={**os.environ, 'NOTIFY_SOCKET': f'{self.home}/notify',
                 **environment})
        self.addCleanup(self._end, process)
        return process

    def _end(self, process: 'subprocess.Popen[bytes]') -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(LIMIT)

    def hear(self, start: str) -> list[str]:
        """Wait for a line that starts so; return all up to it."""
        heard: list[str] = []
        while not any(line.startswith(start) for line in heard):
            heard += self.listener.recv(4096).decode().split('\n')
        return heard

    def get(self, path: str = '/') -> tuple[int, bytes]:
        connection = http.client.HTTPConnection('127.0.0.1', self.port,
                                                timeout=LIMIT)
        with contextlib.closing(connection):
            connection.request('GET', path, headers={
                'X-Auth-Token': 'admin:' + '0' * 32})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def until(self, condition: 'object', what: str) -> None:
        """Wait until a condition holds; a refused connection may pass."""
        limit = time.monotonic() + LIMIT
        while time.monotonic() < limit:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if condition():  # type: ignore[operator]
                    return
            time.sleep(0.05)
        self.fail(f'{what}\n{(self.home / "log").read_text()[-4000:]}')

    def children(self, process: 'subprocess.Popen[bytes]') -> set[int]:
        path = f'/proc/{process.pid}/task/{process.pid}/children'
        return {int(pid) for pid in pathlib.Path(path).read_text().split()}

    def list_status(self, limit: int) -> int:
        return self.get(f'/v3/{"0" * 32}/volumes?limit={limit}')[0]


class OwnServerTest(ServerTest):
    """``blockstore-api`` by itself."""

    def test_a_life(self) -> None:
        daemon = self.launch('blockstore.cmd.api', '--config-file',
                             str(self.config), WATCHDOG_USEC='1000000')
        # Ready: from the first moment on every request is answered.
        self.hear('READY=1')
        for _ in range(20):
            self.assertEqual(300, self.get()[0])
        self.assertEqual(200, self.list_status(500))
        self.hear('WATCHDOG=1')
        self._a_dead_worker_is_replaced(daemon)
        self._reload(daemon)
        self._drain(daemon)

    def _a_dead_worker_is_replaced(
            self, daemon: 'subprocess.Popen[bytes]') -> None:
        before = self.children(daemon)
        self.assertEqual(2, len(before))
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        self.until(lambda: len(self.children(daemon) - {victim}) == 2,
                   'no new worker')
        self.until(lambda: self.get()[0] == 300, 'no answer')

    def _reload(self, daemon: 'subprocess.Popen[bytes]') -> None:
        before = self.children(daemon)
        self.assertIn(b'http://before.example', self.get()[1])
        self.configure('http://after.example')
        daemon.send_signal(signal.SIGHUP)
        self.assertIn('RELOADING=1', self.hear('MONOTONIC_USEC='))
        self.hear('READY=1')
        self.until(lambda: not self.children(daemon) & before,
                   'old workers still there')
        for _ in range(10):
            self.assertIn(b'http://after.example', self.get()[1])

    def _drain(self, daemon: 'subprocess.Popen[bytes]') -> None:
        """A request that has begun is answered; then all ends."""
        answers: list[int] = []
        with socket.create_connection(('127.0.0.1', self.port),
                                      LIMIT) as client:
            body = b'{"volume": {"size": 1}}'
            client.sendall(
                f'POST /v3/{"0" * 32}/volumes HTTP/1.1\r\nHost: 127.0.0.1\r\n'
                f'X-Auth-Token: admin:{"0" * 32}\r\n'
                f'Content-Type: application/json\r\n'
                f'Content-Length: {len(body)}\r\n\r\n'.encode())
            # It reads the request now: the head is gone from the socket.
            self.until(lambda: self.get()[0] == 300, 'no answer')
            daemon.send_signal(signal.SIGTERM)
            self.hear('STOPPING=1')
            client.sendall(body)
            answer = client.recv(4096)
            answers.append(int(answer.split()[1]))
        self.assertEqual([202], answers, answer)
        self.assertEqual(0, daemon.wait(LIMIT))


class GunicornTest(ServerTest):
    """Another WSGI server, that forks after the import."""

    def test_preloaded_and_forked(self) -> None:
        server = self.launch(
            'gunicorn', '--preload', '--workers=2', '--threads=4',
            f'--bind=127.0.0.1:{self.port}', 'blockstore.wsgi:application',
            OS_BLOCKSTORE_CONFIG_FILES=str(self.config))
        self.until(lambda: self.list_status(1) == 200, 'no answer')
        # The parent, which has the module, has neither database nor threads.
        opened = [os.readlink(link) for link in pathlib.Path(
            f'/proc/{server.pid}/fd').iterdir()]
        self.assertEqual([], [name for name in opened if 'sqlite' in name])
        # gunicorn's own control thread is the only other one it may have.
        answers: list[int] = []
        threads = [threading.Thread(
            target=lambda: answers.append(self.list_status(1)))
            for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT)
        self.assertEqual([200] * 20, answers)
        server.send_signal(signal.SIGTERM)
        self.assertEqual(0, server.wait(LIMIT))


class ExposureTest(ServerTest):
    """``noauth`` behind a server that listens where it likes."""

    def setUp(self) -> None:
        super().setUp()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            try:
                # Sends nothing: it only asks which address would be used.
                asked.connect(('192.0.2.1', 9))
            except OSError:
                self.skipTest('this host has no address but loopback')
            self.address: str = asked.getsockname()[0]
        if self.address.startswith('127.'):
            self.skipTest('this host has no address but loopback')

    def serve(self) -> None:
        """Let gunicorn listen on every address."""
        self.launch(
            'gunicorn', '--workers=1', '--threads=2',
            f'--bind=0.0.0.0:{self.port}', 'blockstore.wsgi:application',
            OS_BLOCKSTORE_CONFIG_FILES=str(self.config))
        self.until(lambda: self.list_status(1) == 200, 'no answer')

    def ask(self, address: str, **headers: str) -> tuple[int, bytes]:
        """Ask for volumes as an administrator."""
        connection = http.client.HTTPConnection(
            address, self.port, timeout=LIMIT,
            source_address=(address, 0))
        with contextlib.closing(connection):
            connection.request('GET', f'/v3/{"0" * 32}/volumes', headers={
                'X-Auth-Token': 'admin:' + '0' * 32,
                **{name.replace('_', '-'): value
                   for name, value in headers.items()}})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def test_others_are_refused(self) -> None:
        self.serve()
        for headers in ({}, {'Host': f'127.0.0.1:{self.port}'},
                        {'X_Forwarded_For': '127.0.0.1',
                         'X_Real_Ip': '127.0.0.1',
                         'Forwarded': 'for=127.0.0.1',
                         'Host': 'localhost'}):
            status, body = self.ask(self.address, **headers)
            self.assertEqual(403, status, body)
            self.assertIn(b'blockstore.request.forbidden', body)
        self.assertEqual(200, self.ask('127.0.0.1')[0])

    def test_others_are_served_where_that_is_wanted(self) -> None:
        self.config.write_text(
            self.config.read_text() + '[auth]\nnoauth_allow_remote=true\n')
        self.serve()
        status, body = self.ask(self.address)
        self.assertEqual(200, status, body)
