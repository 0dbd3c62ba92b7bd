"""The pages of a daemon that serves no HTTP otherwise.

A handful of small answers to a watcher, from threads that live as long as
their request.  It starts first and stops last, so that it can be asked while
the others start.
"""

import socket
import socketserver
import threading
import typing
from wsgiref import simple_server

from oslo_config import cfg
from oslo_log import log as logging

from blockstore.monitoring.pages import Pages
from blockstore.service import base

LOG = logging.getLogger(__name__)


class Listener(base.Service):
    """Serves the pages on ``[observability] host`` and ``port``."""

    name = 'monitoring'

    def __init__(self, conf: cfg.ConfigOpts, pages: Pages) -> None:
        self._options = conf.observability
        self._pages = pages
        self._server: simple_server.WSGIServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen.

        :raises OSError: the address cannot be listened on.
        """
        host, port = self._options.host, self._options.port
        kind = _Server6 if ':' in host else _Server
        self._server = simple_server.make_server(
            host, port, self._pages, kind, _Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, name='monitoring', daemon=True)
        self._thread.start()
        LOG.info('Metrics and health on http://%s:%s', host, port)

    def stop(self, deadline: float) -> None:
        """Stop listening."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(base.remaining(deadline))

    def healthy(self) -> bool:
        """Tell whether it listens."""
        return self._thread is not None and self._thread.is_alive()


class _Server(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True
    # What a watcher still asks when the daemon ends may be cut off.
    block_on_close = False

    def server_bind(self) -> None:
        # Not that of the library: it asks the DNS for our name.
        socketserver.TCPServer.server_bind(self)
        host, port, *_ = self.server_address
        self.server_name, self.server_port = str(host), int(port)
        self.setup_environ()


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(simple_server.WSGIRequestHandler):
    # Nobody holds a thread by saying nothing.
    timeout = 10.0

    def log_message(self, text: str, *args: typing.Any) -> None:
        LOG.debug(text, *args)
