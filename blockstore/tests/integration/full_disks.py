"""A disk that is full: that of the store, and that of the volumes.

What fails says so in words, leaves nothing half done, and goes well when
there is room again.
"""

import os
import pathlib
import subprocess
import tempfile
import typing

from blockstore import exceptions
from blockstore.tests.integration import faults
from blockstore.tests.integration import fleet
from blockstore.tests.integration import servers


class FullDiskTest(faults.FaultTest):
    """Has a directory with little room."""

    server = servers.MARIADB

    def small_disk(self, mebibytes: int) -> pathlib.Path:
        """Return a directory that takes no more than that."""
        if os.geteuid() != 0:
            self.skipTest('only root can mount a small disk')
        path = pathlib.Path(tempfile.mkdtemp(prefix='bs-', dir='/tmp'))
        self.addCleanup(path.rmdir)
        done = subprocess.run(
            ['mount', '-t', 'tmpfs', '-o', f'size={mebibytes}m', 'none',
             str(path)], capture_output=True, text=True, check=False)
        if done.returncode:
            self.skipTest(f'a small disk cannot be mounted: {done.stderr}')
        self.addCleanup(subprocess.run, ['umount', '-l', str(path)],
                        check=True)
        path.chmod(0o700)
        return path

    def begin(self, options: fleet.Options) -> None:
        self.start_fleet(('volume', 'node1'), ('backup', 'node1'),
                         options=options)

    def await_error(self, noun: str, id_: str) -> typing.Any:
        """Wait until something has failed; return it."""
        self.await_that(
            lambda: self.fleet.show(noun, id_)['status'].startswith('error'),
            f'{noun} {id_} has not failed')
        return self.fleet.show(noun, id_)

    def code(self, id_: str) -> str:
        """Return the code with which the work on something has failed."""
        row, = [row for row in self.checks.rows(
            'operations', f"resource_id = '{id_}'")
            if row['state'] == 'failed']
        return str(row['error_code'])


class StoreTest(FullDiskTest):
    """The store's."""

    def test_is_full(self) -> None:
        disk = self.small_disk(4)
        self.begin({('store', 'posix_path'): disk})
        volume, data, client = self.written(8)
        failed = self.fleet.request('POST', 'backups', {'backup': {
            'volume_id': volume, 'force': True}})['backup']['id']
        told = self.await_error('backups', failed)
        self.assertEqual('the backup store is full', told['fail_reason'])
        self.assertEqual('blockstore.store.full', self.code(failed))
        self.assertEqual('in-use', self.fleet.show('volumes',
                                                   volume)['status'])
        client.write(0, data[::-1])
        client.flush()
        # What was written for it is nobody's, and goes.
        self.fleet.delete('backups', failed)
        self.settle()
        self.assertEqual([], self.checks.pruned())
        subprocess.run(['mount', '-o', 'remount,size=32m', str(disk)],
                       check=True)
        backup = self.fleet.make('backups', volume_id=volume, force=True)
        self.assertEqual(data[::-1], self.restored(backup['id'], len(data)))
        self.settle()


class BackEndTest(FullDiskTest):
    """That of the volumes."""

    def test_is_full(self) -> None:
        disk = self.small_disk(24)
        self.begin({('qsd', 'qsd_directory'): disk,
                    # It is too small for a single volume, if that were full.
                    ('qsd', 'max_over_subscription_ratio'): 10000})
        volume, data, client = self.written(4)
        backup = self.fleet.make('backups', volume_id=volume, force=True)
        target = self.fleet.make('volumes', size=1)['id']
        # Another one takes what is left.
        other, _, greedy = self.written(1)
        self.assertRaises(exceptions.BackendFull, self.fill, greedy)
        self.fleet.request(
            'POST', f'backups/{backup["id"]}/restore',
            {'restore': {'volume_id': target}})
        self.await_error('volumes', target)
        row, = self.checks.rows('volumes', f"id = '{target}'")
        self.assertEqual(
            ('error_restoring', 'the back end has no room left'),
            (row['status'], row['status_reason']))
        self.assertEqual('blockstore.driver.full', self.code(backup['id']))
        self.fleet.delete('volumes', target)
        self.fleet.wait('backups', backup['id'])
        self.settle()
        # The bytes that are there stay, and can be read and backed up.
        subprocess.run(['mount', '-o', 'remount,size=64m', str(disk)],
                       check=True)
        client.write(0, data[::-1])
        client.flush()
        for id_ in (volume, other):
            self.assertEqual('in-use',
                             self.fleet.show('volumes', id_)['status'])
        again = self.fleet.make('backups', volume_id=volume, force=True)
        self.assertEqual(data[::-1], self.restored(again['id'], len(data)))
        self.await_that(self.room, 'the scheduler is not told of the room')
        filled = self.fleet.request(
            'POST', f'backups/{backup["id"]}/restore',
            {'restore': {}})['restore']['volume_id']
        self.fleet.wait('volumes', filled)
        self.assertEqual(data, self.content(filled, len(data)))
        self.settle()

    def room(self) -> float:
        """Return how many GiB the scheduler knows to be free."""
        pool, = self.fleet.request(
            'GET', 'scheduler-stats/get_pools?detail=true')['pools']
        return float(pool['capabilities']['free_capacity_gb'])

    def fill(self, client: typing.Any) -> None:
        """Write until there is no room."""
        for offset in range(0, 64 * faults.MIB, faults.MIB // 4):
            client.write(offset, os.urandom(faults.MIB // 4))
            client.flush()
