"""The monitor client against a scripted monitor."""

import json
import os
import socket
import threading

import fixtures
from oslotest import base

from blockstore.volume.drivers.qsd import qmp


class MonitorTestCase(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        directory = self.useFixture(fixtures.TempDir()).path
        self.path = os.path.join(directory, 'q')
        self.server = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.server.close)
        self.server.bind(self.path)
        self.server.listen()

    def serve(self, *answers):
        """Greet, accept qmp_capabilities, then give scripted answers.

        An answer is a function from the request to lines; None hangs up.
        """
        def run():
            with self.server.accept()[0] as wire, wire.makefile(
                    'rwb') as lines:
                lines.write(b'{"QMP": {}}\n')
                lines.flush()
                for answer in (lambda request: [
                        {'return': {}, 'id': request['id']}], *answers):
                    line = lines.readline()
                    if answer is None or not line:
                        return
                    for message in answer(json.loads(line)):
                        lines.write(json.dumps(message).encode() + b'\n')
                    lines.flush()
                lines.readline()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 5)

    def monitor(self, timeout=2.0):
        monitor = qmp.Monitor(self.path, timeout)
        self.addCleanup(monitor.close)
        return monitor

    def test_events_and_late_answers_are_skipped(self):
        self.serve(lambda request: [
            {'event': 'SHUTDOWN'}, {'return': 'late', 'id': 0},
            {'return': request['arguments'], 'id': request['id']}])
        self.assertEqual({'node-name': 'n'},
                         self.monitor().command('x', node_name='n'))

    def test_an_error_is_refused_and_the_monitor_goes_on(self):
        self.serve(
            lambda request: [{'error': {'desc': 'still in use'},
                              'id': request['id']}],
            lambda request: [{'return': 7, 'id': request['id']}])
        monitor = self.monitor()
        error = self.assertRaises(qmp.Refused, monitor.command, 'x')
        self.assertIn('still in use', str(error))
        self.assertEqual(7, monitor.command('y'))

    def test_a_closed_monitor_is_lost(self):
        self.serve(None)
        self.assertRaises(qmp.Lost, self.monitor().command, 'x')

    def test_silence_is_lost_and_nothing_is_read_later(self):
        self.serve(lambda request: [])
        monitor = self.monitor(0.05)
        self.assertRaises(qmp.Lost, monitor.command, 'x')
        self.assertRaises(qmp.Lost, monitor.command, 'y')

    def test_nobody_there(self):
        self.assertRaises(qmp.Lost, qmp.Monitor, self.path + 'x', 0.1)
        self.assertRaises(qmp.Lost, qmp.open_when_ready, self.path + 'x', 5,
                          lambda: False)
