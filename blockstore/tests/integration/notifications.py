"""Notifications through a real RabbitMQ, as a consumer gets them."""

import json
import time
import types

import kombu
from oslo_utils import uuidutils

from blockstore import context as contexts
from blockstore.db import engine
from blockstore.db import migration
from blockstore.db import models
from blockstore.db import rows
from blockstore.lifecycle import events
from blockstore.notifications import publisher
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

    def test_a_consumer_gets_it(self) -> None:
        database = engine.Database('sqlite://')
        self.addCleanup(database.dispose)
        migration.sync(database)
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
