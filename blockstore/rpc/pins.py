"""How new a message to a service may be.

While an upgrade is under way, services of two releases listen on one topic
and either may take the message.  So a message is no newer than the oldest of
them understands: its *cap*.  ``[upgrade_levels]`` names it, or (``auto``) it
is the lowest version that the living services of the topic report.

>>> pins.cap('volume', 'blockstore-volume.node1@fast')
'1.0'
"""

import threading
import time

from oslo_config import cfg

from blockstore.conf import upgrade_levels
from blockstore.db import services
from blockstore.db.engine import Database
from blockstore.rpc import versions


class Pins:
    """The caps of one process, each looked up now and then.

    :param database: where services report; None (a client outside of the
        project) goes by the configuration alone.
    """

    def __init__(self, conf: cfg.ConfigOpts,
                 database: Database | None = None) -> None:
        self._conf = conf
        self._database = database
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str | None, float]] = {}

    def cap(self, service: str, topic: str) -> str | None:
        """Return the newest version that may be sent; None: any."""
        configured: str = self._conf.upgrade_levels[service]
        if configured != upgrade_levels.AUTO:
            return configured
        if self._database is None:
            return None
        now = time.monotonic()
        with self._lock:
            found, until = self._known.get(topic, (None, 0.0))
        if now < until:
            return found
        with self._database.read() as tx:
            spoken = services.spoken(tx, topic,
                                     self._conf.service.service_down_time)
        lowest = versions.lowest(spoken)
        with self._lock:
            self._known[topic] = (
                lowest, now + self._conf.service.report_interval)
        return lowest

    def forget(self, topic: str) -> None:
        """Look anew: a service turned out to be older than it was."""
        with self._lock:
            self._known.pop(topic, None)
