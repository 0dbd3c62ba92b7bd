"""Telling the others that this service is alive.

The report itself (a row in the services table) is written by the function
that the daemon supplies; this only calls it every ``[service]
report_interval`` seconds.  A report that fails does not end the heartbeat:
when the database is back, so is the service.

>>> Heartbeat(lambda: services.report(database, 'volume', host), conf)
"""

from collections.abc import Callable
import time

from oslo_config import cfg

from blockstore.service import periodic


class Heartbeat(periodic.PeriodicTask):
    """Reports at once and then every ``report_interval`` seconds.

    :param report: takes nothing; raises when the report was not made.
    """

    def __init__(self, report: Callable[[], object],
                 conf: cfg.ConfigOpts, name: str = 'heartbeat') -> None:
        super().__init__(name, self._report_now,
                         conf.service.report_interval)
        self._report = report
        self._down_time = conf.service.service_down_time
        self._reported: float | None = None

    def is_up(self) -> bool:
        """Tell whether the others count this service as up."""
        return (self._reported is not None
                and time.monotonic() - self._reported < self._down_time)

    def _report_now(self) -> None:
        self._report()
        self._reported = time.monotonic()
