"""Backup of a volume in use, from LVM, through the whole service."""

import contextlib
import json
import pathlib
import threading
import time

from oslotest import base as test_base

from blockstore.tests.lvm import real
from blockstore.tests.lvm import service


class Watcher(threading.Thread):
    """Notes which snapshots and gates stand in the group meanwhile."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen = set()
        self._stopping = threading.Event()
        self.start()

    def run(self):
        while not self._stopping.wait(0.05):
            self.seen |= set(gates())

    def stop(self):
        self._stopping.set()
        self.join()


def gates():
    """The names of all gates of this machine."""
    found = []
    for path in pathlib.Path('/sys/class/block').glob('dm-*/dm/name'):
        with contextlib.suppress(OSError):      # gone meanwhile
            found.append(path.read_text().strip())
    return [name for name in found
            if name.startswith(('volume-', '_snapshot-'))]


class BackupTest(service.Served, test_base.BaseTestCase):
    """R-103: a temporary snapshot, its local path, no export, nothing left.

    The client writes all the time, and every backup shows one moment.
    """

    def test_a_volume_in_use(self):
        stage = self.stage()
        before = real.names()
        watcher = Watcher()
        first = stage.make_backup()
        watcher.stop()
        read = [name for name in watcher.seen
                if name.startswith('_snapshot-')]
        self.assertEqual(1, len(read), watcher.seen)
        stage.same(stage.backup_bytes(first), 'the backup')
        self.assert_read(stage, first)
        row, = stage.checks.rows('backups')
        self.assertIsNone(row['temp_snapshot_id'])
        # What is kept is the base of the next one, and no way in to it.
        self.assertEqual(
            sorted([*before, f'_snapshot-{row["base_snapshot_id"]}']),
            real.names())
        self.assertEqual([], [name for name in gates()
                              if name.startswith('_snapshot-')])
        stage.write()
        second = stage.make_backup(incremental=True)
        stage.same(stage.backup_bytes(second), 'the incremental one')
        self.assert_read(stage, second)
        stage.check_client()
        for one in (second, first):
            stage.remove('backups', one)
        stage.settle()
        self.assertEqual(before, real.names())

    def assert_read(self, stage, backup):
        """Of 1 GiB only what the client and the writer have touched."""
        operation, = [one for one
                      in stage.checks.rows('operations', '1 = 1')
                      if one['resource_id'] == backup]
        count = json.loads(operation['facts'])['bytes_read']
        self.assertLess(0, count)
        self.assertLess(count, 16 << 20)

    def test_a_volume_with_snapshots_is_not_deleted(self):
        """R-022, R-023, with a snapshot that nobody knows of."""
        stage = self.stage(attached=False)
        volume = f'volume-{stage.volume_id}'
        real.lv('lvcreate', '-s', '-n', 'by-hand',
                f'{real.GROUP}/{volume}')
        stage.must('DELETE', f'volumes/{stage.volume_id}')
        stage.await_end()
        row, = stage.checks.rows('volumes')
        self.assertEqual('available', row['status'])
        self.assertIn('snapshots', row['status_reason'])
        operation = [one for one in stage.checks.rows('operations', '1 = 1')
                     if one['kind'] == 'volume.delete'][0]
        self.assertIn('by-hand', str(operation))
        messages = stage.must('GET', 'messages')['messages']
        self.assertEqual([stage.volume_id],
                         [one['resource_uuid'] for one in messages])
        self.assertEqual(1, stage.service.quota()['volumes']['in_use'])
        real.lv('lvremove', '-f', f'{real.GROUP}/by-hand')
        stage.remove('volumes', stage.volume_id)
        limit = time.monotonic() + 60
        while real.names() and time.monotonic() < limit:
            time.sleep(0.1)
        self.assertEqual([], real.names())
