"""Deleting volumes: what blocks it, and what goes with it."""

import threading
import time
import typing

from blockstore.db import backups as db_backups
from blockstore.db import models
from blockstore.db import rows
from blockstore.db import snapshots as db_snapshots
from blockstore.tests.functional import base
from blockstore.tests.functional import failures


class DeletionTest(failures.FailureTest):
    """Deletes volumes with and without company."""

    def delete(self, volume_id: str, query: str = '') -> typing.Any:
        """Ask for a volume to be deleted; return the answer."""
        return self.api.delete(self.path(f'volumes/{volume_id}{query}'))

    def check_refused(self, answer: typing.Any, code: str, blocker: str,
                      ) -> None:
        """Check that a refusal tells why, by whom, and what to do."""
        self.assertEqual(400, answer.status, answer.text)
        fault = answer.json['badRequest']
        self.assertEqual((f'blockstore.{code}', [blocker]),
                         (fault['error_code'], fault['blockers']))
        self.assertNotEqual('', fault['remedy'])

    def hold(self, method: str) -> threading.Event:
        """Let a driver call wait; return what lets it go on."""
        gate = threading.Event()
        self.addCleanup(gate.set)
        self.driver.faults.hang(method, gate)
        return gate

    def test_with_the_base_of_a_backup(self) -> None:
        volume_id = self.one(attached=True)
        backup = self.make_backup(volume_id, force=True)
        base_id = self.row(backup['id']).base_snapshot_id
        self.assertIsNotNone(base_id)
        attachments = self.show('volumes', volume_id)['attachments']
        self.api.delete(self.path(
            f'attachments/{attachments[0]["attachment_id"]}'))
        self.assertEqual(202, self.delete(volume_id).status)
        self.wait_gone('volumes', volume_id)
        with self.database.read() as tx:
            self.assertEqual([], db_snapshots.of_volume(tx, volume_id))
            self.assertEqual([], db_backups.with_base(tx, volume_id))
        self.assertEqual({}, self.driver.pool.contents)
        restored = self.restore(backup['id'])
        self.assertEqual(1, self.show('volumes', restored)['size'])

    def test_promised_to_a_client(self) -> None:
        volume_id = self.make_volume(1)['id']
        answer = self.api.post(self.path('attachments'), {
            'attachment': {'volume_uuid': volume_id}})
        blocker = f'attachment {answer.json["attachment"]["id"]}'
        self.check_refused(self.delete(volume_id), 'volume.attached', blocker)
        answer = self.api.post(self.path(f'volumes/{volume_id}/action'),
                               {'os-force_delete': None})
        self.check_refused(answer, 'volume.attached', blocker)

    def test_while_it_is_backed_up(self) -> None:
        volume_id = self.one(attached=False)
        gate = self.hold('read')
        id_ = self.ask(volume_id)
        self.check_refused(self.delete(volume_id), 'volume.backing_up',
                           f'backup {id_}')
        gate.set()
        self.wait_status('backups', id_, 'available')

    def test_while_it_is_cloned(self) -> None:
        volume_id = self.make_volume(1)['id']
        gate = self.hold('create_cloned_volume')
        answer = self.api.post(self.path('volumes'), {
            'volume': {'source_volid': volume_id}})
        clone_id = answer.json['volume']['id']
        self.check_refused(self.delete(volume_id), 'volume.busy',
                           f'volume {clone_id}')
        gate.set()
        self.wait_status('volumes', clone_id, 'available')
        self.assertEqual(202, self.delete(volume_id).status)
        self.wait_gone('volumes', volume_id)

    def test_cascade_while_a_snapshot_is_copied(self) -> None:
        volume_id = self.make_volume(1)['id']
        snapshot = self.make_snapshot(volume_id)
        gate = self.hold('create_volume_from_snapshot')
        answer = self.api.post(self.path('volumes'), {
            'volume': {'snapshot_id': snapshot['id']}})
        copy_id = answer.json['volume']['id']
        self.check_refused(self.delete(volume_id, '?cascade=1'),
                           'volume.busy', f'volume {copy_id}')
        self.assertEqual('available',
                         self.show('volumes', volume_id)['status'])
        gate.set()
        self.wait_status('volumes', copy_id, 'available')

    def test_busy_after_half_a_restore(self) -> None:
        """What holds half of a backup never becomes available by that."""
        volume_id = self.one(attached=False)
        backup = self.make_backup(volume_id)
        self.fail('write')
        self.api.post(self.path(f'backups/{backup["id"]}/restore'),
                      {'restore': {'volume_id': volume_id}})
        self.wait_for(lambda: self.show('volumes', volume_id)[
            'status'] == 'error_restoring')
        self.check_busy(volume_id, 'error_deleting')

    def test_busy(self) -> None:
        self.check_busy(self.make_volume(1)['id'], 'available')

    def check_busy(self, volume_id: str, status: str) -> None:
        """Let a deletion be refused, and check the status after it."""
        self.driver.faults.busy('delete_volume')
        self.assertEqual(202, self.delete(volume_id).status)
        self.wait_for(lambda: self.show('volumes', volume_id)[
            'status'] == status)

    def test_busy_snapshot_that_was_never_taken(self) -> None:
        volume_id = self.make_volume(1)['id']
        self.fail('create_snapshot')
        answer = self.api.post(self.path('snapshots'), {
            'snapshot': {'volume_id': volume_id}})
        id_ = answer.json['snapshot']['id']
        self.wait_for(
            lambda: self.show('snapshots', id_)['status'] == 'error')
        self.driver.faults.busy('delete_snapshot')
        self.api.delete(self.path(f'snapshots/{id_}'))
        self.wait_for(lambda: self.show('snapshots', id_)[
            'status'] == 'error_deleting')

    def test_cascade_is_not_taken_for_stuck(self) -> None:
        """The snapshots of a volume that is long in deleting (reaper)."""
        volume_id = self.make_volume(1)['id']
        snapshot = self.make_snapshot(volume_id)
        gate = self.hold('delete_snapshot')
        self.assertEqual(202, self.delete(volume_id, '?cascade=1').status)
        # Twice the lease, and two looks of the reaper.
        self.assertFalse(threading.Event().wait(3.2))
        self.assertEqual('deleting',
                         self.show('snapshots', snapshot['id'])['status'])
        gate.set()
        self.wait_gone('volumes', volume_id)


class ExtensionTest(failures.FailureTest):
    """Growth that somebody interferes with."""

    def extend(self, volume_id: str, size: int) -> typing.Any:
        """Ask for a volume to grow; return the answer."""
        return self.api.post(self.path(f'volumes/{volume_id}/action'),
                             {'os-extend': {'new_size': size}})

    def test_a_failure_gives_the_quota_back(self) -> None:
        volume_id = self.make_volume(1)['id']
        self.fail('extend_volume')
        self.assertEqual(202, self.extend(volume_id, 5).status)
        self.wait_for(lambda: self.show('volumes', volume_id)[
            'status'] == 'error_extending')
        self.assertEqual((1, 1, 0), self.used())

    def test_reset_before_it_began(self) -> None:
        """The size that is shown is the size that it gets."""
        volume_id = self.make_volume(1)['id']
        self.volume_manager.stop(time.monotonic() + 5)
        self.assertEqual(202, self.extend(volume_id, 2).status)
        self.api.post(self.path(f'volumes/{volume_id}/action'),
                      {'os-reset_status': {'status': 'available'}})
        manager = base.VolumeManager(base.CONF, self.database,
                                     self.transport, 'memory')
        self.addCleanup(lambda: manager.stop(time.monotonic() + 5))
        manager.start()
        self.wait_for(lambda: self.real_size(volume_id) == 2)
        self.assertEqual(2, self.show('volumes', volume_id)['size'])

    def real_size(self, volume_id: str) -> int:
        """Return what the back end says, in GiB."""
        content = self.driver.pool.contents[f'volume-{volume_id}']
        return int(content.size >> 30)


class UnstableReadsTest(failures.FailureTest):
    """A back end that cannot keep bytes stable for a reader."""

    MEMORY_LACKS = ('stable_reads',)

    def test_what_waits_for_a_backup(self) -> None:
        volume_id = self.one(attached=False)
        gate = threading.Event()
        self.addCleanup(gate.set)
        self.driver.faults.hang('read', gate)
        id_ = self.ask(volume_id)
        for path, body in (
                (f'volumes/{volume_id}/action',
                 {'os-extend': {'new_size': 2}}),
                (f'volumes/{volume_id}/action', {'os-reserve': None}),
                ('attachments', {'attachment': {
                    'volume_uuid': volume_id}})):
            answer = self.api.post(self.path(path), body)
            self.assertEqual(400, answer.status, answer.text)
            fault = answer.json['badRequest']
            self.assertEqual(
                ('blockstore.volume.backing_up', [f'backup {id_}']),
                (fault['error_code'], fault['blockers']))
        gate.set()
        self.wait_status('backups', id_, 'available')
        with self.database.read() as tx:
            row: typing.Any = rows.get(tx, models.Volume, volume_id)
        self.assertIsNone(row.backup_id)
