"""Volumes while a backup of them runs: R-100, R-110, R-111, contract §4.

The backup is held in its copy by the memory driver, so that the time
between the request and its end can be looked at for as long as it takes.
"""

import threading
import typing

from blockstore import exceptions
from blockstore.db import models
from blockstore.db import rows
from blockstore.tests.functional import base
from blockstore.volume import connections

BLOCK = 65536


class Gate(threading.Event):
    """Where a call of the driver waits, and perhaps fails thereafter."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = threading.Event()
        self.error: BaseException | None = None

    def wait(self, timeout: float | None = None) -> bool:
        """Wait to be opened."""
        self.reached.set()
        opened = super().wait(timeout)
        if self.error is not None:
            raise self.error
        return opened


class HeldBackupTest(base.FunctionalTest):
    """Has a volume with data, and backups that wait in their copy."""

    def setUp(self) -> None:
        super().setUp()
        self.gate = Gate()
        self.addCleanup(self.gate.set)

    def written(self, attached: bool) -> typing.Any:
        """Return a volume with a block of data, attached or not."""
        volume = self.make_volume(1)
        attachment = self.attach(volume['id'])
        self.write(attachment, b'A')
        self.attachment_id = attachment['id']
        if not attached:
            self.let_go(attachment['id'])
        return self.show('volumes', volume['id'])

    def write(self, attachment: typing.Any, byte: bytes) -> None:
        """Write the first block through an attachment."""
        info = dict(attachment['connection_info'])
        opened = connections.open_connection(
            {'driver_volume_type': info.pop('driver_volume_type'),
             'data': info}, writable=True)
        try:
            opened.write(0, byte * BLOCK)
            opened.flush()
        finally:
            opened.close()

    def let_go(self, attachment_id: str) -> None:
        """Delete an attachment."""
        answer = self.api.delete(self.path(f'attachments/{attachment_id}'))
        self.assertEqual(200, answer.status, answer.text)

    def hold(self, volume_id: str, error: BaseException | None = None,
             **fields: typing.Any) -> str:
        """Begin a backup that waits in its copy; return its id.

        :param error: what happens to it when it goes on.
        """
        self.gate.error = error
        self.driver.faults.hang('read', self.gate)
        answer = self.post('backups', {'backup': {
            'volume_id': volume_id, **fields}}, 202)
        id_: str = answer.json['backup']['id']
        self.assertTrue(self.gate.reached.wait(60))
        return id_

    def wait_for(self, true: typing.Callable[[], bool]) -> None:
        """Wait until something is true."""
        pause = threading.Event()
        for _ in range(1000):
            if true():
                return
            pause.wait(0.01)
        self.fail('it has not come true in 10 s')

    def finish(self, backup_id: str, wanted: str = 'available') -> None:
        """Let the backup go on, and wait for its end."""
        self.gate.set()
        self.wait_for(lambda: self.show('backups', backup_id)[
            'status'] not in ('creating',))
        self.assertEqual(wanted, self.show('backups', backup_id)['status'])

    def post(self, path: str, body: typing.Any, status: int,
             **kwargs: typing.Any) -> base.Answer:
        """Send a POST and check the answer's status."""
        answer = self.api.post(self.path(path), body, **kwargs)
        self.assertEqual(status, answer.status, answer.text)
        return answer

    def act(self, volume_id: str, name: str, content: typing.Any = None,
            status: int = 202, **kwargs: typing.Any) -> base.Answer:
        """Send an action and check the answer's status."""
        return self.post(f'volumes/{volume_id}/action', {name: content},
                         status, **kwargs)

    def row(self, model: type[typing.Any], id_: str) -> typing.Any:
        """Return a row as the database has it."""
        with self.database.read() as tx:
            row = rows.get(tx, model, id_)
        self.assertIsNotNone(row)
        return row

    def check_restores(self, backup_id: str, byte: bytes) -> None:
        """Restore to a new volume; its first block must be the byte's."""
        answer = self.post(f'backups/{backup_id}/restore', {'restore': {}},
                           202)
        volume_id = answer.json['restore']['volume_id']
        self.wait_status('volumes', volume_id, 'available')
        info = dict(self.attach(volume_id)['connection_info'])
        opened = connections.open_connection(
            {'driver_volume_type': info.pop('driver_volume_type'),
             'data': info}, writable=False)
        read = bytearray(BLOCK)
        opened.read_into(0, memoryview(read))
        opened.close()
        self.assertEqual(byte * BLOCK, bytes(read))


class StatusTest(HeldBackupTest):
    """R-111: previous_status during and after, both starts and ends."""

    def check(self, attached: bool, error: BaseException | None) -> None:
        """Look at a volume before, during and after."""
        before = 'in-use' if attached else 'available'
        volume = self.written(attached)
        self.assertEqual(before, volume['status'])
        id_ = self.hold(volume['id'], error, force=attached)
        for version in ('3.0', '3.71'):
            for path in (f'volumes/{volume["id"]}', 'volumes/detail'):
                body = self.api.get(self.path(path), version=version).json
                shown = body.get('volume') or body['volumes'][0]
                self.assertEqual('backing-up', shown['status'])
        for status, found in (('backing-up', 1), (before, 0)):
            answer = self.api.get(self.path(f'volumes?status={status}'))
            self.assertEqual(found, len(answer.json['volumes']), status)
        row = self.row(models.Volume, volume['id'])
        self.assertEqual((before, id_), (row.previous_status, row.backup_id))
        backup = self.show('backups', id_)
        self.assertEqual(('creating', None),
                         (backup['status'], backup['fail_reason']))
        temporary = self.row(models.Backup, id_)
        self.assertEqual(attached, temporary.temp_snapshot_id is not None)
        self.assertIsNone(temporary.temp_volume_id)
        self.finish(id_, 'error' if error else 'available')
        shown = self.show('volumes', volume['id'])
        self.assertEqual(before, shown['status'])
        self.assertEqual(volume['attachments'], shown['attachments'])
        row = self.row(models.Volume, volume['id'])
        self.assertEqual(
            ('error_backing-up' if error else 'backing-up', None, before),
            (row.previous_status, row.backup_id, row.status))
        self.wait_for(lambda: self.row(
            models.Backup, id_).temp_snapshot_id is None)
        self.assertIsNone(self.row(models.Backup, id_).temp_volume_id)
        backup = self.show('backups', id_)
        if error:
            self.assertIn('the disk is gone', backup['fail_reason'])
        else:
            # §4: the zone is that of the service that made it.
            self.assertEqual((None, 'nova'), (
                backup['fail_reason'], backup['availability_zone']))
            self.assertGreater(backup['object_count'], 0)

    def test_available_and_success(self) -> None:
        self.check(False, None)

    def test_available_and_failure(self) -> None:
        self.check(False, exceptions.DriverError('the disk is gone'))

    def test_in_use_and_success(self) -> None:
        self.check(True, None)

    def test_in_use_and_failure(self) -> None:
        self.check(True, exceptions.DriverError('the disk is gone'))


class MeanwhileTest(HeldBackupTest):
    """R-100: what can be done with a volume while it is backed up."""

    def test_in_use(self) -> None:
        """Detach, attach, extend, snapshot, write, change names."""
        volume_id = self.written(True)['id']
        id_ = self.hold(volume_id, force=True)
        self.let_go(self.attachment_id)
        self.assertEqual([], self.show('volumes', volume_id)['attachments'])
        self.write(self.attach(volume_id), b'B')
        snapshot = self.make_snapshot(volume_id)
        self.act(volume_id, 'os-extend', {'new_size': 2}, version='3.42')
        self.wait_for(lambda: self.show('volumes', volume_id)[
            'size'] == 2 and self.row(
                models.Volume, volume_id).status == 'in-use')
        answer = self.api.put(self.path(f'volumes/{volume_id}'), {
            'volume': {'name': 'n'}})
        self.assertEqual((200, 'backing-up'), (
            answer.status, answer.json['volume']['status']))
        self.assertEqual(202, self.api.delete(
            self.path(f'snapshots/{snapshot["id"]}')).status)
        self.wait_gone('snapshots', snapshot['id'])
        self.finish(id_)
        self.assertEqual(1, self.show('backups', id_)['size'])
        volume = self.show('volumes', volume_id)
        self.assertEqual(('in-use', 2, 1), (
            volume['status'], volume['size'], len(volume['attachments'])))
        self.check_restores(id_, b'A')

    def test_available(self) -> None:
        """Attach by both ways, write, detach: the cut stays as it was."""
        volume_id = self.written(False)['id']
        id_ = self.hold(volume_id)
        attachment = self.attach(volume_id)
        self.write(attachment, b'B')
        self.let_go(attachment['id'])
        self.act(volume_id, 'os-reserve')
        self.act(volume_id, 'os-attach', {'mountpoint': '/dev/vdb',
                                          'host_name': 'h'})
        self.assertEqual(1, len(self.show('volumes', volume_id)[
            'attachments']))
        self.act(volume_id, 'os-begin_detaching')
        self.act(volume_id, 'os-detach')
        self.act(volume_id, 'os-extend', {'new_size': 2})
        self.wait_for(lambda: self.row(
            models.Volume, volume_id).status == 'available')
        self.finish(id_)
        volume = self.show('volumes', volume_id)
        self.assertEqual(('available', 2),
                         (volume['status'], volume['size']))
        self.check_restores(id_, b'A')

    def test_it_may_be_left_in_another_status(self) -> None:
        """Attached when the backup began, detached when it ended."""
        volume_id = self.written(True)['id']
        id_ = self.hold(volume_id, force=True)
        self.let_go(self.attachment_id)
        self.finish(id_)
        self.assertEqual('available',
                         self.show('volumes', volume_id)['status'])

    def test_what_has_to_wait(self) -> None:
        """§4, state-machines §1.3: each is a 400 (409) that names why."""
        volume_id = self.written(False)['id']
        snapshot = self.make_snapshot(volume_id)
        earlier = self.make_backup(volume_id)
        id_ = self.hold(volume_id)
        for method, path, body, status in (
                ('DELETE', f'volumes/{volume_id}', None, 400),
                ('DELETE', f'volumes/{volume_id}?cascade=1', None, 400),
                ('DELETE', f'volumes/{volume_id}?force=1', None, 400),
                ('POST', f'volumes/{volume_id}/action',
                 {'os-force_delete': None}, 400),
                ('POST', f'volumes/{volume_id}/action',
                 {'revert': {'snapshot_id': snapshot['id']}}, 409),
                ('POST', 'backups', {'backup': {
                    'volume_id': volume_id, 'force': True}}, 400),
                ('DELETE', f'backups/{id_}', None, 400),
                ('POST', f'backups/{id_}/restore', {'restore': {}}, 400),
                ('POST', f'backups/{earlier["id"]}/restore',
                 {'restore': {'volume_id': volume_id}}, 400)):
            answer = self.api.request(method, self.path(path), body)
            self.assertEqual(status, answer.status, (path, answer.text))
        answer = self.api.get(self.path('backups'))
        self.assertEqual({id_, earlier['id']}, {
            one['id'] for one in answer.json['backups']})
        self.finish(id_)
        self.check_restores(id_, b'A')

    def test_snapshot_as_the_source(self) -> None:
        """§4: neither force nor the volume's status count; it is shown."""
        volume_id = self.written(True)['id']
        snapshot = self.make_snapshot(volume_id)
        id_ = self.hold(volume_id, snapshot_id=snapshot['id'])
        self.assertEqual('in-use',
                         self.show('volumes', volume_id)['status'])
        path = self.path(f'snapshots/{snapshot["id"]}')
        self.assertEqual('backing-up', self.show(
            'snapshots', snapshot['id'])['status'])
        self.assertEqual(400, self.api.delete(path).status)
        self.finish(id_)
        backup = self.show('backups', id_)
        self.assertEqual((snapshot['id'], snapshot['created_at']), (
            backup['snapshot_id'], backup['data_timestamp']))
        self.assertEqual('available', self.show(
            'snapshots', snapshot['id'])['status'])
        self.assertIsNone(self.row(models.Volume, volume_id).previous_status)
        self.assertEqual(202, self.api.delete(path).status)
        self.wait_gone('snapshots', snapshot['id'])
        self.check_restores(id_, b'A')

    def test_force_delete_of_a_running_backup(self) -> None:
        """§4: a running one is stopped, and its volume is given back."""
        volume_id = self.written(True)['id']
        id_ = self.hold(volume_id, force=True)
        self.post(f'backups/{id_}/action', {'os-force_delete': None}, 202)
        self.gate.set()
        self.wait_gone('backups', id_)
        self.wait_for(lambda: self.show('volumes', volume_id)[
            'status'] == 'in-use')
        self.assertIsNone(self.row(models.Volume, volume_id).backup_id)

    def test_what_the_service_makes_for_itself(self) -> None:
        """R-128: no quota, the caller's project, in no list of theirs."""
        volume_id = self.written(True)['id']
        path = self.path(f'os-quota-sets/{self.project}?usage=true')
        before = self.api.get(path).json['quota_set']
        id_ = self.hold(volume_id, force=True)
        during = self.api.get(path).json['quota_set']
        self.assertEqual(before['snapshots'], during['snapshots'])
        self.assertEqual(before['gigabytes'], during['gigabytes'])
        self.assertEqual(1, during['backups']['in_use'])
        made = self.row(models.Snapshot,
                        self.row(models.Backup, id_).temp_snapshot_id)
        self.assertEqual((self.project, False),
                         (made.project_id, made.use_quota))
        self.assertEqual([], self.api.get(
            self.path('snapshots')).json['snapshots'])
        hidden = self.api.get(self.path(
            'snapshots/detail?consumes_quota=false')).json['snapshots']
        self.assertEqual([(made.id, False)], [
            (one['id'], one['consumes_quota']) for one in hidden])
        self.assertEqual(400, self.api.delete(
            self.path(f'snapshots/{made.id}')).status)
        self.finish(id_)
