"""Serving HTTP by worker processes: the whole of ``blockstore-api``.

granian forks the workers before anything else exists, and each makes its own
application, database engine and RPC transport.  A worker that dies is
replaced; workers that die at once again and again end the daemon.

* SIGTERM: the workers answer what was asked, within ``[service]
  stop_timeout``; what still runs then is killed.
* SIGHUP: the configuration is read again, and each worker is replaced by a
  new one, which serves before the old one stops.

systemd hears READY=1, at the start and after a reload, when all new workers
have made their applications and a request is answered.

>>> serve(make_application, conf, on_reload=read_configuration_again)
"""

from collections.abc import Callable
import http.client
import ipaddress
from multiprocessing import util
import os
import select
import signal
import socket
import threading
import time
from typing import Any

import granian
from granian import constants
from granian import log as granian_log
from oslo_config import cfg
from oslo_log import log as logging

from blockstore.service import systemd

LOG = logging.getLogger(__name__)

App = Callable[..., Any]
_PROBE_INTERVAL = 0.05
_PROBE_TIMEOUT = 10.0


def serve(app_factory: Callable[[], App], conf: cfg.ConfigOpts,
          on_exit: Callable[[], object] | None = None,
          on_reload: Callable[[], object] | None = None) -> None:
    """Serve an application by worker processes until SIGTERM.

    Nothing that has threads (database, transport) may exist before: the
    workers are forked.

    :param app_factory: makes the application, once in each worker.
    :param on_exit: called in each worker when it ends in order.
    :param on_reload: called in the parent on SIGHUP, before new workers are
        forked.
    """
    watch = Watch(conf)

    def load(*_: Any) -> App:
        # Until granian's own handlers are there, one may just end.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if on_exit is not None:
            util.Finalize(None, on_exit, exitpriority=100)
        app = app_factory()
        watch.loaded()
        return app

    def reload() -> None:
        LOG.info('Reloading')
        watch.reloading()
        try:
            if on_reload is not None:
                on_reload()
        except Exception:
            # A bad configuration file must not take a running daemon down.
            LOG.exception('Could not reload')

    # granian hands SIGTERM on, and kills what is left at the deadline.
    server = granian.Granian(
        'blockstore', address=conf.api.host, port=conf.api.port,
        interface=constants.Interfaces.WSGI, workers=conf.api.workers,
        blocking_threads=conf.api.threads, websockets=False,
        log_level=granian_log.LogLevels.error,
        respawn_failed_workers=True, process_name='blockstore-api',
        workers_kill_timeout=conf.service.stop_timeout)
    server.on_startup(watch.start)
    server.on_reload(reload)
    server.serve(target_loader=load, wrap_loader=False)


class Watch:
    """Tells systemd what the workers do; a thread of the parent.

    :param conf: ``[api]`` tells where they listen and how many they are.
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._address = (_reachable(conf.api.host), conf.api.port)
        self._workers: int = conf.api.workers
        self._awaited = self._workers
        self._ready = False
        self._read_end, self._write_end = os.pipe2(os.O_CLOEXEC)

    def loaded(self) -> None:
        """Note, in a worker, that it has made its application."""
        os.write(self._write_end, b'.')

    def start(self) -> None:
        """Begin to watch; nothing is forked yet, signals are routed."""
        for number in (signal.SIGTERM, signal.SIGINT):
            _tell_stopping(number)
        threading.Thread(target=self._run, name='watch', daemon=True).start()

    def reloading(self) -> None:
        """Expect as many new workers again."""
        self._ready = False
        self._awaited = self._workers
        systemd.notify_reloading()

    def _run(self) -> None:
        watchdog = systemd.watchdog_interval()
        due = time.monotonic()
        while True:
            pending = not self._ready and self._awaited <= 0
            wait = _PROBE_INTERVAL if pending else watchdog
            if select.select([self._read_end], [], [], wait)[0]:
                self._awaited -= len(os.read(self._read_end, 64))
            elif pending and self._answers():
                self._ready = True
                systemd.notify('READY=1', 'STATUS=serving')
                LOG.info('Serving on http://%s:%s by %d workers',
                         *self._address, self._workers)
            if (watchdog is not None and time.monotonic() >= due
                    and self._listens()):
                due = time.monotonic() + watchdog / 2
                systemd.notify('WATCHDOG=1')

    def _answers(self) -> bool:
        """Tell whether a request is answered; 401 is an answer, too."""
        connection = http.client.HTTPConnection(*self._address,
                                                timeout=_PROBE_TIMEOUT)
        try:
            connection.request('GET', '/')
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _listens(self) -> bool:
        """Tell whether somebody listens; busy workers need no restart."""
        try:
            socket.create_connection(self._address, _PROBE_TIMEOUT).close()
        except OSError:
            return False
        return True


def _reachable(host: str) -> str:
    """Return where to reach what listens on an address."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return '127.0.0.1' if address.version == 4 else '::1'


def _tell_stopping(number: int) -> None:
    """Tell systemd of a signal that ends the daemon, then let it act."""
    act: Any = signal.getsignal(number)

    def stop(*arguments: Any) -> None:
        systemd.notify('STOPPING=1', 'STATUS=stopping')
        act(*arguments)

    signal.signal(number, stop)
