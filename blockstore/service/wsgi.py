"""Serving HTTP in this process, for a daemon that is one (``blockstore-all``).

``blockstore-api`` serves by processes; see :mod:`blockstore.service.workers`.
"""

from collections.abc import Callable
import logging as std_logging
import socket
import threading
import time
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging
import waitress

from blockstore.service import base

LOG = logging.getLogger(__name__)

App = Callable[..., Any]
_BACKLOG = 1024


class WaitressServer(base.Service):
    """Serves a WSGI application by threads of this process.

    :param app: the application.
    :param conf: ``[api]`` tells where to listen and by how many threads.
    """

    name = 'http'

    def __init__(self, app: App, conf: cfg.ConfigOpts) -> None:
        self._app = app
        self._conf = conf
        self._server: Any = None
        self._channels: dict[int, Any] = {}
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        #: Where it listens, host and port; the port is real even for 0.
        self.address = (conf.api.host, conf.api.port)

    def start(self) -> None:
        """Listen, and answer requests from then on.

        :raises OSError: the address cannot be listened on.
        """
        listener = _listen(self._conf.api.host, self._conf.api.port)
        self.address = listener.getsockname()[:2]
        # A full queue is no news; waitress warns of each request in it.
        std_logging.getLogger('waitress.queue').setLevel(std_logging.ERROR)
        self._server = waitress.create_server(
            self._app, map=self._channels, sockets=[listener],
            threads=self._conf.api.threads, ident='blockstore',
            clear_untrusted_proxy_headers=True, asyncore_use_poll=True,
            max_request_body_size=self._conf.api.max_request_bytes,
            # A page of a thousand volumes stays in memory on its way out.
            outbuf_overflow=8 * 1024 * 1024,
            # Each turn of the loop is a wake-up of an idle process.
            asyncore_loop_timeout=5)
        self._thread = threading.Thread(target=self._run, name='http',
                                        daemon=True)
        self._thread.start()
        LOG.info('Listening on http://%s:%s', *self.address)

    def stop(self, deadline: float) -> None:
        """Accept nothing more, answer what was asked, close."""
        if self._thread is None or self._closing.is_set():
            return
        # In the loop's thread: its map must not change under it.
        self._server.trigger.pull_trigger(self._stop_listening)
        while self._busy() and base.remaining(deadline):
            time.sleep(0.005)
        self._server.task_dispatcher.shutdown(
            timeout=base.remaining(deadline))
        self._closing.set()
        self._server.trigger.pull_trigger(self._close_all)
        self._thread.join(base.remaining(deadline))

    def healthy(self) -> bool:
        """Tell whether the loop runs."""
        return self._thread is not None and self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._server.run()
        except OSError:
            # The loop's own trigger was closed under it, on purpose.
            if not self._closing.is_set():
                raise

    def _busy(self) -> bool:
        """Tell whether a request is read, worked on or being answered."""
        return any(
            channel.requests or channel.request is not None
            or channel.total_outbufs_len
            for channel in list(self._server.active_channels.values()))

    def _stop_listening(self) -> None:
        self._server.del_channel()
        self._server.socket.close()

    def _close_all(self) -> None:
        for channel in list(self._channels.values()):
            channel.close()
        self._channels.clear()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
