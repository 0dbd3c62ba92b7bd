"""Several hosts do the same work: what one leaves another takes over.

A host that dies is one whose leases are no longer renewed.  Its thread hangs
in the middle of an effect, and is let go on when another host is done: then
it must find out, and touch nothing.
"""

import threading
import time
import typing

from blockstore import exceptions
from blockstore.db import operations as db_operations
from blockstore.lifecycle import operations
from blockstore.rpc import volume as volume_rpc
from blockstore.tests.functional import base
from blockstore.tests.functional import failures
from blockstore.tests.functional import test_backups

Options = dict[tuple[str, str], typing.Any]
LEASE: Options = {('operations', 'poll_interval'): 0.05,
                  ('operations', 'lease'): 3.0}


class SharedTest(failures.FailureTest):
    """What both kinds of hosts share."""

    OPTIONS: typing.ClassVar[Options] = LEASE

    def on(self, host: str, make: typing.Callable[[], typing.Any],
           ) -> typing.Any:
        """Make a manager as another host would, and start it."""
        self.config.config(group='service', host=host)
        manager = make()
        self.config.config(group='service', host='test')
        self.addCleanup(lambda: manager.stop(time.monotonic() + 10))
        manager.start()
        return manager

    def hang(self, method: str) -> threading.Event:
        """Let one driver or connection call hang; return what frees it."""
        gate = threading.Event()
        self.addCleanup(gate.set)
        self.driver.faults.hang(method, gate)
        return gate

    def die(self, managers: typing.Iterable[typing.Any], resource_id: str,
            ) -> 'operations.Claim':
        """Let the one that works on a resource renew and take nothing more.

        Return its claim.
        """
        with self.database.read() as tx:
            row, = db_operations.open_of(tx, resource_id)
        dying, = (one for one in managers
                  if row.lease_owner.startswith(one.identity.owner))
        keeper = dying.worker._keeper
        claim, = (one for one in keeper._claims if one.id == row.id)
        keeper.stop()
        dying.worker._stopping.set()
        dying.worker._rung.set()
        return typing.cast(operations.Claim, claim)

    def check_fenced(self, claim: operations.Claim) -> None:
        """Assert that who lost an operation knows it."""
        self.wait_for(lambda: self.lost(claim))

    def lost(self, claim: operations.Claim) -> bool:
        """Tell whether a claim is lost."""
        try:
            claim.check()
        except exceptions.LeaseLost:
            return True
        return False


class VolumeHostsTest(SharedTest):
    """Two volume services of one back end."""

    OPTIONS: typing.ClassVar[Options] = {
        **LEASE, ('memory', 'backend_host'): 'shared'}

    def setUp(self) -> None:
        super().setUp()
        self.second = self.on('second', lambda: base.VolumeManager(
            base.CONF, self.database, self.transport, 'memory'))
        self.managers = (self.volume_manager, self.second)

    def test_one_back_end(self) -> None:
        """Its volumes belong to both, and it is listed once."""
        volume = self.make_volume(1)
        self.assertEqual('shared@memory#memory',
                         volume['os-vol-host-attr:host'])
        listed = self.api.get(self.path('os-services')).json['services']
        self.assertEqual(['shared@memory'], [
            one['host'] for one in listed if one['binary'] == 'cinder-volume'])
        self.assertNotEqual(*(one.identity.owner.split()[1]
                              for one in self.managers))

    def test_each_serves_when_the_other_is_gone(self) -> None:
        self.volume_manager.stop(time.monotonic() + 10)
        volume_id = self.make_volume(1)['id']
        self.attach(volume_id)
        self.assertEqual('in-use', self.show('volumes', volume_id)['status'])

    def test_a_snapshot_is_taken_over(self) -> None:
        volume_id = self.make_volume(1)['id']
        gate = self.hang('create_snapshot')
        answer = self.api.post(self.path('snapshots'), {
            'snapshot': {'volume_id': volume_id}})
        id_ = answer.json['snapshot']['id']
        self.wait_for(
            lambda: 'create_snapshot' in self.driver.pool.called())
        claim = self.die(self.managers, id_)
        self.wait_status('snapshots', id_, 'available', timeout=60)
        with self.database.read() as tx:
            before = db_operations.last_closed(tx, id_)
        gate.set()
        self.check_fenced(claim)
        with self.database.read() as tx:
            after = db_operations.last_closed(tx, id_)
        self.assertEqual(('done', 2), (after.state, after.attempt))
        self.assertEqual(before, after)

    def test_an_attachment_is_taken_over(self) -> None:
        """The caller gets its answer all the same."""
        volume_id = self.make_volume(1)['id']
        gate = self.hang('initialize_connection')
        answers: list[typing.Any] = []
        caller = threading.Thread(
            target=lambda: answers.append(self.api.post(
                self.path('attachments'), {'attachment': {
                    'volume_uuid': volume_id,
                    'connector': {'host': 'client'}}})), daemon=True)
        caller.start()
        self.wait_for(
            lambda: 'initialize_connection' in self.driver.pool.called())
        listed = self.api.get(self.path('attachments')).json['attachments']
        id_ = listed[0]['id']
        claim = self.die(self.managers, id_)
        self.wait_for(lambda: self.taken_over(id_))
        gate.set()
        self.check_fenced(claim)
        caller.join(60)
        self.assertFalse(caller.is_alive())
        # Who was late has it looked at again.
        self.wait_for(lambda: self.mended(id_) and not self.open(id_))
        self.assertEqual(200, answers[0].status, answers[0].text)
        self.assertEqual(answers[0].json['attachment']['connection_info'],
                         self.show('attachments', id_)['connection_info'])
        self.assertEqual(1, len(self.driver.pool.exports))

    def taken_over(self, id_: str) -> bool:
        """Tell whether an operation has been begun with again."""
        with self.database.read() as tx:
            found = db_operations.open_of(tx, id_)
        return not found or found[0].attempt > 1

    def mended(self, id_: str) -> bool:
        """Tell whether it is looked at again what came late."""
        with self.database.read() as tx:
            return db_operations.last_done(
                tx, id_, ('attachment.mend',)) is not None

    def open(self, id_: str) -> bool:
        """Tell whether an operation is open."""
        with self.database.read() as tx:
            return bool(db_operations.open_of(tx, id_))


class BackupHostsTest(SharedTest):
    """Two backup services of one store."""

    def setUp(self) -> None:
        super().setUp()
        self.second = self.on('second', lambda: base.BackupManager(
            base.CONF, self.database, self.transport))
        self.managers = (self.backup_manager, self.second)
        volume, opened = self.written()
        opened.flush()
        self.volume_id = str(volume['id'])

    def test_a_backup_is_taken_over(self) -> None:
        """The connection of the former host is closed before another's."""
        closed: list[str] = []
        terminate = volume_rpc.VolumeClient.terminate_connection_snapshot

        def noting(*arguments: typing.Any, **more: typing.Any) -> None:
            closed.append(arguments[-1]['host'])
            terminate(*arguments, **more)

        self.patch(volume_rpc.VolumeClient, 'terminate_connection_snapshot',
                   noting)
        gate = self.hang('read')
        id_ = self.ask(self.volume_id, force=True)
        self.wait_for(lambda: self.reading(id_))
        claim = self.die(self.managers, id_)
        self.wait_status('backups', id_, 'available', timeout=60)
        gate.set()
        self.check_fenced(claim)
        former = claim.host
        other, = {'test', 'second'} - {former}
        self.assertEqual(other, self.row(id_).host)
        self.assertEqual([former, other], closed)
        self.assertEqual(test_backups.BLOCK, len(self.bytes_of(
            self.restore(id_), test_backups.BLOCK)))

    def test_a_restore_is_taken_over(self) -> None:
        """What the former host writes late reaches nobody's bytes."""
        id_ = self.ask(self.volume_id, force=True)
        self.wait_status('backups', id_, 'available', timeout=60)
        gate = self.hang('write')
        answer = self.api.post(self.path(f'backups/{id_}/restore'),
                               {'restore': {}})
        self.assertEqual(202, answer.status, answer.text)
        restored = answer.json['restore']['volume_id']
        self.wait_for(lambda: self.filling(id_))
        claim = self.die(self.managers, id_)
        self.wait_status('volumes', restored, 'available', timeout=60)
        with self.database.read() as tx:
            before = db_operations.last_closed(tx, id_)
        opened = self.open(self.attach(restored))
        opened.write(0, b'X' * test_backups.BLOCK)
        opened.flush()
        gate.set()
        self.check_fenced(claim)
        self.wait_for(lambda: 'backup-operation' not in {
            one.name for one in threading.enumerate()})
        with self.database.read() as tx:
            after = db_operations.last_closed(tx, id_)
        self.assertEqual(('backup.restore', 'done', 2),
                         (after.kind, after.state, after.attempt))
        self.assertEqual(before, after)
        read = bytearray(2 * test_backups.BLOCK)
        opened.read_into(0, memoryview(read))
        self.assertEqual(b'X' * test_backups.BLOCK + b'B' * test_backups.BLOCK,
                         bytes(read))
        self.assertEqual('available', self.show('backups', id_)['status'])

    def filling(self, id_: str) -> bool:
        """Tell whether a restore has come to its bytes."""
        with self.database.read() as tx:
            found = db_operations.open_of(tx, id_)
        return bool(found) and 'begun' in found[0].facts

    def reading(self, id_: str) -> bool:
        """Tell whether a backup has come to its bytes."""
        with self.database.read() as tx:
            found = db_operations.open_of(tx, id_)
        return bool(found) and found[0].step == 'copy'
