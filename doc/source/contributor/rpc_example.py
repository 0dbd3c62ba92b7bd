"""Make a volume on one back end by RPC, and remove it again.

    python rpc_example.py my.conf node1@fast

``my.conf`` has ``transport_url`` and, as the daemons have it,
``[oslo_messaging_rabbit] rabbit_quorum_queue = true``.
"""

import json
import sys
import uuid

from oslo_config import cfg
import oslo_messaging

CONTEXT = {'project_id': '0123456789abcdef0123456789abcdef',
           'user_id': 'my-service', 'request_id': f'req-{uuid.uuid4()}'}


def data(answer):
    """Return the fields of a versioned object."""
    return answer['blockstore_object.data']


class Volumes:
    """The volume service of one back end."""

    def __init__(self, transport, host):
        self._client = oslo_messaging.get_rpc_client(
            transport, oslo_messaging.Target(
                exchange='blockstore', topic=f'blockstore-volume.{host}'))

    def call(self, method, version='1.1', **arguments):
        """Call a method; the same call may be sent again."""
        return self._client.prepare(version=version, timeout=60).call(
            CONTEXT, method, **arguments)

    def finish(self, method, **arguments):
        """Ask for a change once, and wait for its end."""
        answer = self.call(method, operation_id=str(uuid.uuid4()),
                           **arguments)
        operation = data(answer['operation'])
        while operation['state'] in ('pending', 'running'):
            operation = data(self.call(
                'wait_operation', operation_id=operation['id'], seconds=10))
        if operation['state'] == 'failed':
            raise RuntimeError(operation['error_message'])
        return answer


def refusal(error):
    """Return the code, the blockers and the way out of a RemoteError."""
    told = json.loads(error.value)
    return told['code'], told['blockers'], told['remedy']


def main(file, host):
    """Make and remove a volume."""
    cfg.CONF(['--config-file', file], project='my-service')
    volumes = Volumes(oslo_messaging.get_rpc_transport(cfg.CONF), host)
    volume = data(volumes.finish('create_volume', size=1)['volume'])
    print(volume['id'], data(volumes.call(
        'get_volume', volume_id=volume['id']))['status'])
    volumes.finish('delete_volume', volume_id=volume['id'])
    try:
        volumes.call('get_volume', volume_id=volume['id'])
    except oslo_messaging.RemoteError as error:
        print(*refusal(error))


if __name__ == '__main__':
    main(*sys.argv[1:])
