"""RPC over a real RabbitMQ: the same promises as within the process.

The broker is at ``BLOCKSTORE_TEST_RABBIT_URL``, or on this host with the
account that a fresh RabbitMQ has.
"""

import os
import socket
import time
from typing import Any

import fixtures
import kombu
import oslo_messaging
from oslo_utils import uuidutils

from blockstore import errors
from blockstore import exceptions
from blockstore.db import engine
from blockstore.db import migration
from blockstore.db import services
from blockstore.rpc import clients
from blockstore.rpc import server
from blockstore.rpc import topics
from blockstore.rpc import volume
from blockstore.rpc.methods import volume as methods
from blockstore.tests.unit import rpc_base
from blockstore.tests.unit import test_rpc_errors
from blockstore.tests.unit import test_rpc_local

URL = os.environ.get('BLOCKSTORE_TEST_RABBIT_URL',
                     'rabbit://guest:guest@127.0.0.1:5672/')


class RabbitTestCase(rpc_base.RpcTestCase):
    """An exchange of its own, and queues that vanish after the test."""

    def setUp(self) -> None:
        super().setUp()
        broker = oslo_messaging.TransportURL.parse(self.conf, URL).hosts[0]
        try:
            socket.create_connection(
                (broker.hostname, broker.port or 5672), 2).close()
        except OSError as error:
            self.skipTest(f'no RabbitMQ at {broker.hostname}: {error}')
        self.host = f'test@{uuidutils.generate_uuid()}'
        # Reply queues are named by the host: none is shared with a test that
        # runs in another process at the same time.
        self.config.config(group='service', host=self.host,
                           state_path=self.useFixture(
                               fixtures.TempDir()).path)
        self.config.config(control_exchange='blockstore-test')
        self.transport = self.open(URL)
        self.addCleanup(self._delete_queues)
        self.queues: list[str] = []

    def serve_here(self, topic: str, endpoint: Any, host: str) -> Any:
        self.queues += [topic, f'{topic}.{host}']
        return self.serve(self.transport, topic, endpoint, host=host)

    def _delete_queues(self) -> None:
        with kombu.Connection(URL.replace('rabbit:', 'amqp:')) as broker:
            channel = broker.default_channel
            for name in self.queues:
                channel.queue_delete(name)
            for topic in self.queues[::2]:
                channel.queue_delete(f'{topic}_fanout')
                channel.exchange_delete(f'{topic}_fanout')
            channel.exchange_delete('blockstore-test')


class RabbitErrorsTest(test_rpc_errors.ErrorsMixin, RabbitTestCase):

    def setUp(self) -> None:
        super().setUp()
        self.serve_here(topics.volume(self.host), rpc_base.VolumeEndpoint(),
                        'node1')
        self.client = volume.VolumeClient(self.transport, self.conf)


class NewEndpoint(rpc_base.VolumeEndpoint):
    """The same service, a release later."""

    target = oslo_messaging.Target(version='1.1')
    METHODS = methods.METHODS

    def get_volume(self, ctxt: Any, volume_id: str) -> Any:
        return {'id': volume_id}


class SlowEndpoint(rpc_base.VolumeEndpoint):
    """A service whose back end takes its time."""

    def get_extents(self, *_: Any, **__: Any) -> list[list[Any]]:
        time.sleep(5)
        return [[0, 1, True]]


class RabbitVersionsTest(RabbitTestCase):
    """Old and new daemons side by side."""

    def setUp(self) -> None:
        super().setUp()
        self.topic = topics.volume(self.host)
        self.database = engine.Database('sqlite://')
        self.addCleanup(self.database.dispose)
        migration.sync(self.database)
        self.client = clients.Clients(
            self.transport, self.conf, self.database).volume

    def report(self, host: str, version: str | None) -> None:
        with self.database.write() as tx:
            services.report(tx, host, services.VOLUME, topic=self.topic,
                            rpc_version=version)

    def ask(self) -> Any:
        return self.client.call(
            self.context, self.topic, 'get_volume', timeout=60,
            volume_id='11111111-2222-3333-4444-555555555555')

    def test_new_client_and_old_service(self) -> None:
        self.serve_here(self.topic, rpc_base.VolumeEndpoint(), 'node1')
        # Nobody has told the client: the service itself refuses.
        error = self.assertRaises(exceptions.Unavailable, self.ask)
        self.assertEqual(errors.RPC_VERSION, error.code)
        self.assertIn('get_volume', error.message)
        self.assertIn('upgrade', error.remedy)
        self.assertEqual('1.0', self.client.version(self.context,
                                                    self.topic))
        self.assertEqual(
            {'capabilities': ['Reverts']},
            self.client.get_capabilities(self.context, self.host))

    def test_old_client_and_new_service(self) -> None:
        self.serve_here(self.topic, NewEndpoint(), 'node1')
        old = oslo_messaging.get_rpc_client(
            self.transport, oslo_messaging.Target(version='1.0'),
            version_cap='1.0')
        self.assertEqual({'capabilities': ['Reverts']}, old.prepare(
            topic=self.topic, timeout=60).call({}, 'get_capabilities'))

    def test_both_on_one_topic(self) -> None:
        old, new = rpc_base.VolumeEndpoint(), NewEndpoint()
        self.serve_here(self.topic, old, 'old')
        self.serve_here(self.topic, new, 'new')
        self.report('old', None)
        self.report('new', '1.1')
        error = self.assertRaises(exceptions.Unavailable, self.ask)
        self.assertEqual(errors.RPC_VERSION, error.code)
        self.assertIn('1.0', error.message)
        volume_id = '11111111-2222-3333-4444-555555555555'
        for _ in range(4):
            self.client.initialize_connection(
                self.context, self.host, volume_id, {'host': 'h'})
        self.assertTrue(old.seen and new.seen, 'both have answered')
        self.report('old', '1.1')
        self.client._pins.forget(self.topic)
        self.assertTrue(self.client.can_send(self.topic, 'get_volume'))


class RabbitTransportTest(RabbitTestCase):

    def test_call_answers(self) -> None:
        endpoint = rpc_base.VolumeEndpoint()
        self.serve_here(topics.volume(self.host), endpoint, 'node1')
        client = volume.VolumeClient(self.transport, self.conf)
        info = client.initialize_connection(
            self.context, self.host, 'v', {'host': 'h'})
        self.assertEqual({'host': 'h', 'changed': True}, info['data'])
        self.assertEqual([('p', 'v')], endpoint.seen)

    def test_doorbell_rings_once(self) -> None:
        first, second = test_rpc_local.Recorder(), test_rpc_local.Recorder()
        topic = topics.volume(self.host)
        self.serve_here(topic, first, 'a')
        self.serve_here(topic, second, 'b')
        client = volume.VolumeClient(self.transport, self.conf)
        for number in range(6):
            client.operation_due(self.context, self.host, str(number))
        deadline = time.monotonic() + 10
        while (len(first.seen) + len(second.seen) < 6
               and time.monotonic() < deadline):
            time.sleep(0.01)
        self.assertEqual(list('012345'), sorted(first.seen + second.seen))
        self.assertTrue(first.seen and second.seen, 'they take turns')

    def test_server_and_fanout(self) -> None:
        first, second = test_rpc_local.Recorder(), test_rpc_local.Recorder()
        topic = topics.volume(self.host)
        self.serve_here(topic, first, 'a')
        self.serve_here(topic, second, 'b')
        raw = oslo_messaging.get_rpc_client(self.transport,
                                            test_rpc_local.TARGET)
        raw.prepare(topic=topic, server='b').call(
            {}, 'operation_due', operation_id='to b')
        raw.prepare(topic=topic, fanout=True).cast(
            {}, 'operation_due', operation_id='to all')
        self.assertTrue(first.wait(1) and second.wait(2))
        self.assertEqual(['to all'], first.seen)
        self.assertEqual(['to b', 'to all'], second.seen)

    def test_nobody_answers(self) -> None:
        self.config.config(group='rpc', call_timeout=1)
        client = volume.VolumeClient(self.transport, self.conf)
        self.assertRaises(exceptions.Unavailable, client.get_capabilities,
                          self.context, 'gone@nowhere')

    def test_a_service_that_died_is_not_waited_for(self) -> None:
        self.config.config(group='rpc', long_call_timeout=300,
                           silence_timeout=2)
        client = volume.VolumeClient(self.transport, self.conf)
        began = time.monotonic()
        self.assertRaises(exceptions.Unavailable, client.get_extents,
                          self.context, 'gone@nowhere', 's', None, 0, 1)
        self.assertLess(time.monotonic() - began, 150)

    def test_a_service_that_works_is_waited_for(self) -> None:
        self.config.config(group='rpc', silence_timeout=2)
        self.serve_here(topics.volume(self.host), SlowEndpoint(), 'node1')
        client = volume.VolumeClient(self.transport, self.conf)
        self.assertEqual([(0, 1, True)], client.get_extents(
            self.context, self.host, 's', None, 0, 1))

    def test_servers_stop_side_by_side(self) -> None:
        listening = server.Server(self.transport, self.conf)
        for number in range(5):
            topic = topics.volume(f'{self.host}-{number}')
            self.queues += [topic, f'{topic}.a']
            listening.add(topic, test_rpc_local.Recorder(), host='a')
        listening.start()
        began = time.monotonic()
        listening.stop(began + 120)
        # One after the other they take a second each.
        self.assertLess(time.monotonic() - began, 60)

    def test_defaults_are_for_production(self) -> None:
        rabbit = self.conf.oslo_messaging_rabbit
        self.assertTrue(rabbit.rabbit_quorum_queue)
        self.assertTrue(rabbit.use_queue_manager)
        self.assertTrue(rabbit.rabbit_stream_fanout)
        self.assertEqual(10, rabbit.rabbit_qos_prefetch_count)
