"""What the RPC tests of every transport share."""

import os
from typing import Any

from oslo_config import fixture as config_fixture
import oslo_messaging
from oslotest import base

from blockstore import conf as blockstore_conf
from blockstore import context
from blockstore import errors
from blockstore import exceptions
from blockstore.rpc import server
from blockstore.rpc import transport


class PrivateDriverError(exceptions.VolumeBackendAPIException):
    """An exception that the client's side does not know."""

    def __init__(self, chain: str) -> None:
        super().__init__(f'chain {chain} is broken', remedy='repair it')


class VolumeEndpoint:
    """A volume service that does what the test asks for."""

    target = oslo_messaging.Target(version='1.0')

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def operation_due(self, ctxt: Any, operation_id: str) -> None:
        self.seen.append((ctxt.request_id, operation_id))

    def initialize_connection(self, ctxt: Any, volume_id: str,
                              connector: dict[str, Any]) -> dict[str, Any]:
        self.seen.append((ctxt.project_id, volume_id))
        connector['changed'] = True
        return {'driver_volume_type': 'nbd', 'data': connector}

    def terminate_connection(self, ctxt: Any, volume_id: str,
                             connector: Any, force: bool) -> None:
        if volume_id == 'busy':
            raise exceptions.VolumeIsBusy(
                'volume busy is in use', code=errors.VOLUME_ATTACHED,
                blockers=['attachment a', 'attachment b'],
                remedy='detach it')
        if volume_id == 'private':
            raise PrivateDriverError('c1')
        raise KeyError('a bug')

    def get_extents(self, ctxt: Any, snapshot_id: str, base_snapshot_id: Any,
                    offset: int, length: int) -> list[list[Any]]:
        return [[offset, 10, False], [offset + 10, length - 10, True]]

    def get_capabilities(self, ctxt: Any) -> dict[str, Any]:
        return {'capabilities': ['Reverts']}


class RpcTestCase(base.BaseTestCase):
    """A transport on the global configuration, and servers that end."""

    def setUp(self) -> None:
        super().setUp()
        self.conf = blockstore_conf.CONF
        self.config = self.useFixture(config_fixture.Config(self.conf))
        blockstore_conf.register(self.conf)
        # Programs of one name on one host share what names reply queues:
        # tests that run at the same time must not.
        self.conf([], project='blockstore', prog=f'test-{os.getpid()}',
                  default_config_files=[])
        self.config.config(group='service', host='node1')
        self.context = context.RequestContext(user_id='u', project_id='p')

    def open(self, url: str) -> Any:
        opened = transport.get_transport(self.conf, url)
        self.addCleanup(opened.cleanup)
        return opened

    def serve(self, opened: Any, topic: str, *endpoints: Any,
              host: str | None = None) -> server.Server:
        listening = server.Server(opened, self.conf)
        listening.add(topic, *endpoints, host=host)
        listening.start()
        self.addCleanup(listening.stop, float('inf'))
        return listening
