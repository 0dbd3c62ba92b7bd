"""The files for systemd, judged by systemd's own tools."""

import pathlib
import re
import shutil
import subprocess
import sys

import fixtures
from oslotest import base

ROOT = pathlib.Path(__file__).parents[3]
UNITS = ROOT / 'etc' / 'systemd'
#: systemd-analyze's exposure level, in tenths: below it says "OK".
EXPOSURE = 20


class UnitFilesTest(base.BaseTestCase):

    def run_tool(self, tool: str, *arguments: str) -> str:
        """Run one of systemd's tools; skip when there is none."""
        if shutil.which(tool) is None:
            self.skipTest(f'{tool} is not installed')
        done = subprocess.run([tool, *arguments], text=True, timeout=120,
                              capture_output=True)
        told = done.stdout + done.stderr
        self.assertEqual(0, done.returncode, told)
        return told

    def units(self) -> list[str]:
        """Write the units with commands that exist here; return paths."""
        home = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        commands = pathlib.Path(sys.executable).parent
        found = []
        for unit in sorted(UNITS.iterdir()):
            text, count = re.subn(r'(?m)^ExecStart=', f'ExecStart={commands}/',
                                  unit.read_text())
            self.assertEqual(1, count, unit)
            copy = home / unit.name.replace('@', '@fast')
            (home / unit.name).write_text(text)
            found.append(str(copy))
        self.assertEqual(5, len(found))
        return found

    def test_units_are_right(self) -> None:
        told = self.run_tool('systemd-analyze', 'verify', '--man=no',
                             '--recursive-errors=no', *self.units())
        self.assertEqual('', told)

    def test_units_are_hardened(self) -> None:
        for unit in self.units():
            self.run_tool('systemd-analyze', 'security', '--no-pager',
                          '--offline=true', f'--threshold={EXPOSURE}',
                          unit.replace('@fast', '@'))

    def test_user_and_directories_are_made(self) -> None:
        root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        (root / 'etc').mkdir()
        self.run_tool('systemd-sysusers', f'--root={root}',
                      str(ROOT / 'etc/sysusers.d/blockstore.conf'))
        self.assertRegex((root / 'etc/passwd').read_text(),
                         r'(?m)^blockstore:.*:/var/lib/blockstore:.*nologin$')
        self.run_tool('systemd-tmpfiles', f'--root={root}', '--create',
                      str(ROOT / 'etc/tmpfiles.d/blockstore.conf'))
        for name in ('etc/blockstore', 'var/lib/blockstore',
                     'var/lib/blockstore/locks', 'var/log/blockstore'):
            self.assertEqual(0o750, (root / name).stat().st_mode & 0o777)

    def test_all_are_installed(self) -> None:
        shipped = (ROOT / 'setup.cfg').read_text()
        for line in ('lib/systemd/system = etc/systemd/*',
                     'lib/sysusers.d = etc/sysusers.d/*',
                     'lib/tmpfiles.d = etc/tmpfiles.d/*'):
            self.assertIn(line, shipped)
