"""The listening side of RPC.

A :class:`Server` is a service object for the runner.  It serves one or more
topics of one process; stopping takes all of them down at the same time,
because with a broker each alone takes about a second.

>>> server = Server(transport, conf)
>>> server.add(topics.volume('node1@fast'), VolumeEndpoint(manager))
>>> server.start()
"""

from concurrent import futures
import threading
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging
import oslo_messaging
from oslo_messaging.rpc import server as messaging_server

from blockstore.rpc import failures
from blockstore.rpc import topics
from blockstore.rpc import transport as rpc_transport
from blockstore.service import base

LOG = logging.getLogger(__name__)


class _QuickServer(messaging_server.RPCServer):  # type: ignore[misc]
    """oslo.messaging's server on the standard library's thread pool.

    futurist's idle threads look only once a second whether to end.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._executor_cls = futures.ThreadPoolExecutor


class Server(base.Service):
    """Serves the topics of one process.

    :param transport: from :func:`blockstore.rpc.transport.get_transport`.
    """

    name = 'rpc'

    def __init__(self, transport: Any, conf: cfg.ConfigOpts) -> None:
        self._transport = transport
        self._conf = conf
        self._servers: list[_QuickServer] = []
        self._started = False

    def add(self, topic: str, *endpoints: Any,
            host: str | None = None) -> None:
        """Serve a topic by some endpoints, from :meth:`start` on.

        :param host: the server's name; None takes ``[service] host``.
        """
        self._servers.append(oslo_messaging.get_rpc_server(
            self._transport,
            topics.server(topic, host or self._conf.service.host),
            [failures.Guard(endpoint) for endpoint in endpoints],
            serializer=rpc_transport.RequestContextSerializer(self._conf),
            server_cls=_QuickServer))

    def start(self) -> None:
        """Begin to listen on every topic."""
        self._started = True
        for server in self._servers:
            server.start(override_pool_size=self._conf.rpc.server_threads)

    def stop(self, deadline: float) -> None:
        """Take no new messages and wait for the calls in flight.

        :param deadline: on the monotonic clock, in seconds.
        """
        if not self._started:
            return
        self._started = False
        threads = [threading.Thread(target=_stop, args=(server,),
                                    name='rpc-stop', daemon=True)
                   for server in self._servers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(base.remaining(deadline))
        if any(thread.is_alive() for thread in threads):
            LOG.warning('RPC calls were still running at the deadline')


def _stop(server: _QuickServer) -> None:
    server.stop()
    server.wait()
