"""HTTP in this process, and by granian in worker processes."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from typing import Any

import fixtures
from oslo_config import cfg
from oslotest import base

from blockstore import conf as blockstore_conf
from blockstore.service import wsgi

CHILD = textwrap.dedent("""
    import os, sys
    from blockstore.cmd import common
    from blockstore.service import workers

    def app(environ, start_response):
        start_response('200 OK', [('Content-Type', 'text/plain')])
        return [str(os.getpid()).encode()]

    conf = common.prepare(sys.argv[1:], 'blockstore-api')
    workers.serve(
        lambda: app, conf,
        lambda: print('exit', os.getpid(), flush=True))
    print('done', flush=True)
""")


class GranianTest(base.BaseTestCase):

    def test_workers_serve_and_end_in_order(self) -> None:
        home = self.useFixture(fixtures.TempDir()).path
        with socket.create_server(('127.0.0.1', 0)) as free:
            port = free.getsockname()[1]
        with open(f'{home}/api.conf', 'w') as file:
            file.write(f'[api]\nport={port}\nworkers=2\nthreads=2\n')
        child = subprocess.Popen(
            [sys.executable, '-c', CHILD, '--config-file',
             f'{home}/api.conf'],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=dict(os.environ))
        self.addCleanup(child.communicate)
        self.addCleanup(child.kill)
        # A worker that has not come so far would end without a word.
        pids = self._workers(port, 2)
        self.assertNotIn(str(child.pid), pids)
        child.send_signal(signal.SIGTERM)
        out, _ = child.communicate(timeout=120)
        self.assertEqual(0, child.returncode)
        self.assertEqual(2, out.count('exit '), out)
        for pid in pids:
            self.assertIn(f'exit {pid}\n', out)
        self.assertTrue(out.endswith('done\n'), out)

    def _workers(self, port: int, number: int) -> set[str]:
        """Ask until so many workers have answered; return their pids."""
        deadline = time.monotonic() + 120
        pids: set[str] = set()
        while len(pids) < number:
            self.assertLess(time.monotonic(), deadline, pids)
            connection = http.client.HTTPConnection('127.0.0.1', port,
                                                    timeout=60)
            try:
                connection.request('GET', '/')
                pids.add(connection.getresponse().read().decode())
            except ConnectionError:
                time.sleep(0.05)
            finally:
                connection.close()
        return pids


class WaitressTest(base.BaseTestCase):

    def setUp(self) -> None:
        super().setUp()
        self.conf = cfg.ConfigOpts()
        blockstore_conf.register(self.conf)
        self.conf([], default_config_files=[])
        self.conf.set_override('port', 0, group='api')
        self.entered = threading.Event()
        self.release = threading.Event()
        self.release.set()
        self.server = wsgi.WaitressServer(self.app, self.conf)
        self.server.start()
        self.addCleanup(self.server.stop, float('inf'))
        self.addCleanup(self.release.set)

    def app(self, environ: Any, start_response: Any) -> list[bytes]:
        self.entered.set()
        self.release.wait(60)
        start_response('200 OK', [('Content-Type', 'text/plain')])
        return [environ['PATH_INFO'].encode()]

    def connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(*self.server.address,
                                                timeout=60)
        self.addCleanup(connection.close)
        return connection

    def test_serves_and_keeps_alive(self) -> None:
        connection = self.connect()
        for path in ('/a', '/b'):
            connection.request('GET', path)
            answer = connection.getresponse()
            self.assertEqual((200, path.encode()),
                             (answer.status, answer.read()))
        self.assertTrue(self.server.healthy())

    def test_stop_answers_what_was_asked(self) -> None:
        idle = self.connect()
        idle.connect()
        self.release.clear()
        connection = self.connect()
        connection.request('GET', '/slow')
        self.assertTrue(self.entered.wait(60))
        stopper = threading.Thread(target=self.server.stop,
                                   args=(time.monotonic() + 120,))
        stopper.start()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(self.server.address, 1).close()
            except ConnectionError:
                break
            time.sleep(0.01)
        else:
            self.fail('it goes on listening')
        self.release.set()
        self.assertEqual(b'/slow', connection.getresponse().read())
        # Long before its deadline.
        stopper.join(60)
        self.assertFalse(stopper.is_alive())
        self.assertFalse(self.server.healthy())

    def test_a_taken_port_is_an_error(self) -> None:
        self.conf.set_override('port', self.server.address[1], group='api')
        other = wsgi.WaitressServer(self.app, self.conf)
        self.assertRaises(OSError, other.start)
