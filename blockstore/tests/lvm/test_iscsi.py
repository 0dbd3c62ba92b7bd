"""Volumes for another host over iSCSI, by both targets, with os-brick.

The other host is this one: it only says that it is not.
"""

import atexit
import os
import pathlib
import shutil
import subprocess
import time

from oslo_concurrency import lockutils
from oslotest import base as test_base

from blockstore import exceptions
from blockstore.tests.contract import driver_fixture as fixture
from blockstore.tests.lvm import real
from blockstore.tests.lvm import test_driver
from blockstore.volume import connections
from blockstore.volume.connections import iscsi

INITIATOR = 'iqn.2026-01.org.blockstore.test:initiator'
KIB, GIB = fixture.KIB, fixture.GIB
ONE = fixture.pattern('one', 64 * KIB)
TWO = fixture.pattern('two', 64 * KIB)
# Exit codes of iscsiadm.
_REFUSED, _NOT_FOUND = 24, 19
_started = []


def need_initiator(case):
    """Start the initiator's daemon unless it runs."""
    for program in ('iscsiadm', 'iscsid'):
        if shutil.which(program) is None:
            case.skipTest(f'{program} is not installed')
    if 'iscsid' in _started:
        return
    if real.DISK.exists():
        pathlib.Path('/etc/iscsi/initiatorname.iscsi').write_text(
            f'InitiatorName={INITIATOR}\n')
        _stand_in_for_udev()
    elif iscsi.initiator_name() is None:
        case.skipTest('this machine has no name of an iSCSI initiator')
    os.makedirs('/run/lock/iscsi', exist_ok=True)
    subprocess.run(['modprobe', '-a', 'iscsi_tcp', 'sd_mod'], check=False)
    if subprocess.run(['pidof', 'iscsid'], capture_output=True,
                      check=False).returncode:
        real.run('iscsid')
    iscsi.initiator_name.cache_clear()
    _started.append('iscsid')


def _stand_in_for_udev():
    """Make the names that os-brick looks for; without them it waits."""
    folder = pathlib.Path('/dev/disk/by-id')
    folder.mkdir(parents=True, exist_ok=True)
    for letter in 'abcd':
        name = folder / f'scsi-guest-{letter}'
        if not name.is_symlink():
            name.symlink_to(f'../../sd{letter}')


class IscsiTests:
    """One life of a connection; a subclass says what serves it."""

    HELPER = ''
    PORT = 0
    FAULT = None

    def load_driver(self, book):
        return test_driver.load(
            book, lvm_target_helper=self.HELPER, lvm_target_port=self.PORT,
            lvm_target_address='127.0.0.1')

    def setUp(self):
        reason = real.missing()
        if reason:
            self.skipTest(reason)
        need_initiator(self)
        lockutils.set_defaults('/run/lock/blockstore')
        self.start_target()
        super().setUp()

    def start_target(self):
        """Start what serves; skips where it cannot be."""

    def connector(self, attachment='a', **more):
        return {'attachment_id': attachment, 'host': 'another',
                'initiator': iscsi.initiator_name(), **more}

    def reach(self, info, writable=True):
        connection = connections.open_connection(info, writable=writable)
        self.addCleanup(connection.close)
        return connection

    def test_a_life(self):
        volume = self.volume()
        self.driver.validate_connector(self.connector())
        info = self.driver.initialize_connection(volume, self.connector())
        self.assertEqual('iscsi', info['driver_volume_type'])
        self.assertEqual(info, self.driver.initialize_connection(
            volume, self.connector()))
        connection = self.reach(info)
        connection.write(0, ONE)
        connection.flush()
        # The restart of the service does not touch it.
        self.restart()
        self.driver.ensure_export(None, volume)
        connection.write(64 * KIB, TWO)
        connection.flush()
        connection.close()
        self.assertTrue(self.serves(info))
        self.driver.terminate_connection(volume, self.connector())
        self.assertFalse(self.serves(info))
        self.assert_reads(volume, (0, ONE), (64 * KIB, TWO))
        self.assertEqual(
            ['volume'], [one.kind for one in self.driver.list_objects()])

    def test_growing_under_a_client(self):
        volume = self.volume()
        info = self.driver.initialize_connection(volume, self.connector())
        connection = self.reach(info)
        connection.write(0, ONE)
        connection.flush()
        self.driver.extend_volume(volume, 2)
        volume.size = 2
        connection.close()
        connection = self.reach(info)
        self.assert_bytes(connection, (0, ONE), size=2 * GIB)
        connection.close()

    def test_a_snapshot_is_read_only(self):
        volume = self.volume()
        self.write(volume, (0, ONE))
        snapshot = self.snapshot(volume)
        self.write(volume, (0, TWO))
        info = self.driver._attach_snapshot(None, snapshot, self.connector())
        connection = self.reach(info, False)
        self.assert_bytes(connection, (0, ONE), size=GIB)
        connection.close()
        try:
            connection = self.reach(info)
            connection.write(0, TWO)
            connection.flush()
        except exceptions.ConnectionFailed:
            pass
        else:
            self.fail('a snapshot was written to')
        connection.close()
        self.driver._detach_snapshot(None, info, snapshot, self.connector())
        self.assert_snapshot_reads(snapshot, (0, ONE))

    def test_nobody_else_gets_in(self):
        volume = self.volume()
        info = self.driver.initialize_connection(volume, self.connector())
        self.assertEqual(_REFUSED, self.log_in(info, 'not this one'))
        self.driver.terminate_connection(volume, self.connector())
        info = self.driver.initialize_connection(volume, {
            **self.connector(), 'initiator': 'iqn.2026-01.org.other:one'})
        self.assertIn(self.log_in(info, info['data']['auth_password']),
                      (_REFUSED, _NOT_FOUND))

    def log_in(self, info, password):
        """Try to log in; return the exit code."""
        data = info['data']
        node = ['iscsiadm', '-m', 'node', '-T', data['target_iqn'], '-p',
                data['target_portal']]
        real.run(*node, '--op', 'new')
        for name, value in (
                ('auth.authmethod', 'CHAP'),
                ('auth.username', data['auth_username']),
                ('auth.password', password),
                ('initial_login_retry_max', '1')):
            real.run(*node, '--op', 'update', '-n', f'node.session.{name}',
                     '-v', value)
        code = subprocess.run([*node, '--login'], capture_output=True,
                              check=False).returncode
        # A target that refuses may have taken the record along.
        subprocess.run([*node, '--op', 'delete'], capture_output=True,
                       check=False)
        return code

    def serves(self, info):
        """Whether there is the target."""
        raise NotImplementedError

    def test_targets_that_are_gone_come_back(self):
        volume = self.volume()
        info = self.driver.initialize_connection(volume, self.connector())
        gate, = (one.detail for one in self.driver.list_objects()
                 if one.kind == 'export')
        # As after a start of the host.
        self.forget(info)
        real.run('dmsetup', 'remove', gate)
        self.restart()
        self.driver.ensure_export(None, volume)
        self.assert_bytes(self.reach(info), (0, bytes(4096)))

    def forget(self, info):
        """Let the target be gone."""
        raise NotImplementedError


class LioTest(IscsiTests, real.VolumeGroup, fixture.DriverFixture,
              test_base.BaseTestCase):
    """The kernel's target."""

    HELPER = 'lio'
    PORT = 3261

    def start_target(self):
        for module in ('target_core_mod', 'target_core_iblock',
                       'iscsi_target_mod'):
            if subprocess.run(['modprobe', module], capture_output=True,
                              check=False).returncode:
                self.skipTest(f'the kernel has no {module}')

    def serves(self, info):
        return os.path.exists('/sys/kernel/config/target/iscsi/'
                              + info['data']['target_iqn'])

    def forget(self, info):
        from blockstore.privileged import lio
        lio.withdraw(info['data']['target_iqn'], '')


class TgtTest(IscsiTests, real.VolumeGroup, fixture.DriverFixture,
              test_base.BaseTestCase):
    """The daemon."""

    HELPER = 'tgt'
    PORT = 3262

    def start_target(self):
        if shutil.which('tgtd') is None:
            self.skipTest('tgtd is not installed')
        if 'tgtd' in _started:
            return
        if self.answers():
            self.skipTest('another tgtd runs on this machine')
        os.makedirs('/run/tgt', exist_ok=True)
        daemon = subprocess.Popen(
            ['tgtd', '-f', '--iscsi', f'portal=127.0.0.1:{self.PORT}'],
            stderr=subprocess.DEVNULL)
        atexit.register(daemon.kill)
        limit = time.monotonic() + 60
        while not self.answers():
            if time.monotonic() > limit:
                self.fail('tgtd does not answer')
            time.sleep(0.1)
        _started.append('tgtd')

    @staticmethod
    def answers():
        """Whether a tgtd runs."""
        return subprocess.run(
            ['tgtadm', '--op', 'show', '--mode', 'sys'], capture_output=True,
            check=False).returncode == 0

    def serves(self, info):
        return info['data']['target_iqn'] in real.run(
            'tgtadm', '--op', 'show', '--mode', 'target')

    def forget(self, info):
        from blockstore.privileged import tgt
        tgt.withdraw(info['data']['target_iqn'],
                     info['data']['auth_username'])
