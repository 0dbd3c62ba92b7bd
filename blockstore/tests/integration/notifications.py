"""Notifications through a real RabbitMQ, as a consumer gets them."""

import json
import time
import types
from unittest import mock

import kombu
from oslo_db import exception as db_exception
from oslo_utils import uuidutils
import sqlalchemy as sa

from blockstore import conf as conf_module
from blockstore import context as contexts
from blockstore.db import engine
from blockstore.db import migration
from blockstore.db import models
from blockstore.db import rows
from blockstore.lifecycle import events
from blockstore.notifications import backlog
from blockstore.notifications import publisher
from blockstore.notifications.told import Told
from blockstore.tests.integration import servers
from blockstore.tests.integration import test_rpc_rabbit


class NotificationsTest(test_rpc_rabbit.RabbitTestCase):
    """Listens on a queue of this test alone."""

    def setUp(self) -> None:
        super().setUp()
        self.topic = f'notifications-{uuidutils.generate_uuid()}'
        publisher._drivers(self.conf)
        self.config.config(group=publisher.GROUP, driver=['messagingv2'],
                           transport_url=test_rpc_rabbit.URL,
                           topics=[self.topic])
        self.addCleanup(self._delete_queue)

    def _delete_queue(self) -> None:
        with kombu.Connection(self._broker()) as broker:
            broker.default_channel.queue_delete(f'{self.topic}.info')

    @staticmethod
    def _broker() -> str:
        return test_rpc_rabbit.URL.replace('rabbit:', 'amqp:')

    def consume(self) -> types.SimpleNamespace:
        """Wait for one message of the queue ``.info`` and take it."""
        with kombu.Connection(self._broker()) as broker:
            limit = time.monotonic() + 60
            while time.monotonic() < limit:
                try:
                    got = broker.default_channel.basic_get(
                        f'{self.topic}.info', no_ack=True)
                except broker.channel_errors:
                    broker.close()  # the queue is not there yet
                    got = None
                if got is not None:
                    return types.SimpleNamespace(**json.loads(
                        json.loads(got.body)['oslo.message']))
                time.sleep(0.05)
        raise AssertionError('no notification came')

    def database(self) -> engine.Database:
        """Return a database of this test alone."""
        made = engine.Database('sqlite://')
        self.addCleanup(made.dispose)
        migration.sync(made)
        return made

    def test_what_was_left_comes_once_and_is_forgotten(self) -> None:
        database = self.database()
        left = Told('volume.create.end', 'volume.x', False,
                    contexts.for_service(), {'volume_id': 'v'})
        dead = backlog.Backlog(self.conf, database, self.fail)
        with database.write() as tx:
            dead.write(tx, [left])
            tx.execute(sa.text('UPDATE notifications '
                               'SET held_until = created_at'))
        living = publisher.Publisher(self.conf)
        living.remember(database)
        living.start()
        message = self.consume()
        self.assertEqual((left.id, str(left.at), 'volume.x'), (
            message.message_id, message.timestamp, message.publisher_id))
        living.stop(time.monotonic() + 60)
        with database.read() as tx:
            self.assertEqual([], tx.execute(sa.text(
                'SELECT id FROM notifications')).all())

    def test_what_the_broker_refuses_stays(self) -> None:
        database = self.database()
        told = publisher.Publisher(self.conf)
        told.remember(database)
        told._notifiers()[0].transport._driver.send_notification = (
            mock.Mock(side_effect=OSError('refused')))
        with database.write() as tx:
            rows.insert(tx, models.Volume, id='v', project_id='p', size=3,
                        status='available', host='node1@fast#pool')
            told.tell(tx, events.Event('volume.create.end', 'volume', 'v',
                                       contexts.for_service()))
        told.stop(time.monotonic() + 60)
        with database.read() as tx:
            self.assertEqual(1, len(tx.execute(sa.text(
                'SELECT id FROM notifications')).all()))

    def test_a_consumer_gets_it(self) -> None:
        database = self.database()
        told = publisher.Publisher(self.conf)
        context = contexts.RequestContext(
            user_id='u', project_id='p', auth_token='secret',
            overwrite=False)
        with database.write() as tx:
            rows.insert(tx, models.Volume, id='v', project_id='p', size=3,
                        status='available', host='node1@fast#pool')
            told.tell(tx, events.Event(
                'volume.create.end', 'volume', 'v', context))
        message = self.consume()
        self.assertEqual(('volume.create.end', 'volume.node1@fast', 'INFO'),
                         (message.event_type, message.publisher_id,
                          message.priority))
        self.assertEqual(('v', 'p', 3), tuple(
            message.payload[name]
            for name in ('volume_id', 'tenant_id', 'size')))
        self.assertEqual(context.request_id,
                         vars(message)['_context_request_id'])
        self.assertNotIn('secret', repr(message))
        told.stop(time.monotonic() + 30)


class BacklogMixin:
    """A backlog over a real server, whose clock says what is held."""

    def setUp(self):
        super().setUp()
        conf_module.register(conf_module.CONF)
        migration.sync(self.database)
        self.sent = []

    def backlog(self):
        """Return a backlog of a process of its own."""
        return backlog.Backlog(conf_module.CONF, self.database,
                               lambda told: self.sent.append(told.id))

    def test_what_is_held_and_what_is_left(self):
        told = [Told('volume.create.end', 'volume.x', False,
                     contexts.for_service(), {'volume_id': str(number)})
                for number in range(3)]
        with self.database.write() as tx:
            self.backlog().write(tx, told)
        self.backlog().look()
        self.assertEqual([], self.sent)
        with self.database.write() as tx:
            tx.execute(sa.text('UPDATE notifications '
                               'SET held_until = created_at'))
        for one in (self.backlog(), self.backlog()):
            one.look()
        self.assertEqual([one.id for one in told], self.sent)

    def test_what_fails_aside_spoils_nothing(self):
        with self.database.write() as tx:
            rows.insert(tx, models.Volume, id='v', project_id='p', size=3,
                        status='available')
            try:
                with tx.aside():
                    tx.execute(sa.text('SELECT nothing FROM nowhere'))
            except (db_exception.DBError, sa.exc.DBAPIError):
                pass
        with self.database.read() as tx:
            self.assertIsNotNone(rows.get(tx, models.Volume, 'v'))


class MariaDBBacklogTest(BacklogMixin, servers.ServerTestCase):

    server = servers.MARIADB


class PostgreSQLBacklogTest(BacklogMixin, servers.ServerTestCase):

    server = servers.POSTGRESQL
