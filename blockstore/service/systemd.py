"""Talking to systemd: readiness, reload, status, watchdog.

Without systemd (no ``NOTIFY_SOCKET``) everything here does nothing.

>>> notify('READY=1', 'STATUS=serving')
"""

import os
import socket
import time

from oslo_log import log as logging

LOG = logging.getLogger(__name__)

# Seconds for a service manager that is too busy to listen.
_PATIENCE = 1.0


def notify(*lines: str) -> None:
    """Send lines such as ``READY=1`` to the service manager."""
    path = os.environ.get('NOTIFY_SOCKET')
    if not path:
        return
    address = '\0' + path[1:] if path.startswith('@') else path
    kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
    try:
        with socket.socket(socket.AF_UNIX, kind) as client:
            # Whoever waits here hears no signal meanwhile.
            client.settimeout(_PATIENCE)
            client.sendto('\n'.join(lines).encode(), address)
    except OSError as error:
        LOG.warning('Could not notify systemd: %s', error)


def notify_reloading() -> None:
    """Tell that a reload begins; ``READY=1`` ends it."""
    notify('RELOADING=1',
           f'MONOTONIC_USEC={time.monotonic_ns() // 1000}')


def watchdog_interval() -> float | None:
    """Tell every how many seconds ``WATCHDOG=1`` is due; None: never.

    That is half the time after which systemd would kill the process.
    """
    usec = os.environ.get('WATCHDOG_USEC', '')
    pid = os.environ.get('WATCHDOG_PID', '')
    if not usec.isdigit() or int(usec) == 0:
        return None
    if pid and pid != str(os.getpid()):
        return None
    return int(usec) / 2_000_000
