"""R-129: whatever step fails, everything is given back and the reason told.

Each step of a backup and of a restore fails in turn, through a temporary
snapshot, a temporary volume and directly.
"""

import time
import typing

from blockstore import exceptions
from blockstore.db import models
from blockstore.db import operations as db_operations
from blockstore.db import rows
from blockstore.tests.functional import base
from blockstore.tests.functional import test_backups
from blockstore.volume.flows import volumes

REASON = 'as it was ordered'


class FailureTest(test_backups.BackupTest):
    """Looks at what a failure leaves behind."""

    OPTIONS: typing.ClassVar[dict[tuple[str, str], typing.Any]] = {
        ('scheduler', 'reaper_interval'): 1, ('operations', 'lease'): 2.0,
        ('operations', 'poll_interval'): 0.05}

    def fail(self, method: str, when: str = 'before', times: int = 1,
             skip: int = 0) -> None:
        """Let a call to the driver or a connection fail."""
        self.driver.faults.fail(
            method, when=when, times=times, skip=skip,
            error=exceptions.VolumeBackendAPIException(REASON))

    def fail_store(self, method: str, reason: str = REASON) -> None:
        """Let a call to the store fail from now on."""
        def broken(*_: typing.Any, **__: typing.Any) -> typing.NoReturn:
            raise exceptions.StoreError(reason)

        self.patch(self.backup_manager.repository.backend, method, broken)

    def ask(self, volume_id: str, **fields: typing.Any) -> str:
        """Ask for a backup; return its id."""
        answer = self.api.post(self.path('backups'), {
            'backup': {'volume_id': volume_id, **fields}})
        self.assertEqual(202, answer.status, answer.text)
        return str(answer.json['backup']['id'])

    def failed(self, id_: str) -> typing.Any:
        """Wait until a backup is in error, and return it."""
        self.wait_for(lambda: self.show('backups', id_)['status'] == 'error')
        return self.show('backups', id_)

    def wait_for(self, condition: typing.Callable[[], bool]) -> None:
        """Wait until something is so."""
        limit = time.monotonic() + 60
        while not condition():
            self.assertTrue(time.monotonic() < limit, 'waited in vain')
            time.sleep(0.01)

    def hidden(self) -> list[str]:
        """Return the ids of what the service has made for itself."""
        found = []
        for noun in ('volumes', 'snapshots'):
            answer = self.api.get(self.path(
                f'{noun}/detail?consumes_quota=false'))
            found += [one['id'] for one in answer.json[noun]]
        return found

    def quiet(self) -> None:
        """Wait until no operation is open."""
        self.wait_for(lambda: not any(
            row['state'] in db_operations.OPEN for row in self.api.get(
                self.path('operations')).json['operations']))

    def check_given_back(self, volume_id: str, status: str) -> None:
        """Check that nothing is left of the work on a volume."""
        self.wait_for(lambda: not self.hidden())
        self.quiet()
        shown = self.show('volumes', volume_id)
        self.assertEqual(status, shown['status'])
        with self.database.read() as tx:
            row: typing.Any = rows.get(tx, models.Volume, volume_id)
        self.assertIsNone(row.backup_id)
        clients = 1 if status == 'in-use' else 0
        self.wait_for(lambda: len(self.driver.pool.exports) == clients)
        self.assertEqual(set(), self.driver.pool.prepared)

    def used(self) -> tuple[int, int, int]:
        """Return how many volumes, gigabytes and backups the quota counts."""
        sets = self.api.get(self.path(
            f'os-quota-sets/{self.project}?usage=True')).json['quota_set']
        return (sets['volumes']['in_use'], sets['gigabytes']['in_use'],
                sets['backups']['in_use'])

    def check_told(self, id_: str, kind: str) -> None:
        """Check that there is one message about a resource."""
        told = self.api.get(self.path(
            f'messages?resource_uuid={id_}')).json['messages']
        self.assertEqual([kind], [
            one['event_id'].split('_')[-2] for one in told])

    def check_backup(self, volume_id: str, status: str) -> None:
        """Ask for a backup that fails, and check what is left."""
        id_ = self.ask(volume_id, force=True)
        self.assertIn(REASON, self.failed(id_)['fail_reason'])
        self.check_given_back(volume_id, status)
        row = self.row(id_)
        self.assertEqual((None, None, None), (
            row.temp_snapshot_id, row.temp_volume_id, row.base_snapshot_id))
        self.check_told(id_, '013')
        self.assertEqual((1, 1, 1), self.used())
        self.api.delete(self.path(f'backups/{id_}'))
        self.wait_gone('backups', id_)
        self.assertEqual((1, 1, 0), self.used())

    def check_detach(self, method: str, attached: bool) -> None:
        """A copy that is good stays, and its source is closed later."""
        volume_id = self.one(attached)
        self.fail(method, times=2)
        id_ = self.ask(volume_id, force=True)
        self.wait_status('backups', id_, 'available')
        self.quiet()
        self.assertEqual(1 if attached else 0,
                         len(self.driver.pool.exports))
        self.assertEqual('in-use' if attached else 'available',
                         self.show('volumes', volume_id)['status'])

    def one(self, attached: bool) -> str:
        """Return the id of a volume with bytes, attached or not."""
        volume, _ = self.written()
        if not attached:
            attachments = self.show('volumes', volume['id'])['attachments']
            self.api.delete(self.path(
                f'attachments/{attachments[0]["attachment_id"]}'))
        return str(volume['id'])


class SnapshotStepTest(FailureTest):
    """A volume in use, through a temporary snapshot."""

    def check_step(self, method: str, when: str = 'before') -> None:
        """Let a step fail."""
        volume_id = self.one(attached=True)
        self.fail(method, when)
        self.check_backup(volume_id, 'in-use')

    def test_snapshot(self) -> None:
        self.check_step('create_snapshot')

    def test_snapshot_that_was_taken(self) -> None:
        self.check_step('create_snapshot', 'after')

    def test_export(self) -> None:
        self.check_step('create_export_snapshot', 'after')

    def test_attach(self) -> None:
        self.check_step('initialize_connection_snapshot')

    def test_attach_that_was_done(self) -> None:
        self.check_step('initialize_connection_snapshot', 'after')

    def test_read(self) -> None:
        self.check_step('read')

    def test_detach(self) -> None:
        self.check_detach('terminate_connection_snapshot', attached=True)

    def test_store(self) -> None:
        volume_id = self.one(attached=True)
        self.fail_store('put')
        id_ = self.ask(volume_id, force=True)
        self.assertIn(REASON, self.failed(id_)['fail_reason'])
        self.check_given_back(volume_id, 'in-use')

    def test_store_that_cannot_even_forget(self) -> None:
        volume_id = self.one(attached=True)
        self.assertTrue(self.backup_manager.repository.layout)
        self.fail_store('put')
        self.fail_store('sync', 'what came second')
        id_ = self.ask(volume_id, force=True)
        self.assertIn(REASON, self.failed(id_)['fail_reason'])
        self.check_given_back(volume_id, 'in-use')

    def test_clean_up_is_tried_again(self) -> None:
        self.config.config(group='backup', keep_base_snapshot=False)
        volume_id = self.one(attached=True)
        self.fail('delete_snapshot')
        id_ = self.ask(volume_id, force=True)
        self.wait_status('backups', id_, 'available')
        self.check_given_back(volume_id, 'in-use')
        self.assertIsNone(self.row(id_).temp_snapshot_id)

    def test_clean_up_after_a_failure_is_tried_again(self) -> None:
        volume_id = self.one(attached=True)
        self.fail('delete_snapshot', times=2)
        self.fail('read')
        self.check_backup(volume_id, 'in-use')


class TemporaryVolumeStepTest(FailureTest):
    """A volume in use, through a temporary volume."""

    MEMORY_LACKS = ('attaches_snapshots',)

    def check_step(self, method: str, when: str = 'before') -> None:
        """Let a step fail."""
        volume_id = self.one(attached=True)
        self.fail(method, when)
        self.check_backup(volume_id, 'in-use')

    def test_clone(self) -> None:
        self.check_step('create_cloned_volume')

    def test_clone_that_was_made(self) -> None:
        self.check_step('create_cloned_volume', 'after')

    def test_attach(self) -> None:
        self.check_step('initialize_connection', 'after')

    def test_read(self) -> None:
        self.check_step('read')

    def test_detach(self) -> None:
        self.check_detach('terminate_connection', attached=True)

    def test_clean_up_is_tried_again(self) -> None:
        volume_id = self.one(attached=True)
        self.fail('delete_volume')
        id_ = self.ask(volume_id, force=True)
        self.wait_status('backups', id_, 'available')
        self.check_given_back(volume_id, 'in-use')
        self.assertIsNone(self.row(id_).temp_volume_id)


class DirectStepTest(FailureTest):
    """An available volume, read itself."""

    def check_step(self, method: str, when: str = 'before') -> None:
        """Let a step fail."""
        volume_id = self.one(attached=False)
        self.fail(method, when)
        self.check_backup(volume_id, 'available')

    def test_attach(self) -> None:
        self.check_step('initialize_connection', 'after')

    def test_read(self) -> None:
        self.check_step('read')

    def test_detach(self) -> None:
        self.check_detach('terminate_connection', attached=False)

    def test_disconnecting_is_tried_again(self) -> None:
        volume_id = self.one(attached=False)
        self.fail('read')
        self.fail('terminate_connection', times=2)
        self.check_backup(volume_id, 'available')


class SnapshotGivenTest(FailureTest):
    """A user's snapshot as the source."""

    def test_read(self) -> None:
        volume_id = self.one(attached=True)
        snapshot = self.make_snapshot(volume_id)
        self.fail('read')
        id_ = self.ask(volume_id, snapshot_id=snapshot['id'])
        self.assertIn(REASON, self.failed(id_)['fail_reason'])
        self.check_given_back(volume_id, 'in-use')
        self.wait_status('snapshots', snapshot['id'], 'available')


class RestoreStepTest(FailureTest):
    """Restores, to a new volume and to one that is there."""

    def backed_up(self) -> tuple[str, str]:
        """Return a backup's id and its detached volume's."""
        volume_id = self.one(attached=False)
        return self.make_backup(volume_id)['id'], volume_id

    def ask_restore(self, backup_id: str, volume_id: str | None = None,
                    ) -> str:
        """Ask for a restore; return the volume's id."""
        answer = self.api.post(self.path(f'backups/{backup_id}/restore'), {
            'restore': {'volume_id': volume_id} if volume_id else {}})
        self.assertEqual(202, answer.status, answer.text)
        return str(answer.json['restore']['volume_id'])

    def check_restore(self, new: bool, status: str = 'error_restoring',
                      ) -> None:
        """Ask for a restore that fails, and check what is left."""
        backup_id, volume_id = self.backed_up_already
        target = self.ask_restore(backup_id, None if new else volume_id)
        self.wait_for(lambda: self.show('volumes', target)[
            'status'] == status)
        self.wait_status('backups', backup_id, 'available')
        self.quiet()
        self.assertEqual([], list(self.driver.pool.exports))
        self.check_told(backup_id, '015')
        self.api.delete(self.path(f'volumes/{target}'))
        self.wait_gone('volumes', target)
        left = 1 if new else 0
        self.assertEqual((left, left, 1), self.used())

    def setUp(self) -> None:
        super().setUp()
        self.backed_up_already = self.backed_up()

    def test_volume(self) -> None:
        self.fail('create_volume')
        self.check_restore(new=True, status='error')

    def test_attach(self) -> None:
        self.fail('initialize_connection', 'after')
        self.check_restore(new=False)

    def test_write(self) -> None:
        self.fail('write')
        self.check_restore(new=True)

    def test_flush(self) -> None:
        self.fail('flush')
        self.check_restore(new=False)

    def test_store(self) -> None:
        self.fail_store('get')
        self.check_restore(new=True)

    def test_detach(self) -> None:
        self.fail('terminate_connection')
        self.check_restore(new=False)


class BrokenHandlerTest(FailureTest):
    """Even a failure that cannot be dealt with ends."""

    def test_it_ends(self) -> None:
        def broken(*_: typing.Any) -> typing.NoReturn:
            raise KeyError('a defect')

        self.patch(volumes.Create, 'failed', broken)
        self.fail('create_volume')
        answer = self.api.post(self.path('volumes'), {'volume': {'size': 1}})
        id_ = answer.json['volume']['id']
        self.wait_for(
            lambda: self.show('volumes', id_)['status'] == 'error')
        self.quiet()
        with self.database.read() as tx:
            row: typing.Any = db_operations.last_closed(tx, id_)
        self.assertEqual(('failed', 1), (row.state, row.attempt))
        self.assertIn(REASON, row.error_message)


class SizeTest(FailureTest):
    """A volume that grows between the request and the reading."""

    def test_the_size_is_that_of_the_bytes(self) -> None:
        volume_id = self.one(attached=False)
        self.backup_manager.stop(time.monotonic() + 5)
        id_ = self.ask(volume_id)
        answer = self.api.post(self.path(f'volumes/{volume_id}/action'),
                               {'os-extend': {'new_size': 2}})
        self.assertEqual(202, answer.status, answer.text)
        self.wait_for(lambda: self.show('volumes', volume_id)['size'] == 2)
        self.start_backup()
        backup = self.wait_status('backups', id_, 'available')
        self.assertEqual(2, backup['size'])
        self.assertEqual(2, self.show('volumes', self.restore(id_))['size'])

    def start_backup(self) -> None:
        """Start the backup service again."""
        self.backup_manager = base.BackupManager(
            base.CONF, self.database, self.transport)
        self.addCleanup(lambda: self.backup_manager.stop(
            time.monotonic() + 10))
        self.backup_manager.start()
