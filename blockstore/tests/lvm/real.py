"""A volume group on a real kernel, for tests: as root, or not at all.

``tools/uml-run`` gives such a kernel on any Debian; on a machine with LVM the
same tests run directly, on a file of their own.  The group is made once in a
process and is emptied after a test that failed.
"""

import atexit
import os
import pathlib
import shutil
import subprocess

import testtools

GROUP = 'blockstore-test'
POOL = 'thin-pool'
POOL_GB = 24
#: The empty disk of tools/uml-run: nothing has to be put back there.
DISK = pathlib.Path('/dev/ubda')
_SIZE = 64 << 30

_state = {'made': False, 'dirty': False}


def missing():
    """Why there can be no volume group here, or None."""
    if os.geteuid() != 0:
        return 'LVM needs root'
    if not os.path.exists('/dev/mapper/control'):
        return 'this kernel has no device-mapper: run it by tools/uml-run'
    for program in ('lvs', 'thin_delta'):
        if shutil.which(program) is None:
            return f'{program} is not installed'
    return None


def run(*words):
    """Run a program that must end well; return what it printed."""
    done = subprocess.run(words, capture_output=True, text=True, check=False,
                          env={**os.environ, 'LC_ALL': 'C'})
    if done.returncode:
        raise AssertionError(f'{words}: {done.stderr}')
    return done.stdout


def lv(*words):
    """Run a program of LVM without a question."""
    return run(words[0], '-qq', '--yes', *words[1:])


def names():
    """The names of all that is in the group, but the pool."""
    found = run('lvs', '--noheadings', '-o', 'lv_name', GROUP).split()
    return sorted(name for name in found if name != POOL)


def _make():
    if subprocess.run(['vgs', GROUP], capture_output=True,
                      check=False).returncode == 0:
        return
    device = str(DISK)
    if not DISK.exists():
        path = f'/var/tmp/{GROUP}-{os.getpid()}'
        with open(path, 'wb') as target:
            target.truncate(_SIZE)
        device = run('losetup', '--find', '--show', path).strip()
        os.unlink(path)
        atexit.register(_unmake, device)
    lv('pvcreate', device)
    lv('vgcreate', GROUP, device)


def _unmake(device):
    """Leave nothing on a machine that goes on."""
    empty()
    lv('vgremove', '--force', GROUP)
    lv('pvremove', device)
    run('losetup', '--detach', device)


def prepare():
    """Make the group; if something may have been left there, empty it."""
    if not _state['made']:
        _make()
        _state['made'] = True
    elif _state['dirty']:
        empty()
    _state['dirty'] = False


def spoil():
    """Let the next test find an empty group, whatever this one leaves."""
    _state['dirty'] = True


def empty():
    """Remove all that is in the group."""
    for path in pathlib.Path('/sys/class/block').glob('dm-*/dm/name'):
        name = path.read_text().strip()
        if name.startswith(('volume-', '_snapshot-')):
            run('dmsetup', 'remove', '--force', name)
    lv('lvremove', '--force', GROUP)


class VolumeGroup:
    """Mixed into a test case: the group is there, and empty."""

    def setUp(self):
        reason = missing()
        if reason:
            self.skipTest(reason)
        prepare()
        self.addOnException(self._spoil)
        super().setUp()

    def _spoil(self, info):
        if not issubclass(info[0], testtools.TestCase.skipException):
            spoil()
