"""What this process counts, for Prometheus.

Each metric is one line here and is counted where the thing happens; it costs
a few microseconds and cannot fail.  Labels come from tables of the code,
never from requests, so that the number of series has a bound.  Each metric
has a label: then its series are made by the first count and not at the
import, when it is not yet known whether :func:`share` follows.

>>> metrics.DOORBELLS_DROPPED.labels('full').inc()
"""

import os
import typing

import prometheus_client as prometheus
from prometheus_client import multiprocess
from prometheus_client import values

#: Everything that is counted here.
REGISTRY = prometheus.CollectorRegistry()
_DIRECTORY = 'PROMETHEUS_MULTIPROC_DIR'

# When a series began is of no use to anybody and doubles their number.
prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]

REQUESTS = prometheus.Counter(
    'blockstore_requests', 'Requests that were answered.',
    ('method', 'route', 'code'), registry=REGISTRY)
REQUEST_SECONDS = prometheus.Histogram(
    'blockstore_request_seconds', 'How long answers took.',
    ('method', 'route'), registry=REGISTRY)
OPERATIONS_ENDED = prometheus.Counter(
    'blockstore_operations_ended',
    'Turns of operations in this process, by what became of them.',
    ('kind', 'state'), registry=REGISTRY)
TAKEOVERS = prometheus.Counter(
    'blockstore_lease_takeovers',
    'Operations that were taken up after another process let them lie.',
    ('kind',), registry=REGISTRY)
ORPHANS = prometheus.Counter(
    'blockstore_orphans',
    'Resources that the reaper found and nobody worked on.',
    ('resource', 'reason'), registry=REGISTRY)
USAGES_MENDED = prometheus.Counter(
    'blockstore_usages_mended',
    'Projects whose usage was found not to be the sum over their rows.',
    ('what',), registry=REGISTRY)
BYTES = prometheus.Counter(
    'blockstore_backup_bytes',
    'Bytes that backups and restores have read, stored or skipped.',
    ('work', 'what'), registry=REGISTRY)
DOORBELLS_DROPPED = prometheus.Counter(
    'blockstore_doorbells_dropped',
    'Doorbells that no service heard; the work is found all the same.',
    ('reason',), registry=REGISTRY)
NOTIFICATIONS = prometheus.Counter(
    'blockstore_notifications',
    'Notifications that were given to the transport.',
    ('priority',), registry=REGISTRY)
NOTIFICATIONS_FAILED = prometheus.Counter(
    'blockstore_notifications_failed',
    'Notifications that nobody will get.', ('reason',), registry=REGISTRY)


def share(directory: str) -> None:
    """Count together with other processes, by files in a directory.

    Called before anything is counted, and before those processes are forked;
    what ended processes have counted stays.
    """
    os.environ[_DIRECTORY] = directory
    make: typing.Any = values.MultiProcessValue
    values.ValueClass = make()


def registry() -> prometheus.CollectorRegistry:
    """Return what to collect from: this process, or all that share."""
    if _DIRECTORY not in os.environ:
        return REGISTRY
    shared = prometheus.CollectorRegistry()
    collector: typing.Any = multiprocess.MultiProcessCollector
    collector(shared)
    return shared
