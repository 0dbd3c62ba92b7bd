"""Backups over HTTP: sources, forms, holds, chains, failures."""

import time
import typing

from blockstore import exceptions
from blockstore.db import models
from blockstore.db import rows
from blockstore.tests.functional import base
from blockstore.volume import connections

BLOCK = 65536


class BackupTest(base.FunctionalTest):
    """Backs up and restores through the API."""

    def open(self, attachment: typing.Any) -> typing.Any:
        """Open an attachment's bytes."""
        info = dict(attachment['connection_info'])
        kind = info.pop('driver_volume_type')
        opened = connections.open_connection(
            {'driver_volume_type': kind, 'data': info}, writable=True)
        self.addCleanup(opened.close)
        return opened

    def bytes_of(self, volume_id: str, length: int = 4 * BLOCK) -> bytes:
        """Return the first bytes of a volume, attached for the moment."""
        attachment = self.attach(volume_id)
        read = bytearray(length)
        self.open(attachment).read_into(0, memoryview(read))
        self.api.delete(self.path(f'attachments/{attachment["id"]}'))
        return bytes(read)

    def written(self) -> tuple[typing.Any, typing.Any]:
        """Return an attached volume and its open bytes, with a pattern."""
        volume = self.make_volume(1)
        opened = self.open(self.attach(volume['id']))
        opened.write(0, b'A' * BLOCK + b'B' * BLOCK)
        opened.flush()
        return volume, opened

    def restore(self, backup_id: str) -> str:
        """Restore a backup to a new volume and return its id."""
        answer = self.api.post(
            self.path(f'backups/{backup_id}/restore'), {'restore': {}})
        self.assertEqual(202, answer.status, answer.text)
        volume_id = answer.json['restore']['volume_id']
        self.wait_status('volumes', volume_id, 'available')
        return str(volume_id)

    def calls(self) -> list[str]:
        """Return the names of the driver calls so far, in order."""
        return [call.method for call in self.driver.calls]

    def row(self, id_: str) -> models.Backup:
        """Return a backup's row."""
        with self.database.read() as tx:
            row = rows.get(tx, models.Backup, id_)
        self.assertIsNotNone(row)
        return typing.cast(models.Backup, row)


class InUseTest(BackupTest):
    """R-100, R-101, R-106, R-111: through a temporary snapshot."""

    def test_round_trip(self) -> None:
        volume, opened = self.written()
        backup = self.make_backup(volume['id'], force=True)
        opened.write(0, b'X' * BLOCK)
        self.assertEqual('in-use',
                         self.show('volumes', volume['id'])['status'])
        restored = self.restore(backup['id'])
        self.assertEqual(
            b'A' * BLOCK + b'B' * BLOCK + bytes(2 * BLOCK),
            self.bytes_of(restored))
        row = self.row(backup['id'])
        self.assertIsNone(row.temp_snapshot_id)
        self.assertIsNone(row.temp_volume_id)
        self.assertIsNotNone(row.base_snapshot_id)

    def test_order_of_driver_calls(self) -> None:
        self.config.config(group='backup', keep_base_snapshot=False)
        volume, _ = self.written()
        before = len(self.calls())
        self.make_backup(volume['id'], force=True)
        names = [name for name in self.calls()[before:]
                 if name != 'get_volume_stats']
        self.assertEqual(
            ['create_snapshot', 'create_export_snapshot',
             'initialize_connection_snapshot',
             'read', 'terminate_connection_snapshot',
             'remove_export_snapshot',
             'delete_snapshot'], list(dict.fromkeys(names)))

    def test_needs_force(self) -> None:
        volume, _ = self.written()
        answer = self.api.post(self.path('backups'), {
            'backup': {'volume_id': volume['id']}})
        self.assertEqual(400, answer.status)
        self.assertEqual('blockstore.backup.needs_force',
                         answer.json['badRequest']['error_code'])

    def test_incremental_restores_alone(self) -> None:
        volume, opened = self.written()
        first = self.make_backup(volume['id'], force=True)
        opened.write(BLOCK, b'C' * BLOCK)
        second = self.make_backup(volume['id'], force=True, incremental=True)
        self.assertTrue(second['is_incremental'])
        self.assertFalse(self.show('backups', first['id'])[
            'has_dependent_backups'])
        self.api.delete(self.path(f'backups/{first["id"]}'))
        self.wait_gone('backups', first['id'])
        restored = self.restore(second['id'])
        self.assertEqual(b'A' * BLOCK + b'C' * BLOCK,
                         self.bytes_of(restored, 2 * BLOCK))

    def test_failure_gives_everything_back(self) -> None:
        volume, _ = self.written()
        self.driver.faults.fail(
            'create_snapshot', when='before',
            error=exceptions.VolumeBackendAPIException('no space'))
        answer = self.api.post(self.path('backups'), {
            'backup': {'volume_id': volume['id'], 'force': True}})
        id_ = answer.json['backup']['id']
        body = self.wait_error(id_)
        self.assertIn('no space', body['fail_reason'])
        self.assertEqual('in-use',
                         self.show('volumes', volume['id'])['status'])
        while self.row(id_).temp_snapshot_id is not None:
            time.sleep(0.01)

    def wait_error(self, id_: str) -> typing.Any:
        """Wait until a backup has failed, and return it."""
        while (body := self.show('backups', id_))['status'] != 'error':
            self.assertEqual('creating', body['status'])
        return body


class AvailableTest(BackupTest):
    """R-105: a volume that nobody uses is read directly."""

    def test_round_trip(self) -> None:
        volume, _ = self.written()
        attachments = self.show('volumes', volume['id'])['attachments']
        self.api.delete(self.path(
            f'attachments/{attachments[0]["attachment_id"]}'))
        backup = self.make_backup(volume['id'])
        self.assertNotIn('create_snapshot', self.calls())
        self.assertEqual(b'A' * BLOCK,
                         self.bytes_of(self.restore(backup['id']), BLOCK))


class TemporaryVolumeTest(BackupTest):
    """R-102, R-104: a driver that cannot attach snapshots."""

    MEMORY_LACKS = ('attaches_snapshots',)

    def test_round_trip(self) -> None:
        volume, _ = self.written()
        backup = self.make_backup(volume['id'], force=True)
        self.assertIn('create_cloned_volume', self.calls())
        self.assertIsNone(self.row(backup['id']).temp_volume_id)
        self.assertEqual(b'A' * BLOCK,
                         self.bytes_of(self.restore(backup['id']), BLOCK))
