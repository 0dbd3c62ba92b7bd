"""Driver calls that hung until somebody else had done, and undone, the same.

The operation is taken away from the thread that hangs, as an operator does
who frees it; then another thread does the work, and only when all is over
does the first call take its effect.
"""

import threading
import typing

from oslo_db import exception as db_exception

from blockstore.db import models
from blockstore.db import operations as db_operations
from blockstore.db import rows
from blockstore.lifecycle import mending
from blockstore.tests.functional import attachment_recovery

CONNECTOR = attachment_recovery.CONNECTOR


class LateTest(attachment_recovery.RecoveryTest):
    """One call hangs; it is let go on by ``land``."""

    OPTIONS: typing.ClassVar[dict[tuple[str, str], typing.Any]] = {
        ('operations', 'poll_interval'): 0.05,
        ('operations', 'lease'): 2.0}

    def setUp(self) -> None:
        super().setUp()
        self.gate = threading.Event()
        self.addCleanup(self.gate.set)
        self.exports = self.driver.pool.exports

    def hang(self, method: str) -> None:
        """Let the next call of a method take effect when it is told to."""
        self.before = self.driver.pool.called().count(method)
        self.method = method
        self.driver.faults.hang(method, self.gate)

    def hangs(self) -> bool:
        """Tell whether it has been called."""
        return self.driver.pool.called().count(self.method) > self.before

    def open_of(self, noun: str) -> list[typing.Any]:
        """Return the open operations on the resources of a noun."""
        found = self.api.get(self.path('operations')).json['operations']
        return [one for one in found if one['resource_type'] == noun
                and one['state'] in db_operations.OPEN]

    def take_away(self, noun: str) -> str:
        """Take the operation away that hangs; return its resource's id."""
        self.until(self.hangs)
        one, = self.open_of(noun)
        with self.database.write() as tx:
            db_operations.free(tx, one['id'], {})
        return str(one['resource_id'])

    def take_over(self, noun: str) -> str:
        """Take it away, and wait until another has ended it."""
        id_ = self.take_away(noun)
        self.until(lambda: not self.open_of(noun))
        return id_

    def land(self) -> None:
        """Let the call take effect, and wait until that is mended."""
        self.assertEqual([], self.mendings())
        self.gate.set()
        self.until(lambda: bool(self.mendings()) and self.ended())
        self.assertEqual([db_operations.DONE],
                         [one.state for one in self.mendings()])

    def mendings(self) -> list[typing.Any]:
        """Return what was started for being late."""
        with self.database.read() as tx:
            found = tx.execute(rows.table(models.Operation).select())
            return [one for one in found if 'late' in one.arguments]

    def in_thread(self, call: typing.Callable[..., typing.Any],
                  *arguments: typing.Any) -> list[typing.Any]:
        """Have something done meanwhile; return where its answer will be."""
        answers: list[typing.Any] = []
        thread = threading.Thread(
            target=lambda: answers.append(call(*arguments)), daemon=True)
        thread.start()
        self.addCleanup(thread.join, 60)
        return answers


class AttachmentTest(LateTest):
    """Attachments end as their rows say."""

    def test_opened_after_it_was_deleted(self) -> None:
        self.hang('initialize_connection')
        answers = self.in_thread(
            self.api.post, self.path('attachments'), {'attachment': {
                'volume_uuid': self.volume_id, 'connector': CONNECTOR}})
        id_ = self.take_away('attachment')
        self.until(lambda: len(self.exports) == 1)
        answer = self.api.delete(self.path(f'attachments/{id_}'))
        self.assertEqual(200, answer.status, answer.text)
        self.assertEqual({}, self.exports)
        self.land()
        self.check_nothing()
        self.until(lambda: bool(answers))
        self.assertEqual(
            (409, 'blockstore.operation.cancelled'),
            (answers[0].status,
             answers[0].json['conflictingRequest']['error_code']))

    def test_opened_after_nobody_came(self) -> None:
        id_ = self.reserved()
        self.hang('initialize_connection')
        self.dying(self.attachments.update, id_, CONNECTOR, when='before')
        self.take_over('attachment')
        self.check_reserved(id_)
        self.land()
        self.check_reserved(id_)

    def test_opened_after_another_client_was(self) -> None:
        """The one who connected again keeps its connection."""
        id_ = self.reserved()
        self.hang('initialize_connection')
        self.dying(self.attachments.update, id_, CONNECTOR, when='before')
        self.take_over('attachment')
        row = self.attachments.update(self.context, id_, {'host': 'other'})
        opened = dict(self.exports)
        self.land()
        self.assertEqual(opened, self.exports)
        after, = self.rows()
        self.assertEqual(
            (row.connector, row.connection_info, 'attaching'),
            (after.connector, after.connection_info, after.attach_status))

    def test_closed_after_it_was_kept(self) -> None:
        id_ = self.attach(self.volume_id)['id']
        self.hang('terminate_connection')
        self.driver.faults.fail('terminate_connection')
        self.dying(self.attachments.delete, id_, when='before')
        self.take_over('attachment')
        self.assertEqual('attached', self.rows()[0].attach_status)
        self.land()
        self.assertEqual(1, len(self.exports))


class OlderCallsTest(LateTest):
    """Connections end as their clients have asked last."""

    def setUp(self) -> None:
        super().setUp()
        self.volumes = self.services.volumes

    def test_opened_after_it_was_closed(self) -> None:
        self.hang('initialize_connection')
        self.dying(self.volumes.initialize_connection, self.volume_id,
                   CONNECTOR, when='before')
        self.take_over('connection')
        self.until(lambda: not self.exports)
        self.land()
        self.assertEqual({}, self.exports)

    def check_closed_late(self, connector: typing.Any) -> None:
        """Let a client be cut off that has connected again."""
        self.volumes.initialize_connection(self.context, self.volume_id,
                                           CONNECTOR)
        self.volumes.attach(self.context, self.volume_id, '/dev/vdb', None,
                            CONNECTOR['host'])
        self.hang('terminate_connection')
        self.dying(self.volumes.terminate_connection, self.volume_id,
                   connector, when='before')
        self.take_over('connection')
        self.volumes.initialize_connection(self.context, self.volume_id,
                                           CONNECTOR)
        opened = dict(self.exports)
        self.assertEqual(1, len(opened))
        self.land()
        self.assertEqual(opened.keys(), self.exports.keys())

    def test_closed_after_it_was_opened_again(self) -> None:
        self.check_closed_late(CONNECTOR)

    def test_all_closed_after_one_was_opened_again(self) -> None:
        self.check_closed_late(None)


class ObjectTest(LateTest):
    """What is made after it was removed is removed again."""

    def contents(self) -> list[str]:
        """Return what is on the back end beside the volume of all tests."""
        return [name for name in self.driver.pool.contents
                if self.volume_id not in name]

    def check_volume(self, method: str, **fields: typing.Any) -> None:
        """Make a volume, delete it, and have it made late."""
        before = self.contents()
        self.hang(method)
        answer = self.api.post(self.path('volumes'), {
            'volume': {'size': 1, **fields}})
        self.assertEqual(202, answer.status, answer.text)
        id_ = self.take_over('volume')
        self.wait_status('volumes', id_, 'available')
        self.api.delete(self.path(f'volumes/{id_}'))
        self.wait_gone('volumes', id_)
        self.assertEqual(before, self.contents())
        self.land()
        self.assertEqual(before, self.contents())

    def test_volume(self) -> None:
        self.check_volume('create_volume')

    def test_clone(self) -> None:
        self.check_volume('create_cloned_volume', source_volid=self.volume_id)

    def test_volume_of_a_snapshot(self) -> None:
        snapshot = self.make_snapshot(self.volume_id)
        self.check_volume('create_volume_from_snapshot',
                          snapshot_id=snapshot['id'])

    def test_volume_that_is_kept(self) -> None:
        self.hang('create_volume')
        self.api.post(self.path('volumes'), {'volume': {'size': 1}})
        id_ = self.take_over('volume')
        self.land()
        self.assertEqual([f'volume-{id_}'], self.contents())
        self.assertEqual('available', self.show('volumes', id_)['status'])

    def test_snapshot(self) -> None:
        self.hang('create_snapshot')
        answer = self.api.post(self.path('snapshots'), {
            'snapshot': {'volume_id': self.volume_id}})
        self.assertEqual(202, answer.status, answer.text)
        id_ = self.take_over('snapshot')
        self.wait_status('snapshots', id_, 'available')
        self.api.delete(self.path(f'snapshots/{id_}'))
        self.wait_gone('snapshots', id_)
        self.land()
        self.assertEqual([], self.contents())

    def test_a_database_that_is_away_is_waited_for(self) -> None:
        """Nobody else knows what was late."""
        start, tries = mending.start, []

        def failing(*arguments: typing.Any) -> str:
            tries.append(arguments)
            if len(tries) < 3:
                raise db_exception.DBConnectionError
            return start(*arguments)

        self.patch(mending, 'start', failing)
        self.check_volume('create_volume')
        self.assertGreaterEqual(len(tries), 3)
