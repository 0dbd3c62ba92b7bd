"""Empty images are what QEMU's own tool makes of the same order."""

import json
import os
import shutil
import subprocess

import fixtures
from oslotest import base

from blockstore.volume.drivers.qsd import qcow2

GIB = 1024 ** 3
TIB = 1024 * GIB
SIZES = (GIB, 3 * GIB, 600 * GIB, 5 * TIB, 64 * TIB)


class EmptyImageTest(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        if shutil.which('qemu-img') is None:
            self.skipTest('qemu-img is not installed')
        self.directory = self.useFixture(fixtures.TempDir()).path

    def qemu_img(self, *arguments):
        return subprocess.run(
            ['qemu-img', *arguments], cwd=self.directory, check=True,
            capture_output=True, text=True).stdout

    def pair(self, size, backing=None, extended=False):
        """Make an image twice: by QEMU and by us."""
        below = ['-b', backing, '-F', 'qcow2'] if backing else []
        options = 'compat=1.1'
        if extended:
            options += ',extended_l2=on,cluster_size=128k'
        self.qemu_img('create', '-q', '-f', 'qcow2', '-o', options, *below,
                      'theirs', str(size))
        qcow2.create(os.path.join(self.directory, 'ours'), size, backing,
                     extended_l2=extended)
        self.addCleanup(self.remove)

    def remove(self):
        for name in ('ours', 'theirs'):
            path = os.path.join(self.directory, name)
            if os.path.exists(path):
                os.unlink(path)

    def compare(self, extended=False):
        cluster = 128 * 1024 if extended else 64 * 1024
        tails, heads = [], []
        for name in ('ours', 'theirs'):
            with open(os.path.join(self.directory, name), 'rb') as file:
                head = bytearray(file.read(cluster))
                # Behind the other extensions the name stands elsewhere.
                head[8:16] = bytes(8)
                heads.append(bytes(head[:112]))
                tails.append(file.read())
        self.assertEqual(heads[1], heads[0])
        self.assertTrue(tails[1] == tails[0], 'the tables differ')
        infos = [json.loads(self.qemu_img('info', '--output', 'json', '-f',
                                          'qcow2', name))
                 for name in ('ours', 'theirs')]
        for info in infos:
            for key in ('filename', 'children', 'actual-size'):
                info.pop(key, None)
        self.assertEqual(infos[1], infos[0])
        self.assertIn('No errors', self.qemu_img(
            'check', '-f', 'qcow2', 'ours'))

    def test_without_a_parent(self):
        for size in SIZES:
            self.pair(size)
            self.compare()
            self.remove()

    def test_on_a_parent(self):
        self.qemu_img('create', '-q', '-f', 'qcow2', 'below.qcow2', '1G')
        for size in SIZES:
            self.pair(size, 'below.qcow2')
            self.compare()
            self.remove()

    def test_with_subclusters(self):
        self.qemu_img('create', '-q', '-f', 'qcow2', 'below.qcow2', '1G')
        for size in SIZES:
            self.pair(size, 'below.qcow2', extended=True)
            self.compare(extended=True)
            self.remove()

    def test_a_file_that_is_there_stays_as_it_is(self):
        path = os.path.join(self.directory, 'ours')
        with open(path, 'w') as file:
            file.write('precious')
        self.assertRaises(FileExistsError, qcow2.create, path, GIB, None)
        with open(path) as file:
            self.assertEqual('precious', file.read())

    def test_the_header_comes_last(self):
        def full(descriptor):
            raise OSError('the disk is full')

        self.useFixture(fixtures.MockPatch('os.fsync', full))
        path = os.path.join(self.directory, 'ours')
        self.assertRaises(OSError, qcow2.create, path, GIB, None)
        with open(path, 'rb') as file:
            self.assertEqual(bytes(4), file.read(4))
