"""What every entry point does first."""

import subprocess
import sys
import textwrap

import fixtures
from oslotest import base

CHILD = textwrap.dedent("""
    import sys
    from oslo_log import log as logging
    from blockstore import context
    from blockstore.cmd import common

    conf = common.prepare(sys.argv[1:], 'blockstore-test')
    print(conf.service.stop_timeout, conf.api.port)
    logging.getLogger('blockstore.x').info('plain')
    context.RequestContext(project_id='p1', request_id='req-7')
    logging.getLogger('blockstore.x').info('asked')
    logging.getLogger('blockstore.x').debug('detail')
    logging.getLogger('stevedore.x').info('chatter')
    import oslo_messaging
    print(sys.modules['eventlet'])
""")


class PrepareTest(base.BaseTestCase):

    def run_child(self, *argv: str) -> 'subprocess.CompletedProcess[str]':
        return subprocess.run(
            [sys.executable, '-W', 'error::DeprecationWarning:eventlet',
             '-c', CHILD, *argv],
            capture_output=True, text=True, timeout=60)

    def test_configuration_and_log(self) -> None:
        path = f'{self.useFixture(fixtures.TempDir()).path}/b.conf'
        with open(path, 'w') as file:
            file.write('[service]\nstop_timeout=3\n')
        done = self.run_child('--config-file', path)
        self.assertEqual('3 8776\nNone\n', done.stdout, done.stderr)
        self.assertIn('INFO blockstore.x [-] plain', done.stderr)
        self.assertIn('INFO blockstore.x [req-7 p1] asked', done.stderr)
        self.assertNotIn('detail', done.stderr)
        self.assertNotIn('chatter', done.stderr)

    def test_a_mistake_ends_the_process(self) -> None:
        done = self.run_child('--no-such-option')
        self.assertEqual(2, done.returncode)
        self.assertIn('blockstore-test', done.stderr)

    def test_version(self) -> None:
        done = self.run_child('--version')
        self.assertEqual(0, done.returncode)
        self.assertTrue(done.stdout.strip())
