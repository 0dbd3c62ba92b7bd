"""What this process counts, for Prometheus.

Each metric is one line here and is counted where the thing happens; it costs
a few microseconds and cannot fail.  Labels come from tables of the code,
never from requests, so that the number of series has a bound.

>>> metrics.DOORBELLS_DROPPED.labels('full').inc()
"""

import prometheus_client as prometheus

#: Everything that is counted here.
REGISTRY = prometheus.CollectorRegistry()

DOORBELLS_DROPPED = prometheus.Counter(
    'blockstore_doorbells_dropped',
    'Doorbells that no service heard; the work is found all the same.',
    ('reason',), registry=REGISTRY)
NOTIFICATIONS = prometheus.Counter(
    'blockstore_notifications',
    'Notifications that were given to the transport.',
    registry=REGISTRY)
NOTIFICATIONS_FAILED = prometheus.Counter(
    'blockstore_notifications_failed',
    'Notifications that nobody will get.', ('reason',), registry=REGISTRY)
