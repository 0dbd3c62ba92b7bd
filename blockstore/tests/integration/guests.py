"""``tools/uml-run``: what comes back from a guest, and what is left of it."""

import os
import pathlib
import shutil
import subprocess

from oslotest import base

ROOT = pathlib.Path(__file__).resolve().parents[3]


class GuestTest(base.BaseTestCase):
    """Output, exit status, files, the end of time."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest('tools/uml-run is for root here')
        if shutil.which('linux.uml') is None:
            self.skipTest('user-mode-linux is not installed')

    def run_guest(self, *words):
        return subprocess.run(
            [ROOT / 'tools' / 'uml-run', *words], capture_output=True,
            text=True, cwd=ROOT, check=False, timeout=300)

    def test_what_a_command_says_and_leaves(self):
        left = ROOT / f'.test-logs-{os.getpid()}'
        outside = f'/var/tmp/uml-run-test-{os.getpid()}'
        self.addCleanup(left.unlink, missing_ok=True)
        done = self.run_guest(
            '--disks', '2', '--', 'sh', '-c',
            'id -u; uname -r; ls /dev/ubda /dev/ubdb; echo said >&2; '
            f'echo kept >{left}; echo lost >{outside}; exit 7')
        self.assertEqual(7, done.returncode, done.stderr)
        lines = done.stdout.split()
        self.assertEqual('0', lines[0])
        self.assertNotEqual(os.uname().release, lines[1])
        self.assertEqual(['/dev/ubda', '/dev/ubdb', 'said'], lines[2:])
        self.assertEqual('kept\n', left.read_text())
        self.assertFalse(os.path.exists(outside))

    def test_the_end_of_time(self):
        done = self.run_guest('--timeout', '15', '--', 'sleep', '1000')
        self.assertEqual(124, done.returncode)
        self.assertIn('stopped after 15 seconds', done.stderr)

    def test_no_command(self):
        for words in ((), ('--',), ('--no-such', '--', 'true')):
            done = self.run_guest(*words)
            self.assertEqual(2, done.returncode)
            self.assertIn('tools/uml-run [OPTION', done.stderr)
