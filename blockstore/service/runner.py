"""Runs the services of one daemon in one process.

The main thread does nothing but wait for signals:

* SIGTERM, SIGINT: stop the services in the reverse of their order, together
  within ``[service] stop_timeout`` seconds; whatever then still runs is cut
  off by leaving the process with status 1.  A second signal leaves at once;
* SIGHUP: read the configuration files again, then reload every service;
* SIGUSR2: write a Guru Meditation Report (all threads, configuration without
  secrets) to stderr or to ``[oslo_reports] log_dir``.

systemd hears READY=1 when every service is ready, not earlier (a back end
that cannot be used yet is waited for, and named in the status), and WATCHDOG=1
only while every service is healthy.  Nothing forks.

>>> sys.exit(Runner([heartbeat, rpc_server, http_server], conf).run())
"""

from collections.abc import Sequence
import os
import select
import signal
import threading
import time

from oslo_config import cfg
from oslo_log import log as logging

from blockstore.service import base
from blockstore.service import meditation
from blockstore.service import systemd

LOG = logging.getLogger(__name__)

_STOP = (signal.SIGTERM, signal.SIGINT)
_HANDLED = (*_STOP, signal.SIGHUP)

#: Seconds between two looks whether all is ready, and what systemd grants.
_READY_INTERVAL = 0.5
_READY_PATIENCE = 30


class Runner:
    """Starts, watches and stops some services.

    :param services: in the order of their start.
    :param conf: a parsed configuration object.
    """

    def __init__(self, services: Sequence[base.Service],
                 conf: cfg.ConfigOpts) -> None:
        self._services = list(services)
        self._conf = conf
        self._sick: set[str] = set()
        self._ready = False

    def run(self) -> int:
        """Serve until a signal says stop; give the exit status.

        Must be called on the main thread.
        """
        wakeup = self._catch_signals()
        started: list[base.Service] = []
        try:
            for service in self._services:
                started.append(service)
                service.start()
        except Exception:
            # The boundary of the daemon: a half-started one must not go on.
            LOG.exception('Could not start %s', started[-1].name)
            self._stop(started)
            return 1
        self._serve(wakeup)
        return self._stop(started)

    def _catch_signals(self) -> int:
        """Route signals into a pipe and give its reading end."""
        wakeup, write_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        for number in _HANDLED:
            # Only the byte in the pipe counts; see _serve.
            signal.signal(number, lambda *_: None)
        meditation.install(self._conf, self._services)
        return wakeup

    def _serve(self, wakeup: int) -> None:
        watchdog = systemd.watchdog_interval()
        while True:
            self._ready = self._ready or self._all_ready()
            interval = watchdog if self._ready else _READY_INTERVAL
            readable, _, _ = select.select([wakeup], [], [], interval)
            numbers = os.read(wakeup, 512) if readable else b''
            if any(number in _STOP for number in numbers):
                return
            if signal.SIGHUP in numbers:
                self._reload()
            if self._ready and watchdog is not None and self._all_healthy():
                systemd.notify('WATCHDOG=1')

    def _reload(self) -> None:
        LOG.info('Reloading')
        if self._ready:
            systemd.notify_reloading()
        try:
            self._conf.mutate_config_files()
            for service in self._services:
                service.reload()
        except Exception:
            # A bad configuration file must not take a running daemon down.
            LOG.exception('Could not reload')
        if self._ready:
            systemd.notify('READY=1')

    def _all_ready(self) -> bool:
        """Tell the service manager who is waited for, or that all is well."""
        waiting = ', '.join(sorted(service.name for service in self._services
                                   if not service.ready()))
        if waiting:
            systemd.notify(f'STATUS=not ready yet: {waiting}',
                           f'EXTEND_TIMEOUT_USEC={_READY_PATIENCE * 10**6}')
            return False
        systemd.notify('READY=1', 'STATUS=serving')
        LOG.info('Serving: %s',
                 ', '.join(service.name for service in self._services))
        return True

    def _all_healthy(self) -> bool:
        sick = {service.name for service in self._services
                if not service.healthy()}
        if sick != self._sick:
            self._sick = sick
            names = ', '.join(sorted(sick))
            if sick:
                LOG.error('Not healthy: %s', names)
            systemd.notify(f'STATUS=not healthy: {names}' if sick
                           else 'STATUS=serving')
        return not sick

    def _stop(self, started: Sequence[base.Service]) -> int:
        seconds = self._conf.service.stop_timeout
        deadline = time.monotonic() + seconds
        LOG.info('Stopping within %d s', seconds)
        systemd.notify('STOPPING=1', 'STATUS=stopping')
        _leave_at(deadline + 1)
        for number in _STOP:
            signal.signal(number, lambda *_: os._exit(1))
        status = 0
        for service in reversed(started):
            try:
                service.stop(deadline)
            except Exception:
                # The others have to be stopped all the same.
                LOG.exception('Could not stop %s', service.name)
                status = 1
        LOG.info('Stopped')
        return status


def _leave_at(deadline: float) -> None:
    """Leave the process at a time, whatever its threads still do.

    A thread that no one can end would keep the interpreter alive.
    """
    def leave() -> None:
        time.sleep(base.remaining(deadline))
        LOG.error('Leaving with work still in flight')
        os._exit(1)

    threading.Thread(target=leave, name='leave', daemon=True).start()
