"""What the clients of all services have in common.

A client has two ways to speak: :meth:`Client.call` waits for the answer and
raises nothing but :mod:`blockstore.exceptions`; :meth:`Client.ring` sends a
doorbell that neither blocks nor fails.  Both cross the crash boundaries
``rpc``.
"""

from typing import Any

from oslo_config import cfg
import oslo_messaging

from blockstore import context as blockstore_context
from blockstore.lifecycle import boundaries
from blockstore.rpc import doorbell
from blockstore.rpc import failures
from blockstore.rpc import patience
from blockstore.rpc import transport as rpc_transport

# Seconds that a call may take beyond its timeout before it is left behind.
_GRACE = 5


class Client:
    """Speaks to one kind of service.

    :param transport: from :func:`blockstore.rpc.transport.get_transport`.
    """

    VERSION = '1.0'

    def __init__(self, transport: Any, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        self._client = oslo_messaging.get_rpc_client(
            transport, oslo_messaging.Target(version=self.VERSION),
            serializer=rpc_transport.RequestContextSerializer())
        self._local = rpc_transport.stays_local(transport)
        self._doorbell = doorbell.Doorbell(
            inline=self._local, limit=conf.rpc.doorbell_queue)
        self._patience = patience.Patience(conf.rpc.calls_in_flight)

    def call(self, context: blockstore_context.RequestContext, topic: str,
             method: str, *, timeout: int, version: str = VERSION,
             **arguments: Any) -> Any:
        """Call a method of a service and wait for its answer.

        :param timeout: seconds to wait at most.
        :raises exceptions.BlockstoreError: what the service raised.
        :raises exceptions.Unavailable: no answer in time.
        """
        prepared = self._client.prepare(
            topic=topic, version=version, timeout=timeout,
            retry=self._conf.rpc.send_retries)
        with boundaries.around('rpc', method):
            try:
                if self._local:
                    return prepared.call(context, method, **arguments)
                return self._patience.run(
                    lambda: prepared.call(context, method, **arguments),
                    timeout + _GRACE)
            except failures.CALL_ERRORS as error:
                failure = failures.restore(error, method)
            raise failure

    def ring(self, context: blockstore_context.RequestContext, topic: str,
             operation_id: str) -> None:
        """Tell a service that an operation is due; never fails or blocks."""
        prepared = self._client.prepare(topic=topic, version='1.0', retry=0)
        with boundaries.around('rpc', 'operation_due'):
            self._doorbell.ring(
                f'{topic} {operation_id}',
                lambda: prepared.cast(context, 'operation_due',
                                      operation_id=operation_id))
