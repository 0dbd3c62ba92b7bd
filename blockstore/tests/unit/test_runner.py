"""The runner in a real process under real signals."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import textwrap
from typing import Any

import fixtures
from oslotest import base

from blockstore.service import systemd

CHILD = textwrap.dedent("""
    import os, sys, threading, time
    from blockstore.cmd import common
    from blockstore.service import base, runner

    def say(*words):
        print(*words, flush=True)

    class Part(base.Service):
        def __init__(self, name):
            self.name = name
        def start(self):
            if self.name == 'broken':
                raise RuntimeError('cannot start')
            say('start', self.name)
        def stop(self, deadline):
            say('stop', self.name)
            if self.name == 'stubborn':
                threading.Thread(target=time.sleep, args=(60,)).start()
        def reload(self):
            say('reload', self.name, conf.service.stop_timeout, conf.debug)
        def ready(self):
            return not os.path.exists(os.environ.get('ABSENT', '/nowhere'))
        def healthy(self):
            return not os.path.exists(os.environ.get('SICK', '/nowhere'))

    conf = common.prepare(sys.argv[1:-1], 'blockstore-test')
    parts = [Part(name) for name in sys.argv[-1].split(',')]
    status = runner.Runner(parts, conf).run()
    say('eventlet', sys.modules['eventlet'])
    sys.exit(status)
""")


class RunnerTest(base.BaseTestCase):

    def setUp(self) -> None:
        super().setUp()
        self.home = self.useFixture(fixtures.TempDir()).path
        self.notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.notifications.close)
        self.notifications.bind(f'{self.home}/notify')
        self.notifications.settimeout(120)
        self.config = f'{self.home}/blockstore.conf'
        self.configure(stop_timeout=5)

    def configure(self, stop_timeout: int, debug: bool = False) -> None:
        with open(self.config, 'w') as file:
            file.write(f'[DEFAULT]\ndebug={debug}\n'
                       f'[service]\nstop_timeout={stop_timeout}\n')

    def launch(self, parts: str, **environment: str) -> Any:
        child = subprocess.Popen(
            [sys.executable, '-c', CHILD, '--config-file', self.config,
             parts],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, 'NOTIFY_SOCKET': f'{self.home}/notify',
                 **environment})
        self.addCleanup(child.communicate)
        self.addCleanup(child.kill)
        return child

    def heard(self) -> str:
        return self.notifications.recv(4096).decode()

    def test_ordered_stop_on_sigterm(self) -> None:
        child = self.launch('one,two')
        self.assertIn('READY=1', self.heard())
        child.send_signal(signal.SIGTERM)
        out, _ = child.communicate(timeout=120)
        self.assertEqual(['start one', 'start two', 'stop two', 'stop one',
                          'eventlet None'], out.splitlines())
        self.assertEqual(0, child.returncode)
        self.assertIn('STOPPING=1', self.heard())

    def test_ready_when_all_are_ready_and_not_earlier(self) -> None:
        absent = f'{self.home}/absent'
        pathlib.Path(absent).touch()
        child = self.launch('one', ABSENT=absent)
        told = self.heard()
        self.assertIn('STATUS=not ready yet: one', told)
        self.assertIn('EXTEND_TIMEOUT_USEC=', told)
        child.send_signal(signal.SIGHUP)
        os.remove(absent)
        while 'READY=1' not in (told := self.heard()):
            self.assertIn('STATUS=not ready yet: one', told)
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=60)
        self.assertEqual(0, child.returncode)

    def test_reload_on_sighup(self) -> None:
        child = self.launch('one')
        self.assertIn('READY=1', self.heard())
        self.configure(stop_timeout=5, debug=True)
        child.send_signal(signal.SIGHUP)
        reloading = self.heard()
        self.assertIn('RELOADING=1', reloading)
        self.assertIn('MONOTONIC_USEC=', reloading)
        self.assertEqual('READY=1', self.heard())
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=120)
        self.assertIn('reload one 5 True', out, 'debug is mutable')
        self.assertEqual(0, child.returncode)

    def test_hard_exit_when_work_does_not_end(self) -> None:
        self.configure(stop_timeout=1)
        child = self.launch('stubborn')
        self.heard()
        child.send_signal(signal.SIGTERM)
        _, err = child.communicate(timeout=120)
        self.assertEqual(1, child.returncode)
        self.assertIn('still in flight', err)

    def test_a_second_signal_leaves_at_once(self) -> None:
        self.configure(stop_timeout=600)
        child = self.launch('stubborn')
        self.heard()
        child.send_signal(signal.SIGTERM)
        self.assertIn('STOPPING=1', self.heard())
        for line in child.stdout:
            if line.startswith('eventlet'):
                break
        child.send_signal(signal.SIGTERM)
        self.assertEqual(1, child.wait(timeout=120))

    def test_a_failed_start_stops_what_runs(self) -> None:
        child = self.launch('one,broken,two')
        out, err = child.communicate(timeout=120)
        self.assertEqual(['start one', 'stop broken', 'stop one'],
                         out.splitlines()[:3])
        self.assertEqual(1, child.returncode)
        self.assertIn('cannot start', err)

    def test_meditation_on_sigusr2(self) -> None:
        child = self.launch('one')
        self.heard()
        child.send_signal(signal.SIGUSR2)
        for line in child.stderr:
            if 'Threads' in line:
                break
        else:
            self.fail('no report')
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=120)
        self.assertEqual(0, child.returncode)

    def test_watchdog_only_while_healthy(self) -> None:
        sick = f'{self.home}/sick'
        self.launch('one', WATCHDOG_USEC='100000', SICK=sick)
        self.assertIn('READY=1', self.heard())
        self.assertEqual('WATCHDOG=1', self.heard())
        with open(sick, 'w'):
            pass
        while (told := self.heard()) == 'WATCHDOG=1':
            pass
        self.assertEqual('STATUS=not healthy: one', told)
        self.notifications.settimeout(0.3)
        self.assertRaises(TimeoutError, self.heard)


class SystemdTest(base.BaseTestCase):

    def test_watchdog_of_another_process_is_not_ours(self) -> None:
        for pid, expected in ((str(os.getpid()), 0.5), ('1', None)):
            with fixtures.EnvironmentVariable('WATCHDOG_USEC', '1000000'), \
                    fixtures.EnvironmentVariable('WATCHDOG_PID', pid):
                self.assertEqual(expected, systemd.watchdog_interval())

    def test_who_does_not_listen_holds_nobody_up(self) -> None:
        path = f'{self.useFixture(fixtures.TempDir()).path}/notify'
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            deaf.bind(path)
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    client.sendto(b'STATUS=busy', path)
            with fixtures.EnvironmentVariable('NOTIFY_SOCKET', path):
                systemd.notify('WATCHDOG=1')
