"""Gates on a real kernel, and the way to them through privsep."""

import mmap
import os
import pwd
import select
import shutil
import subprocess
import sys
import tempfile

from oslotest import base as test_base

from blockstore.privileged import commands
from blockstore.privileged import devices
from blockstore.privileged import lvm
from blockstore.privileged import mapper
from blockstore.tests.lvm import real

MIB = 1 << 20
GATE = 'volume-00000000-0000-4000-8000-000000000000.0123456789abcdef'


class GateTest(real.VolumeGroup, test_base.BaseTestCase):
    """Open, read-only, again, shut under a reader, grown."""

    def setUp(self):
        super().setUp()
        lvm.create_thick(real.GROUP, 'below', 8 * MIB, [])
        self.addCleanup(lvm.remove, real.GROUP, 'below')
        self.addCleanup(mapper.shut_gate, GATE)
        self.device = f'/dev/{real.GROUP}/below'

    def open(self, limit=0, read_only=False, owner=0):
        return mapper.open_gate(GATE, real.GROUP, 'below', limit,
                                read_only, owner, owner)

    def descriptor(self, path, flags=os.O_RDWR):
        descriptor = os.open(path, flags)
        self.addCleanup(os.close, descriptor)
        return descriptor

    def test_it_leads_to_the_device(self):
        path = self.open()
        self.assertEqual(path, self.open())
        descriptor = self.descriptor(path)
        self.assertEqual(8 * MIB, os.lseek(descriptor, 0, os.SEEK_END))
        os.pwrite(descriptor, b'x' * 4096, MIB)
        os.fsync(descriptor)
        below = self.descriptor(self.device, os.O_RDONLY | os.O_DIRECT)
        page = mmap.mmap(-1, 4096)
        os.preadv(below, [page], MIB)
        self.assertEqual(b'x' * 4096, page[:])

    def test_it_belongs_to_its_owner_alone(self):
        status = os.stat(self.open(owner=4242))
        self.assertEqual((4242, 0o600), (status.st_uid,
                                         status.st_mode & 0o777))

    def test_a_part_that_cannot_be_written(self):
        path = self.open(MIB, True)
        descriptor = self.descriptor(path)
        self.assertRaises(OSError, os.pwrite, descriptor, b'x' * 4096, 0)
        self.assertEqual(MIB, os.lseek(descriptor, 0, os.SEEK_END))

    def test_whoever_has_it_open_is_shut_out(self):
        path = self.open()
        descriptor = self.descriptor(path)
        os.pwrite(descriptor, b'x' * 4096, 0)
        os.fsync(descriptor)
        os.pread(descriptor, 4096, 0)
        mapper.shut_gate(GATE)
        self.assertRaises(OSError, os.pread, descriptor, 4096, 0)
        self.assertFalse(os.path.exists(path))
        # The device below is free although the reader stays.
        lvm.remove(real.GROUP, 'below')
        mapper.shut_gate(GATE)
        lvm.create_thick(real.GROUP, 'below', 8 * MIB, [])

    def test_it_grows_under_its_readers(self):
        descriptor = self.descriptor(self.open())
        lvm.extend(real.GROUP, 'below', 16 * MIB)
        self.open()
        self.assertEqual(16 * MIB, os.lseek(descriptor, 0, os.SEEK_END))

    def test_no_way_to_anything_else(self):
        for group, name in (('.', 'ubda'), ('..', 'x'), ('mapper/..', 'x'),
                            ('mapper', 'control'), ('', 'ubda')):
            self.assertRaises(ValueError, mapper.open_gate, GATE, group,
                              name, 0, False, 0, 0)
            self.assertRaises(ValueError, devices.zero, group, name, 0)
        for name in ('../x', 'a/b', '', f'{real.GROUP}-below'):
            self.assertRaises(ValueError, mapper.open_gate, name, real.GROUP,
                              'below', 0, False, 0, 0)
        self.assertRaises(ValueError, devices.lend, self.device, 4242)

    def test_errors_keep_what_lvm_said(self):
        error = self.assertRaises(commands.CommandFailed, lvm.remove,
                                  real.GROUP, 'no-such')
        self.assertEqual(5, error.exit_code)
        self.assertIn('Failed to find', error.stderr)


class PrivsepTest(real.VolumeGroup, test_base.BaseTestCase):
    """A process without rights, and one beside it that has them."""

    # Loaded with rights: whoever has none may not be able to read the tests.
    SCRIPT = """
import os
from oslo_config import cfg
from blockstore import privileged
from blockstore.privileged import commands, lvm
os.setgroups([])
os.setgid({gid})
os.setuid({uid})
privileged.root.set_client_mode(True)
cfg.CONF(['--config-file', {config!r}], project='blockstore')
try:
    open('/dev/mapper/control', 'rb')
except PermissionError:
    print('no rights')
print(lvm.report_group({group!r}).count('vg_name'))
try:
    lvm.remove({group!r}, 'no-such')
except commands.CommandFailed as error:
    print(error.exit_code, 'Failed to find' in error.stderr)
"""

    def await_words(self, path, client):
        """Return what the helper was asked with, unless the client ends."""
        pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, pipe)
        while client.poll() is None:
            if select.select([pipe], [], [], 0.1)[0]:
                words = os.read(pipe, 4096).decode().split()
                if words:
                    return words
        return self.fail(client.stderr.read())

    def test_an_unprivileged_process(self):
        user = pwd.getpwnam('nobody')
        folder = tempfile.mkdtemp(prefix='privsep-', dir='/var/tmp')
        self.addCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o755)
        # In place of sudo, which not every kernel of tests has: the parent
        # has rights, and starts the helper when it is asked through a pipe.
        asked, ask = f'{folder}/ask', f'{folder}/helper'
        os.mkfifo(asked)
        os.chmod(asked, 0o666)
        with open(ask, 'w', encoding='utf-8') as target:
            target.write(f'#!/bin/sh\necho "$*" >{asked}\n')
        os.chmod(ask, 0o755)
        config = f'{folder}/conf'
        with open(config, 'w', encoding='utf-8') as target:
            target.write(f'[privileged]\nhelper_command = {ask}\n')
        client = subprocess.Popen(
            [sys.executable, '-c', self.SCRIPT.format(
                uid=user.pw_uid, gid=user.pw_gid, config=config,
                group=real.GROUP)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, 'TMPDIR': '/tmp'})
        self.addCleanup(client.kill)
        words = self.await_words(asked, client)
        helper = subprocess.Popen(
            [sys.executable, '-c',
             'import sys; from oslo_privsep.daemon import helper_main; '
             'sys.exit(helper_main())', '--config-file', config, *words],
            stderr=subprocess.PIPE, text=True)
        self.addCleanup(helper.kill)
        out, errors = client.communicate(timeout=300)
        self.assertEqual(['no rights', '1', '5 True'], out.splitlines(),
                         errors)
        helper.communicate(timeout=300)
