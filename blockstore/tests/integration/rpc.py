"""A volume service driven by RPC alone: no API, no scheduler, no database.

The client is the one of the documentation: nothing but oslo.messaging.
"""

import importlib.util
import os
import pathlib
import subprocess
import sys
import typing

import oslo_messaging
from oslo_utils import uuidutils

from blockstore import conf as blockstore_conf
from blockstore import errors
from blockstore.db import migration
from blockstore.rpc import transport
from blockstore.tests.integration import fleet
from blockstore.tests.integration import servers
from blockstore.tests.unit import rpc_base
from blockstore.volume import connections

EXAMPLE = (pathlib.Path(__file__).parents[3] / 'doc' / 'source'
           / 'contributor' / 'rpc_example.py')
CONFIGURATION = """
[DEFAULT]
transport_url = {}
[oslo_messaging_rabbit]
rabbit_quorum_queue = true
"""


class DrivenByRpcTest(servers.ServerTestCase, rpc_base.RpcTestCase):
    """Starts blockstore-volume, and nothing else."""

    server = servers.MARIADB

    def setUp(self) -> None:
        super().setUp()
        if not EXAMPLE.is_file():
            self.skipTest('installed without its documentation')
        missing = fleet.Fleet.missing()
        if missing:
            self.skipTest(missing)
        migration.sync(self.database)
        self.fleet = self.useFixture(fleet.Fleet(
            self.database.engine.url.render_as_string(hide_password=False)))
        self.fleet.add('volume')
        self.fleet.start()
        self.host = f'{self.fleet.host()}@qsd'
        spec = importlib.util.spec_from_file_location('example', EXAMPLE)
        assert spec is not None and spec.loader is not None
        self.example: typing.Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.example)
        self.config.config(group='service', host=self.fleet.host(),
                           state_path=str(self.fleet.directory))
        opened = transport.get_transport(
            blockstore_conf.CONF, self.fleet.transport_url)
        # As for a service without our package: no class of ours is known.
        opened._driver._allowed_remote_exmods = []
        self.addCleanup(opened.cleanup)
        self.volumes = self.example.Volumes(opened, self.host)

    def show(self, noun: str, id_: str) -> typing.Any:
        """Return a volume or a snapshot."""
        return self.example.data(self.volumes.call(
            f'get_{noun}', **{f'{noun}_id': id_}))

    def refused(self, method: str, **arguments: typing.Any) -> str:
        """Return the code of a refusal."""
        error = self.assertRaises(oslo_messaging.RemoteError,
                                  self.volumes.call, method, **arguments)
        code: str = self.example.refusal(error)[0]
        return code

    def opened(self, method: str, writable: bool, **arguments: typing.Any,
               ) -> typing.Any:
        """Connect as a client of the volume or snapshot would."""
        connection = connections.open_connection(self.volumes.call(
            method, version='1.0', connector={'host': 'client'},
            **arguments), writable=writable)
        self.addCleanup(connection.close)
        return connection

    def test_a_life(self) -> None:
        key = uuidutils.generate_uuid()
        first, again = (self.volumes.call(
            'create_volume', size=1, name='by rpc', operation_id=key)
            for _ in range(2))
        self.assertEqual(first['volume']['blockstore_object.data']['id'],
                         again['volume']['blockstore_object.data']['id'])
        operation = self.example.data(again['operation'])
        while operation['state'] in ('pending', 'running'):
            operation = self.example.data(self.volumes.call(
                'wait_operation', operation_id=key))
        volume_id = operation['resource_id']
        volume = self.show('volume', volume_id)
        self.assertEqual(('available', 'by rpc', f'{self.host}#qsd'),
                         (volume['status'], volume['name'], volume['host']))
        pattern = os.urandom(65536)
        written = self.opened('initialize_connection', True,
                              volume_id=volume_id)
        written.write(4096, pattern)
        written.flush()
        snapshot_id = self.example.data(self.volumes.finish(
            'create_snapshot', volume_id=volume_id)['snapshot'])['id']
        written.write(4096, bytes(len(pattern)))
        read = bytearray(len(pattern))
        self.opened('initialize_connection_snapshot', False,
                    snapshot_id=snapshot_id).read_into(
                        4096, memoryview(read))
        self.assertEqual(pattern, bytes(read))
        self.volumes.call('terminate_connection_snapshot', version='1.0',
                          snapshot_id=snapshot_id, connector=None)
        self.volumes.call('terminate_connection', version='1.0',
                          volume_id=volume_id, connector={'host': 'client'})
        self.assertEqual(errors.VOLUME_HAS_SNAPSHOTS, self.refused(
            'delete_volume', volume_id=volume_id))
        self.assertEqual(errors.REQUEST_INVALID, self.refused(
            'extend_volume', volume_id=volume_id, new_size='much'))
        self.volumes.finish('delete_snapshot', snapshot_id=snapshot_id)
        self.volumes.finish('delete_volume', volume_id=volume_id)
        self.assertEqual(errors.NOT_FOUND, self.refused(
            'get_volume', volume_id=volume_id))
        self.assertEqual([], list(self.fleet.images().glob('*.qcow2')))

    def test_attaching(self) -> None:
        volume_id = self.example.data(self.volumes.finish(
            'create_volume', size=1)['volume'])['id']
        server = uuidutils.generate_uuid()

        def call(method: str, **arguments: typing.Any) -> typing.Any:
            answer = self.volumes.call(method, version='1.2', **arguments)
            return None if answer is None else self.example.data(answer)

        made = call('create_attachment', volume_id=volume_id,
                    instance_uuid=server)
        way = call('update_attachment', attachment_id=made['id'],
                   connector={'host': 'client'})['connection_info']
        call('complete_attachment', attachment_id=made['id'])
        connection = connections.open_connection(way, writable=True)
        connection.write(0, b'x' * 4096)
        connection.flush()
        connection.close()
        self.assertEqual(
            ('in-use', [made['id']]),
            tuple(self.show('volume', volume_id)[name]
                  for name in ('status', 'attachments')))
        for _ in range(2):
            self.assertIsNone(call('delete_attachment',
                                   attachment_id=made['id']))
        self.assertEqual('available', self.show('volume', volume_id)[
            'status'])
        self.volumes.finish('delete_volume', volume_id=volume_id)

    def test_the_example_of_the_documentation(self) -> None:
        file = self.fleet.directory / 'my.conf'
        file.write_text(CONFIGURATION.format(self.fleet.transport_url))
        done = subprocess.run(
            [sys.executable, str(EXAMPLE), str(file), self.host],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=300)
        self.assertEqual(0, done.returncode, done.stderr)
        made, gone = done.stdout.splitlines()
        self.assertEqual('available', made.split()[1])
        self.assertIn(errors.NOT_FOUND, gone)
