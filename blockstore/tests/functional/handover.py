"""What a service leaves when it stops, another goes on with; cancelling."""

import threading
import time
import typing

from blockstore.db import operations as db_operations
from blockstore.tests.functional import base
from blockstore.tests.functional import failures
from blockstore.tests.functional import test_backups

BLOCK = test_backups.BLOCK
CHUNKS = 40


class HandOverTest(failures.FailureTest):
    """Stops the backup service in the middle of something."""

    OPTIONS: typing.ClassVar[dict[tuple[str, str], typing.Any]] = {
        ('operations', 'poll_interval'): 0.05, ('operations', 'lease'): 1.5,
        ('operations', 'workers'): 2, ('store', 'workers'): 1,
        ('store', 'journal_seconds'): 0.05}

    def setUp(self) -> None:
        super().setUp()
        volume, opened = self.written()
        for number in range(CHUNKS):
            opened.write(number * BLOCK, bytes([number + 1]) * BLOCK)
        opened.flush()
        self.volume_id = str(volume['id'])
        self.counted = {'read': 0, 'write': 0}
        call = self.driver.faults.call

        def counting(method: str, effect: typing.Any) -> typing.Any:
            if method in self.counted:
                self.counted[method] += 1
            return call(method, effect)

        self.patch(self.driver.faults, 'call', counting)

    def stop_backup(self) -> None:
        """Stop the backup service as SIGTERM does."""
        began = time.monotonic()
        self.backup_manager.stop(began + 120)
        self.assertLess(time.monotonic(), began + 60)

    def operation(self, backup_id: str, kind: str) -> typing.Any:
        """Return the row of an operation on a backup."""
        with self.database.read() as tx:
            found = [row for row in db_operations.open_of(tx, backup_id)
                     if row.kind == kind]
            return found[0] if found else None

    def reads(self) -> int:
        """Return how many reads there were."""
        return self.counted['read']

    def start_backup(self) -> None:
        """Start the backup service again."""
        self.backup_manager = base.BackupManager(
            base.CONF, self.database, self.transport)
        self.addCleanup(lambda one=self.backup_manager: one.stop(
            time.monotonic() + 10))
        self.backup_manager.start()


class CopyTest(HandOverTest):
    """A copy is handed over, and goes on where it was."""

    def test_a_copy(self) -> None:
        self.driver.faults.delay('read', 0.1, times=1000)
        id_ = self.ask(self.volume_id, force=True)
        self.wait_for(lambda: self.reads() > 8)
        self.stop_backup()
        row = self.operation(id_, 'backup.create')
        self.assertEqual(('running', None), (row.state, row.lease_owner))
        self.assertEqual('creating', self.show('backups', id_)['status'])
        self.driver.faults.clear()
        self.start_backup()
        self.wait_status('backups', id_, 'available')
        facts = self.facts(id_)
        self.assertGreater(facts['bytes_resumed'], 0)
        self.assertEqual(CHUNKS * BLOCK,
                         facts['bytes_resumed'] + facts['bytes_read'])
        restored = self.bytes_of(self.restore(id_), CHUNKS * BLOCK)
        self.assertEqual(b''.join(
            bytes([number + 1]) * BLOCK for number in range(CHUNKS)),
            restored)

    def facts(self, id_: str) -> typing.Any:
        """Return what the operation that made a backup remembers."""
        with self.database.read() as tx:
            row: typing.Any = db_operations.last_closed(tx, id_)
        return row.facts

    def test_a_restore(self) -> None:
        id_ = self.make_backup(self.volume_id, force=True)['id']
        self.driver.faults.delay('write', 0.1, times=1000)
        answer = self.api.post(self.path(f'backups/{id_}/restore'),
                               {'restore': {}})
        volume_id = answer.json['restore']['volume_id']
        self.wait_for(lambda: self.counted['write'] > 3)
        self.stop_backup()
        self.assertEqual('restoring-backup',
                         self.show('volumes', volume_id)['status'])
        self.driver.faults.clear()
        self.start_backup()
        self.wait_status('volumes', volume_id, 'available')
        self.assertEqual(bytes([CHUNKS]) * BLOCK,
                         self.bytes_of(volume_id, CHUNKS * BLOCK)[-BLOCK:])

    def test_what_waits_is_not_begun(self) -> None:
        """More operations than workers: the stop does not do them all."""
        others = [self.make_volume(1, source_volid=self.volume_id)['id']
                  for _ in range(3)]
        self.driver.faults.delay('read', 0.2, times=1000)
        first = [self.ask(self.volume_id, force=True)]
        first += [self.ask(one) for one in others]
        self.wait_for(lambda: self.reads() > 2)
        self.stop_backup()
        stopped = self.reads()
        self.driver.faults.clear()
        time.sleep(0.5)
        self.assertEqual(stopped, self.reads())
        self.start_backup()
        for id_ in first:
            self.wait_status('backups', id_, 'available')

    def test_handing_over_is_no_failure(self) -> None:
        """However often a service is stopped, the operation goes on."""
        self.config.config(group='operations', max_attempts=2)
        self.driver.faults.delay('read', 0.1, times=1000)
        id_ = self.ask(self.volume_id, force=True)
        for _ in range(3):
            before = self.reads()
            self.wait_for(lambda least=before: self.reads() > least)
            self.stop_backup()
            self.start_backup()
        self.driver.faults.clear()
        self.wait_status('backups', id_, 'available')


class CancelTest(HandOverTest):
    """Deleting by force, whoever works on it or nobody."""

    def force_delete(self, id_: str) -> None:
        """Delete a backup by force."""
        answer = self.api.post(self.path(f'backups/{id_}/action'),
                               {'os-force_delete': None})
        self.assertEqual(202, answer.status, answer.text)

    def test_in_the_copy(self) -> None:
        self.driver.faults.delay('read', 0.1, times=1000)
        id_ = self.ask(self.volume_id, force=True)
        self.wait_for(lambda: self.reads() > 2)
        self.force_delete(id_)
        self.wait_gone('backups', id_)
        self.check_given_back(self.volume_id, 'in-use')
        self.assertEqual(0, self.used()[2])

    def test_of_a_snapshot_while_nobody_works(self) -> None:
        snapshot = self.make_snapshot(self.volume_id)
        self.driver.faults.delay('read', 0.1, times=1000)
        id_ = self.ask(self.volume_id, snapshot_id=snapshot['id'])
        self.wait_for(lambda: self.reads() > 2)
        self.stop_backup()
        self.force_delete(id_)
        self.driver.faults.clear()
        self.start_backup()
        self.wait_gone('backups', id_)
        self.check_given_back(self.volume_id, 'in-use')
        self.wait_status('snapshots', snapshot['id'], 'available')

    def test_before_it_began(self) -> None:
        self.stop_backup()
        id_ = self.ask(self.volume_id, force=True)
        self.force_delete(id_)
        self.start_backup()
        self.wait_gone('backups', id_)
        self.check_given_back(self.volume_id, 'in-use')

    def test_of_a_restore(self) -> None:
        id_ = self.make_backup(self.volume_id, force=True)['id']
        self.driver.faults.delay('write', 0.1, times=1000)
        answer = self.api.post(self.path(f'backups/{id_}/restore'),
                               {'restore': {}})
        volume_id = answer.json['restore']['volume_id']
        self.wait_for(lambda: self.counted['write'] > 0)
        self.stop_backup()
        self.force_delete(id_)
        self.driver.faults.clear()
        self.start_backup()
        self.wait_gone('backups', id_)
        self.wait_for(lambda: self.show('volumes', volume_id)[
            'status'] == 'error_restoring')
        self.wait_for(lambda: len(self.driver.pool.exports) == 1)
        self.api.delete(self.path(f'volumes/{volume_id}'))
        self.wait_gone('volumes', volume_id)


class ParentTest(failures.FailureTest):
    """What an incremental backup builds on stays until it is there."""

    def test_a_parent_in_use(self) -> None:
        volume, opened = self.written()
        parent = self.make_backup(volume['id'], force=True)
        opened.write(0, b'C' * BLOCK)
        gate = threading.Event()
        self.addCleanup(gate.set)
        self.driver.faults.hang('read', gate)
        child = self.ask(volume['id'], force=True, incremental=True)
        self.wait_for(lambda: self.row(child).temp_snapshot_id is not None)
        answer = self.api.delete(self.path(f'backups/{parent["id"]}'))
        self.assertEqual(400, answer.status, answer.text)
        refusal = answer.json['badRequest']
        self.assertEqual(
            ('blockstore.backup.built_on', [f'backup {child}']),
            (refusal['error_code'], refusal['blockers']))
        gate.set()
        self.wait_status('backups', child, 'available')
        self.api.delete(self.path(f'backups/{parent["id"]}'))
        self.wait_gone('backups', parent['id'])

    def test_a_base_that_another_compares_with(self) -> None:
        volume, opened = self.written()
        parent = self.make_backup(volume['id'], force=True)
        opened.write(0, b'C' * BLOCK)
        snapshot = self.make_snapshot(volume['id'])
        gate = threading.Event()
        self.addCleanup(gate.set)
        self.driver.faults.hang('changed_extents', gate)
        child = self.ask(volume['id'], snapshot_id=snapshot['id'],
                         incremental=True)
        self.wait_for(
            lambda: 'changed_extents' in self.driver.pool.called())
        self.make_backup(volume['id'], force=True)
        self.assertIsNotNone(self.row(parent['id']).base_snapshot_id)
        gate.set()
        self.wait_status('backups', child, 'available')
        self.make_backup(volume['id'], force=True)
        self.wait_for(
            lambda: self.row(parent['id']).base_snapshot_id is None)
