"""Options, directories and programs of the qsd driver."""

import os
import types

import fixtures
from oslo_config import cfg
from oslotest import base

from blockstore import exceptions
from blockstore.conf import qsd as options
from blockstore.volume.drivers.qsd import settings
from blockstore.volume.drivers.qsd import tools


class SettingsTestCase(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.directory = self.useFixture(fixtures.TempDir()).path

    def made(self, **values):
        values.setdefault('qsd_directory', self.directory)
        return settings.from_conf(types.SimpleNamespace(**values), 'h@fast')

    def script(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, 'w', encoding='utf-8') as target:
            target.write(f'#!/bin/sh\necho "{text}"\n')
        os.chmod(path, 0o755)
        return path

    def test_a_configuration_and_a_plain_object_are_the_same(self):
        conf = cfg.ConfigOpts()
        conf.register_opts(options.OPTS, group='fast')
        conf([], default_config_files=[])
        conf.set_override('qsd_directory', self.directory, 'fast')
        self.assertEqual(self.made(),
                         settings.from_conf(conf.fast, 'h@fast'))

    def test_the_name_is_that_of_the_back_end(self):
        self.assertEqual('fast', self.made().backend_name)
        self.assertEqual(
            'x', self.made(volume_backend_name='x').backend_name)

    def test_socket_names_fit(self):
        long = os.path.join(self.directory, 'd' * 100)
        found = self.made(qsd_directory=long).run_directory
        self.assertLessEqual(len(found) + len('/.q') + 32, 107)
        self.assertEqual(found, self.made(qsd_directory=long).run_directory)
        self.assertNotEqual(
            found, self.made(qsd_directory=long + 'e').run_directory)
        error = self.assertRaises(exceptions.DriverError, self.made,
                                  qsd_run_directory=long)
        self.assertIn('qsd_run_directory', error.remedy)

    def test_missing_programs_are_told_with_packages(self):
        error = self.assertRaises(
            exceptions.DriverError, tools.check,
            self.made(qsd_daemon='no-such-program'))
        self.assertIn('no-such-program', str(error))
        for word in ('Debian', 'Fedora', 'Homebrew', 'qsd_daemon'):
            self.assertIn(word, error.remedy)

    def test_old_and_strange_programs_are_refused(self):
        for text in ('qemu-img version 4.2.1', 'hello'):
            self.assertRaises(
                exceptions.DriverError, tools.check,
                self.made(qsd_daemon=self.script('d', text)))
        good = self.script('d', 'qemu version 9.1.0 (Debian)')
        tools.check(self.made(qsd_daemon=good, qemu_img=good))

    def test_directories_are_private(self):
        made = self.made(qsd_directory=os.path.join(self.directory, 'new'))
        tools.prepare_directories(made)
        self.assertEqual(0o700, os.stat(made.run_directory).st_mode & 0o777)
        os.chmod(made.run_directory, 0o777)
        self.assertRaises(exceptions.DriverError, tools.prepare_directories,
                          made)

    def test_a_link_is_no_run_directory(self):
        target = self.useFixture(fixtures.TempDir()).path
        os.symlink(target, os.path.join(self.directory, 'run'))
        self.assertRaises(exceptions.DriverError, tools.prepare_directories,
                          self.made())

    def test_a_file_is_no_directory(self):
        path = os.path.join(self.directory, 'f')
        open(path, 'wb').close()
        self.assertRaises(exceptions.DriverError, tools.prepare_directories,
                          self.made(qsd_directory=path))
