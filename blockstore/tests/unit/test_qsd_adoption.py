"""Files that the driver ``qsd`` takes over, and those that it refuses."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import threading

import fixtures
from oslotest import base as test_base

from blockstore import exceptions
from blockstore.tests import volume_objects
from blockstore.volume import connections
from blockstore.volume.drivers import books
from blockstore.volume.drivers.qsd import adoption
from blockstore.volume.drivers.qsd import images

MIB = 1 << 20
GIB = 1 << 30
MARK = b'written before anybody managed it'
LENGTH = len(MARK)


class AdoptionTest(test_base.BaseTestCase):

    def setUp(self):
        super().setUp()
        for tool in ('qemu-storage-daemon', 'qemu-img'):
            if shutil.which(tool) is None:
                self.skipTest(f'{tool} is not installed')
        self.directory = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path) / 'files'
        self.book = books.MemoryBook()
        self.driver = self.start()
        self.volume = volume_objects.Volume()

    def start(self):
        driver = volume_objects.load_driver(
            'qsd', self.book, qsd_directory=str(self.directory))
        driver.do_setup(None)
        self.addCleanup(driver.close)
        return driver

    def image(self, name, *options, size='1G'):
        subprocess.run(['qemu-img', 'create', '-q', *options,
                        str(self.directory / name), size], check=True)

    def raw(self, name, size=GIB, data=MARK):
        with open(self.directory / name, 'wb') as target:
            target.write(data)
            target.truncate(size)

    def manage(self, name, format_):
        reference = {'source-name': name, 'format': format_}
        self.volume.size = self.driver.manage_existing_get_size(
            self.volume, reference)
        self.driver.manage_existing(self.volume, reference)

    def refused(self, name, format_, words=''):
        before = sorted(os.listdir(self.directory))
        reference = {'source-name': name, 'format': format_}
        for method in (self.driver.manage_existing_get_size,
                       self.driver.manage_existing):
            error = self.assertRaises(
                exceptions.ManageExistingInvalidReference, method,
                self.volume, reference)
            self.assertIn(words, error.message)
            self.assertNotEqual('', error.remedy)
        self.assertEqual(before, sorted(os.listdir(self.directory)))
        self.assertEqual([], self.driver.get_manageable_snapshots(
            [], None, None, 0, [], []))

    def read(self, one, length=LENGTH):
        info = self.driver.initialize_connection(
            one, {'attachment_id': 'a', 'host': 'h'})
        connection = connections.open_connection(info, writable=True)
        buffer = bytearray(length)
        connection.read_into(0, memoryview(buffer))
        size = connection.size
        connection.close()
        self.driver.terminate_connection(one, None)
        return bytes(buffer), size

    def write(self, one, data):
        connection = connections.open_connection(
            self.driver.initialize_connection(
                one, {'attachment_id': 'a', 'host': 'h'}), writable=True)
        connection.write(0, data)
        connection.flush()
        connection.close()
        self.driver.terminate_connection(one, None)

    def test_a_raw_file(self):
        """Named raw, it stays raw, whatever a guest writes to its head."""
        self.raw('disk.img', GIB + MIB)
        self.manage('disk.img', 'raw')
        self.assertEqual(2, self.volume.size)
        self.assertEqual((MARK, GIB + MIB), self.read(self.volume))
        self.image('trap.qcow2', '-f', 'qcow2', '-b', '/etc/passwd', '-F',
                   'raw')
        header = (self.directory / 'trap.qcow2').read_bytes()[:512]
        self.write(self.volume, header)
        snapshot = volume_objects.Snapshot(self.volume)
        self.driver.create_snapshot(snapshot)
        self.write(self.volume, MARK)
        child = volume_objects.Volume(2)
        self.driver.create_volume_from_snapshot(child, snapshot)
        self.assertEqual(header, self.read(child, 512)[0])
        self.driver.close()
        self.driver = self.start()
        self.assertEqual((MARK, GIB + MIB), self.read(self.volume))
        self.driver.delete_volume(child)
        self.driver.delete_snapshot(snapshot)
        self.assertEqual((MARK, GIB + MIB), self.read(self.volume))
        self.driver.extend_volume(self.volume, 3)
        self.assertEqual((MARK, 3 * GIB), self.read(self.volume))

    def test_a_raw_file_is_let_go_and_moves(self):
        self.raw('disk.img')
        self.manage('disk.img', 'raw')
        snapshot = volume_objects.Snapshot(self.volume)
        self.driver.create_snapshot(snapshot)
        self.write(self.volume, b'later')
        self.driver.unmanage_snapshot(snapshot)
        self.driver.unmanage(self.volume)
        self.driver.close()
        self.book = books.MemoryBook()
        self.driver = self.start()
        free, = self.driver.get_manageable_volumes(
            [], None, None, 0, [], [])
        self.volume = volume_objects.Volume()
        self.manage(free['reference']['source-name'],
                    free['reference']['format'])
        self.assertEqual(b'later', self.read(self.volume, 5)[0])
        free, = self.driver.get_manageable_snapshots(
            [], None, None, 0, [], [])
        self.assertEqual('raw', free['reference']['format'])
        again = volume_objects.Snapshot(self.volume)
        self.driver.manage_existing_snapshot(again, free['reference'])
        child = volume_objects.Volume()
        self.driver.create_volume_from_snapshot(child, again)
        self.assertEqual(MARK, self.read(child)[0])

    def test_a_qcow2_file(self):
        self.image('disk.qcow2', '-f', 'qcow2')
        self.manage('disk.qcow2', 'qcow2')
        self.write(self.volume, MARK)
        self.assertEqual((MARK, GIB), self.read(self.volume))
        self.assertFalse((self.directory / 'disk.qcow2').exists())

    def test_one_key_says_both(self):
        self.raw('disk.img')
        self.driver.manage_existing(self.volume, {'raw': 'disk.img'})
        self.assertEqual((MARK, GIB), self.read(self.volume))

    def test_the_format_is_never_guessed(self):
        self.image('disk.qcow2', '-f', 'qcow2')
        for format_ in (None, '', 'vmdk', 7):
            self.refused('disk.qcow2', format_, 'format must be given')
        self.assertRaises(exceptions.ManageExistingInvalidReference,
                          self.driver.manage_existing, self.volume,
                          'disk.qcow2')
        self.raw('disk.img')
        self.refused('disk.img', 'qcow2', 'no qcow2 file')

    def test_files_that_lead_elsewhere(self):
        outside = self.directory.parent / 'outside.img'
        outside.write_bytes(bytes(MIB))
        os.symlink(outside, self.directory / 'link.img')
        os.link(outside, self.directory / 'hard.img')
        os.mkdir(self.directory / 'folder.img')
        os.mkfifo(self.directory / 'pipe.img')
        for name, words in (
                ('link.img', 'symbolic link'), ('hard.img', 'other names'),
                ('folder.img', 'no regular file'),
                ('pipe.img', 'no regular file'), ('gone.img', 'no such file'),
                (str(outside), 'no name of a file'),
                ('../outside.img', 'no name of a file'),
                ('..', 'no name of a file'), ('.', 'no name of a file'),
                ('a\0b', 'no name of a file')):
            self.refused(name, 'raw', words)

    def test_images_that_lead_elsewhere(self):
        self.image('backed.qcow2', '-f', 'qcow2', '-b', '/etc/passwd', '-F',
                   'raw')
        self.refused('backed.qcow2', 'qcow2', 'backing file')
        self.image('base.qcow2', '-f', 'qcow2')
        self.image('sibling.qcow2', '-f', 'qcow2', '-b', 'base.qcow2', '-F',
                   'qcow2')
        self.refused('sibling.qcow2', 'qcow2', 'backing file')
        self.refused('base.qcow2', 'qcow2', 'stands on it')
        self.image('data.qcow2', '-f', 'qcow2', '-o',
                   f'data_file={self.directory}/data.bin')
        self.refused('data.qcow2', 'qcow2', 'data file')
        self.image('old.qcow2', '-f', 'qcow2', '-o', 'compat=0.10')
        self.refused('old.qcow2', 'qcow2', 'version 2')

    def test_a_chain_that_is_not_whole(self):
        name = f'volume-{self.volume.id}'
        self.image(f'{name}.0002.qcow2', '-f', 'qcow2', '-u', '-b',
                   f'{name}.0001.qcow2', '-F', 'qcow2')
        self.refused(f'{name}.0002.qcow2', 'qcow2', 'no such file')
        self.image(f'{name}.0001.qcow2', '-f', 'qcow2', '-u', '-b',
                   f'{name}.0002.qcow2', '-F', 'qcow2')
        self.refused(f'{name}.0002.qcow2', 'qcow2', 'stands on it')
        os.unlink(self.directory / f'{name}.0001.qcow2')
        os.symlink('/etc/passwd', self.directory / f'{name}.0001.qcow2')
        self.refused(f'{name}.0002.qcow2', 'qcow2', 'symbolic link')

    def test_no_whole_sectors(self):
        self.raw('odd.img', 1000)
        self.raw('empty.img', 0, b'')
        for name in ('odd.img', 'empty.img'):
            self.refused(name, 'raw', 'sectors')

    def test_what_is_listed(self):
        self.image('disk.qcow2', '-f', 'qcow2', size='3G')
        self.raw('disk.img')
        self.raw('disk.unknown')
        self.image('backed.qcow2', '-f', 'qcow2', '-b', '/etc/passwd', '-F',
                   'raw')
        self.assertEqual(
            [({'source-name': 'disk.img', 'format': 'raw'}, 1),
             ({'source-name': 'disk.qcow2', 'format': 'qcow2'}, 3)],
            sorted([(entry['reference'], entry['size']) for entry
                    in self.driver.get_manageable_volumes(
                        [], None, None, 0, [], [])],
                   key=lambda pair: pair[1]))

    def test_a_snapshot_that_was_let_go_keeps_its_name(self):
        """Whatever is merged below it and above it, and after a restart."""
        self.driver.create_volume(self.volume)
        taken = []
        for number in range(3):
            self.write(self.volume, MARK + bytes([number]))
            taken.append(volume_objects.Snapshot(self.volume))
            self.driver.create_snapshot(taken[-1])
        self.driver.unmanage_snapshot(taken[1])

        def free():
            return [entry['reference'] for entry
                    in self.driver.get_manageable_snapshots(
                        [], None, None, 0, [], []) if entry['safe_to_manage']]

        before = free()
        self.driver.delete_snapshot(taken[0])
        self.driver.delete_snapshot(taken[2])
        self.assertEqual(before, free())
        self.driver.close()
        self.driver = self.start()
        self.driver.wait_until_idle()
        self.assertEqual(before, free())
        again = volume_objects.Snapshot(self.volume)
        self.driver.manage_existing_snapshot(again, before[0])
        child = volume_objects.Volume()
        self.driver.create_volume_from_snapshot(child, again)
        self.assertEqual(MARK + b'\1', self.read(child, LENGTH + 1)[0])

    def test_what_was_let_go_is_not_swept_away(self):
        """Not even while a clone stands on layers of the same name."""
        self.driver.create_volume(self.volume)
        self.write(self.volume, MARK)
        clone = volume_objects.Volume()
        self.driver.create_cloned_volume(clone, self.volume)
        self.driver.unmanage(self.volume)
        for _ in range(2):
            self.driver.close()
            self.driver = self.start()
        free, = (entry for entry in self.driver.get_manageable_volumes(
            [], None, None, 0, [], []) if entry['safe_to_manage'])
        self.assertEqual(MARK, self.read(clone)[0])
        self.driver.delete_volume(clone)
        self.volume = volume_objects.Volume()
        self.manage(free['reference']['source-name'], 'qcow2')
        self.assertEqual(MARK, self.read(self.volume)[0])

    def test_two_want_the_same_chain(self):
        """One gets it, though both have seen that it is free."""
        self.raw('old.img')
        self.manage('old.img', 'raw')
        self.driver.unmanage(self.volume)
        name, = (one.name for one in self.directory.iterdir()
                 if one.name.startswith('volume-'))
        both = threading.Barrier(2)
        find = adoption.find

        def find_at_once(*arguments):
            found = find(*arguments)
            with contextlib.suppress(threading.BrokenBarrierError):
                both.wait(1)
            return found

        self.useFixture(fixtures.MonkeyPatch(
            'blockstore.volume.drivers.qsd.adoption.find', find_at_once))
        refused = []

        def take():
            try:
                self.driver.manage_existing(
                    volume_objects.Volume(), {'source-name': name})
            except exceptions.ManageExistingAlreadyManaged as error:
                refused.append(error)

        threads = [threading.Thread(target=take) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(1, len(refused))
        self.assertEqual(1, len([
            one for one in self.driver.get_manageable_volumes(
                [], None, None, 0, [], []) if one['cinder_id']]))

    def test_what_is_about_to_be_removed(self):
        self.raw('old.img')
        self.manage('old.img', 'raw')
        self.driver.unmanage(self.volume)
        name, = (one.name for one in self.directory.iterdir()
                 if one.name.startswith('volume-'))
        # As if it could not be unlinked at once.
        layer = images.layer_of(name)
        self.driver._backend.chain.commit({f'trash:{layer}': {}})
        self.volume = volume_objects.Volume()
        self.refused(name, 'raw', 'removed')

    def test_a_cut_in_taking_over(self):
        """Before the file has its new name it is as it was; after, taken."""
        self.raw('disk.img')
        images = self.driver._backend.images
        take = images.take
        reference = {'source-name': 'disk.img', 'format': 'raw'}

        class Cut(BaseException):
            pass

        def before(name, layer):
            raise Cut

        def after(name, layer):
            take(name, layer)
            raise Cut

        for cut in (before, after):
            images.take = cut
            self.assertRaises(Cut, self.driver.manage_existing, self.volume,
                              reference)
            self.driver.close()
            self.driver = self.start()
            self.assertEqual(cut is before,
                             (self.directory / 'disk.img').exists())
            images = self.driver._backend.images
            take = images.take
        self.assertEqual(1, self.driver.manage_existing_get_size(
            self.volume, reference))
        self.driver.manage_existing(self.volume, reference)
        self.assertEqual(MARK, self.read(self.volume)[0])
