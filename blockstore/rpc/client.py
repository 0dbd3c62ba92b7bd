"""What the clients of all services have in common.

A client has two ways to speak: :meth:`Client.call` waits for the answer and
raises nothing but :mod:`blockstore.exceptions`; :meth:`Client.ring` sends a
doorbell that neither blocks nor fails.  Both cross the crash boundaries
``rpc``.
"""

from collections.abc import Mapping
from typing import Any

from oslo_config import cfg
import oslo_messaging

from blockstore import context as blockstore_context
from blockstore import errors
from blockstore import exceptions
from blockstore.lifecycle import boundaries
from blockstore.rpc import doorbell
from blockstore.rpc import failures
from blockstore.rpc import patience
from blockstore.rpc import pins
from blockstore.rpc import transport as rpc_transport
from blockstore.rpc import versions
from blockstore.rpc.methods import base

# Seconds that a call may take beyond its timeout before it is left behind.
_GRACE = 5


class Client:
    """Speaks to one kind of service.

    :param transport: from :func:`blockstore.rpc.transport.get_transport`.
    :param known: how new a message may be; None: what is configured.
    """

    #: The service's name, and what it may be asked.
    SERVICE: str
    METHODS: Mapping[str, base.Method]

    def __init__(self, transport: Any, conf: cfg.ConfigOpts,
                 known: pins.Pins | None = None) -> None:
        self._conf = conf
        self._pins = known or pins.Pins(conf)
        self._client = oslo_messaging.get_rpc_client(
            transport,
            oslo_messaging.Target(version=versions.RPC[self.SERVICE]),
            serializer=rpc_transport.RequestContextSerializer(conf))
        self._local = rpc_transport.stays_local(transport)
        self._doorbell = doorbell.Doorbell(
            inline=self._local, limit=conf.rpc.doorbell_queue)
        self._patience = patience.Patience(conf.rpc.calls_in_flight)

    def call(self, context: blockstore_context.RequestContext, topic: str,
             method: str, *, timeout: int, **arguments: Any) -> Any:
        """Call a method of a service and wait for its answer.

        :param timeout: seconds to wait at most.
        :raises exceptions.BlockstoreError: what the service raised.
        :raises exceptions.Unavailable: no answer in time, or the service is
            too old for this method.
        """
        prepared = self._prepare(topic, method, timeout)
        with boundaries.around('rpc', method):
            try:
                if self._local:
                    return prepared.call(context, method, **arguments)
                return self._patience.run(
                    lambda: prepared.call(context, method, **arguments),
                    timeout + _GRACE)
            except failures.CALL_ERRORS as error:
                failure = failures.restore(error, method)
            if failure.code == errors.RPC_VERSION:
                self._pins.forget(topic)
            raise failure

    def version(self, context: blockstore_context.RequestContext,
                topic: str) -> str:
        """Return the version that whoever answers on a topic speaks."""
        if not self.can_send(topic, 'get_versions'):
            return versions.FIRST
        try:
            answer: str = self.call(
                context, topic, 'get_versions',
                timeout=self._conf.rpc.call_timeout).rpc
        except exceptions.Unavailable as error:
            if error.code != errors.RPC_VERSION:
                raise
            return versions.FIRST
        return answer

    def can_send(self, topic: str, method: str) -> bool:
        """Tell whether the services of a topic know a method."""
        needed = self._needs(method)
        cap = self._cap(topic, needed)
        return cap is None or (
            versions.parse(needed) <= versions.parse(cap))

    def _prepare(self, topic: str, method: str, timeout: int) -> Any:
        needed = self._needs(method)
        cap = self._cap(topic, needed)
        # oslo.messaging's server would give signs of life for ever for what
        # it has refused as too new.
        is_known = needed == versions.FIRST or cap is not None
        silence = min(timeout, self._conf.rpc.silence_timeout)
        prepared = self._client.prepare(
            topic=topic, version=needed, timeout=timeout, version_cap=cap,
            call_monitor_timeout=silence if is_known else None,
            retry=self._conf.rpc.send_retries)
        if not prepared.can_send_version():
            raise failures.too_old(
                f'{method} needs version {needed} of the RPC API of the '
                f'{self.SERVICE} service; {topic} is spoken to in '
                f'{prepared.version_cap}')
        return prepared

    def _needs(self, method: str) -> str:
        known = self.METHODS.get(method)
        return versions.FIRST if known is None else known.since

    def _cap(self, topic: str, needed: str) -> str | None:
        # What every service knows is sent even if nobody can be asked.
        return (None if needed == versions.FIRST
                else self._pins.cap(self.SERVICE, topic))

    def ring(self, context: blockstore_context.RequestContext, topic: str,
             operation_id: str) -> None:
        """Tell a service that an operation is due; never fails or blocks."""
        prepared = self._client.prepare(
            topic=topic, version=versions.FIRST, retry=0)
        with boundaries.around('rpc', 'operation_due'):
            self._doorbell.ring(
                f'{topic} {operation_id}',
                lambda: prepared.cast(context, 'operation_due',
                                      operation_id=operation_id))
