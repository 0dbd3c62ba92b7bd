"""What the database knows, as metrics.

It is asked when somebody scrapes, by a handful of statements, and the answer
is told again for some seconds.  A database that is away is a fact too: then
``blockstore_database_up`` is 0 and nothing else is told.
"""

from collections.abc import Iterator
import datetime
import threading
import time

from oslo_config import cfg
from oslo_db import exception as db_exception
from oslo_log import log as logging
from prometheus_client import core
from prometheus_client import registry

from blockstore.db import clock
from blockstore.db import facts as db
from blockstore.db import services
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction

LOG = logging.getLogger(__name__)
#: Within how many seconds volumes have had a backup.
AGES = (3600, 86400, 7 * 86400, 31 * 86400)
Metrics = list[core.GaugeMetricFamily]


class Facts(registry.Collector):
    """Asks the database; see the module."""

    def __init__(self, conf: cfg.ConfigOpts, database: Database) -> None:
        self._options = conf.observability
        self._down_time: int = conf.service.service_down_time
        self._database = database
        self._lock = threading.Lock()
        self._told: Metrics = []
        self._asked_at: float | None = None

    def collect(self) -> Iterator[core.GaugeMetricFamily]:
        """Yield the facts as they were some seconds ago at most."""
        with self._lock:
            now = time.monotonic()
            if self._asked_at is None or (
                    now - self._asked_at >= self._options.facts_interval):
                self._told = self._ask()
                self._asked_at = time.monotonic()
            told = self._told
        yield from told

    def _ask(self) -> Metrics:
        up = core.GaugeMetricFamily(
            'blockstore_database_up', 'Whether the database answered.')
        found: Metrics = []
        try:
            with self._database.read() as tx:
                now = clock.read(tx)
                found = [*_operations(tx, now), *self._services(tx, now),
                         *self._backups(tx, now)]
        except db_exception.DBError as error:
            LOG.warning('The database cannot be asked for facts: %s', error)
        up.add_metric([], 1 if found else 0)
        return [up, *found]

    def _services(self, tx: Transaction, now: datetime.datetime) -> Metrics:
        up = core.GaugeMetricFamily(
            'blockstore_service_up',
            'Whether a service has reported of late.',
            labels=('binary', 'host'))
        enabled = core.GaugeMetricFamily(
            'blockstore_service_enabled',
            'Whether a service gets new work.', labels=('binary', 'host'))
        oldest = now - datetime.timedelta(seconds=self._down_time)
        for row in db.heartbeats(tx):
            up.add_metric((row.binary, row.host),
                          services.is_up(row, oldest))
            enabled.add_metric((row.binary, row.host), not row.disabled)
        return [up, enabled]

    def _backups(self, tx: Transaction, now: datetime.datetime) -> Metrics:
        age = core.GaugeMetricFamily(
            'blockstore_last_backup_age_seconds',
            'Age of the last good backup, of the volumes where it is '
            'highest.', labels=('volume_id',))
        for id_, moment in db.oldest_backups(
                tx, self._options.oldest_backups):
            age.add_metric((id_,), _seconds(now, moment))
        volumes = core.GaugeMetricFamily(
            'blockstore_volumes', "Users' volumes.")
        without = core.GaugeMetricFamily(
            'blockstore_volumes_without_backup',
            'Volumes that have no good backup.')
        within = core.GaugeMetricFamily(
            'blockstore_volumes_backed_up',
            'Volumes whose last good backup is so many seconds old at most.',
            labels=('within',))
        all_, some, recent = db.volumes_by_backup(tx, [
            now - datetime.timedelta(seconds=seconds) for seconds in AGES])
        volumes.add_metric([], all_)
        without.add_metric([], all_ - some)
        for seconds, number in zip(AGES, recent, strict=True):
            within.add_metric((str(seconds),), number)
        return [age, volumes, without, within]


def _operations(tx: Transaction, now: datetime.datetime) -> Metrics:
    number = core.GaugeMetricFamily(
        'blockstore_operations_open', 'Operations that are not closed.',
        labels=('kind', 'state'))
    age = core.GaugeMetricFamily(
        'blockstore_operation_oldest_seconds',
        'Age of the oldest operation that is not closed.', labels=('kind',))
    oldest: dict[str, datetime.datetime] = {}
    for row in db.open_operations(tx):
        number.add_metric((row.kind, row.state), row.number)
        oldest[row.kind] = min(row.oldest, oldest.get(row.kind, row.oldest))
    for kind, moment in oldest.items():
        age.add_metric((kind,), _seconds(now, moment))
    return [number, age]


def _seconds(now: datetime.datetime, then: datetime.datetime) -> float:
    return max(0.0, (now - then).total_seconds())
