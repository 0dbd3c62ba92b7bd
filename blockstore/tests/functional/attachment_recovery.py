"""Attaching and detaching when those who wait for it, or do it, are gone."""

import contextlib
import threading
import time
import typing

import fixtures

from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import attachments as db_attachments
from blockstore.db import models
from blockstore.db import operations as db_operations
from blockstore.db import rows
from blockstore.services import answers
from blockstore.services import attachments
from blockstore.services import volume_connections
from blockstore.tests.functional import base

CONNECTOR = {'host': 'client'}


class Died(BaseException):
    """Raised where a process would end."""


class RecoveryTest(base.FunctionalTest):
    """An API that dies while it attaches or detaches."""

    def setUp(self) -> None:
        super().setUp()
        self.context = RequestContext(
            user_id='admin', project_id=self.project, is_admin=True)
        self.attachments = self.services.attachments
        self.volume_id = str(self.make_volume(1)['id'])

    def dying(self, call: typing.Callable[..., typing.Any],
              *arguments: typing.Any, when: str) -> None:
        """Let a use case end before or after the volume service is called."""
        client = self.attachments.clients.volume
        run = client.run_operation

        def die(*asked: typing.Any) -> None:
            if when == 'after':
                run(*asked)
            raise Died

        with fixtures.MonkeyPatch(
                'blockstore.rpc.volume.VolumeClient.run_operation',
                lambda _, *asked: die(*asked)):
            self.assertRaises(Died, call, self.context, *arguments)

    def until(self, condition: typing.Callable[[], bool]) -> None:
        """Wait until something is so."""
        limit = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), limit, 'waited in vain')
            time.sleep(0.02)

    def rows(self) -> list[typing.Any]:
        """Return the volume's attachments."""
        with self.database.read() as tx:
            return list(db_attachments.of_volume(tx, self.volume_id))

    def ended(self) -> bool:
        """Tell whether no operation is open."""
        found = self.api.get(self.path('operations')).json['operations']
        return all(one['state'] not in db_operations.OPEN for one in found)

    def reserved(self) -> str:
        """Promise the volume; return the attachment's id."""
        return str(self.attachments.create(
            self.context, self.volume_id, None).id)

    def check_nothing(self) -> None:
        """Wait until nothing is attached, and no way in is open."""
        self.until(lambda: not self.rows() and self.ended())
        self.assertEqual([], list(self.driver.pool.exports))
        self.assertEqual('available',
                         self.show('volumes', self.volume_id)['status'])

    def check_reserved(self, id_: str) -> None:
        """Wait until an attachment is as before it was connected."""
        self.until(lambda: not self.driver.pool.exports and self.ended())
        row, = self.rows()
        self.assertEqual(
            (id_, 'reserved', None, None),
            (row.id, row.attach_status, row.connector, row.connection_info))
        self.assertEqual('reserved',
                         self.show('volumes', self.volume_id)['status'])


class LostCallerTest(RecoveryTest):
    """What nobody comes for is closed again; what goes, goes."""

    def test_create(self) -> None:
        for when in ('before', 'after'):
            self.dying(self.attachments.create, self.volume_id, None,
                       CONNECTOR, when=when)
            self.check_nothing()
        found = self.api.get(self.path(
            'operations?kind=attachment.connect')).json['operations']
        self.assertEqual(
            [('failed', 'blockstore.connection.not_fetched')] * 2,
            [(one['state'], one['error']['code']) for one in found])

    def test_update(self) -> None:
        id_ = self.reserved()
        for when in ('before', 'after'):
            self.dying(self.attachments.update, id_, CONNECTOR, when=when)
            self.check_reserved(id_)
        self.attachments.update(self.context, id_, CONNECTOR)
        self.assertEqual(1, len(self.driver.pool.exports))

    def test_update_of_one_that_is_connected(self) -> None:
        """A client that asks again must not lose what it has."""
        id_ = self.attach(self.volume_id)['id']
        self.dying(self.attachments.update, id_, {'host': 'other'},
                   when='after')
        self.until(self.ended)
        row, = self.rows()
        self.assertEqual(('attached', CONNECTOR),
                         (row.attach_status, row.connector))
        self.assertEqual(1, len(self.driver.pool.exports))

    def test_delete(self) -> None:
        for when in ('before', 'after'):
            id_ = self.attach(self.volume_id)['id']
            self.dying(self.attachments.delete, id_, when=when)
            self.check_nothing()

    def test_a_caller_that_gives_up_just_when_it_is_opened(self) -> None:
        run = self.attachments._immediate.run

        def late(*asked: typing.Any) -> None:
            run(*asked)
            raise exceptions.Unavailable('no answer in time')

        with fixtures.MonkeyPatch(
                'blockstore.services.immediate.Immediate.run',
                lambda _, *asked: late(*asked)):
            self.assertRaises(
                exceptions.Unavailable, self.attachments.create, self.context,
                self.volume_id, None, CONNECTOR)
        self.check_nothing()

    def test_deleted_before_it_is_undone(self) -> None:
        """Nobody waits for the lease of somebody who is gone."""
        self.dying(self.attachments.create, self.volume_id, None, CONNECTOR,
                   when='after')
        row, = self.rows()
        self.attachments.delete(self.context, row.id)
        self.check_nothing()

    def test_connected_again_at_once(self) -> None:
        """The one who asks again waits, and is served."""
        id_ = self.reserved()
        self.dying(self.attachments.update, id_, CONNECTOR, when='after')
        row = self.attachments.update(self.context, id_, CONNECTOR)
        self.assertEqual('attaching', row.attach_status)
        self.until(self.ended)
        self.assertEqual(1, len(self.driver.pool.exports))

    def test_nobody_is_waited_for_afterwards(self) -> None:
        """The thread that keeps answers ends when nobody waits."""
        self.attachments.create(self.context, self.volume_id, None, CONNECTOR)
        self.until(lambda: not any(
            one.name == 'answer-keeper' for one in threading.enumerate()))


class SlowCallerTest(RecoveryTest):
    """An API that is alive, and slower than the lease."""

    LEASE = 10.0
    OPTIONS: typing.ClassVar[dict[tuple[str, str], typing.Any]] = {
        ('operations', 'poll_interval'): 0.05,
        ('operations', 'lease'): LEASE}

    def slow(self, wait: typing.Callable[[], object]) -> None:
        """Let callers wait before they come for what was opened."""
        for noun in (attachments.Attachments,
                     volume_connections.VolumeConnections):
            within = noun._fetch

            def outside(*arguments: typing.Any,
                        within: typing.Any = within) -> typing.Any:
                wait()
                return within(*arguments)

            self.patch(noun, '_fetch', outside)

    def outlast(self) -> None:
        """Wait until the lease would have ended that was left first."""
        def ends() -> float:
            with self.database.read() as tx:
                found = tx.execute(rows.table(models.Operation).select())
                one, = (one for one in found
                        if one.state in db_operations.OPEN)
            return float(one.lease_expires_at.timestamp())

        first = ends()
        self.until(lambda: ends() > first + self.LEASE)

    def ask(self) -> typing.Any:
        """Ask for an attachment by the API."""
        return self.api.post(self.path('attachments'), {'attachment': {
            'volume_uuid': self.volume_id, 'connector': CONNECTOR}})

    def connect(self, id_: str) -> typing.Any:
        """Connect an attachment by the API."""
        return self.api.put(self.path(f'attachments/{id_}'), {
            'attachment': {'connector': CONNECTOR}})

    def open(self) -> typing.Any:
        """Open a connection by the older call."""
        return self.api.post(self.path(f'volumes/{self.volume_id}/action'), {
            'os-initialize_connection': {'connector': CONNECTOR}})

    def check_opened(self, answer: typing.Any) -> None:
        """Check that the caller got what it asked for."""
        self.assertEqual(200, answer.status, answer.text)
        self.assertTrue(self.ended())
        self.assertEqual(1, len(self.driver.pool.exports))

    def test_created(self) -> None:
        self.slow(self.outlast)
        self.check_opened(self.ask())

    def test_updated(self) -> None:
        self.slow(self.outlast)
        self.check_opened(self.connect(self.reserved()))

    def test_opened(self) -> None:
        self.slow(self.outlast)
        self.check_opened(self.open())


class TooLateTest(SlowCallerTest):
    """An API that comes when all is over; it has kept nothing."""

    LEASE = 2.0
    OPTIONS: typing.ClassVar[dict[tuple[str, str], typing.Any]] = {
        **SlowCallerTest.OPTIONS, ('operations', 'lease'): LEASE}

    def setUp(self) -> None:
        super().setUp()
        self.patch(answers.Answers, 'awaited',
                   lambda *_: contextlib.nullcontext())

    def outlast(self) -> None:
        """Wait until it is closed again."""
        self.until(self.ended)

    def check_opened(self, answer: typing.Any) -> None:
        """Check that the caller is told what to do, and nothing is left."""
        self.assertEqual(503, answer.status, answer.text)
        told = answer.json['serviceUnavailable']
        self.assertEqual('blockstore.connection.not_fetched',
                         told['error_code'])
        self.assertEqual('connect it again', told['remedy'])
        self.assertGreater(int(answer.headers['Retry-After']), 0)
        self.until(lambda: self.ended() and not self.driver.pool.exports)


class OlderCallsTest(RecoveryTest):
    """os-initialize_connection and os-terminate_connection."""

    def setUp(self) -> None:
        super().setUp()
        self.volumes = self.services.volumes

    def check_closed(self) -> None:
        """Wait until no way in is open."""
        self.until(lambda: not self.driver.pool.exports and self.ended())

    def test_open(self) -> None:
        for when in ('before', 'after'):
            self.dying(self.volumes.initialize_connection, self.volume_id,
                       CONNECTOR, when=when)
            self.check_closed()

    def test_opened_again(self) -> None:
        """A client that asks again must not lose what it has."""
        self.volumes.initialize_connection(self.context, self.volume_id,
                                           CONNECTOR)
        self.dying(self.volumes.initialize_connection, self.volume_id,
                   CONNECTOR, when='after')
        self.until(self.ended)
        self.assertEqual(1, len(self.driver.pool.exports))

    def test_close(self) -> None:
        for when in ('before', 'after'):
            self.volumes.initialize_connection(
                self.context, self.volume_id, CONNECTOR)
            self.dying(self.volumes.terminate_connection, self.volume_id,
                       CONNECTOR, when=when)
            self.check_closed()

    def test_detached_without_being_closed(self) -> None:
        self.volumes.initialize_connection(self.context, self.volume_id,
                                           CONNECTOR)
        self.volumes.attach(self.context, self.volume_id, '/dev/vdb', None,
                            'client')
        self.volumes.detach(self.context, self.volume_id)
        self.check_closed()


class NoServiceTest(RecoveryTest):
    """A volume service that is away."""

    def stop_volume(self) -> None:
        """Stop the volume service."""
        self.volume_manager.stop(time.monotonic() + 30)

    def start_volume(self) -> None:
        """Start it again."""
        manager = base.VolumeManager(
            base.CONF, self.database, self.transport, 'memory')
        self.addCleanup(lambda: manager.stop(time.monotonic() + 10))
        manager.start()

    def test_create(self) -> None:
        self.stop_volume()
        answer = self.api.post(self.path('attachments'), {'attachment': {
            'volume_uuid': self.volume_id, 'connector': CONNECTOR}})
        self.assertEqual(503, answer.status, answer.text)
        self.check_nothing()

    def test_update(self) -> None:
        id_ = self.reserved()
        self.stop_volume()
        answer = self.api.put(self.path(f'attachments/{id_}'), {
            'attachment': {'connector': CONNECTOR}})
        self.assertEqual(503, answer.status, answer.text)
        self.check_reserved(id_)

    def test_delete(self) -> None:
        """It is done when the service is back, without being asked again."""
        id_ = self.attach(self.volume_id)['id']
        self.stop_volume()
        answer = self.api.delete(self.path(f'attachments/{id_}'))
        self.assertEqual(503, answer.status, answer.text)
        self.assertIn('operation ',
                      answer.json['serviceUnavailable']['blockers'][0])
        self.assertEqual('detaching', self.rows()[0].attach_status)
        self.start_volume()
        self.check_nothing()
