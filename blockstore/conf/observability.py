"""Options of the section ``[observability]``: being watched.

How notifications are sent is oslo.messaging's own section
``[oslo_messaging_notifications]``.
"""

from oslo_config import cfg

GROUP = 'observability'

OPTS: list[cfg.Opt] = [
    cfg.IntOpt(
        'notification_queue', default=1000, min=1,
        help='How many notifications a process holds in memory while the '
             'broker is slow or away. Further ones wait in the database '
             'alone, and are sent later.'),
    cfg.IntOpt(
        'notification_backlog', default=100_000, min=1,
        help='How many notifications may wait in the database. When there '
             'are more, the oldest are given up, logged and counted.'),
    cfg.IntOpt(
        'notification_kept', default=86_400, min=1,
        help='Seconds after which a notification that could not be sent is '
             'given up, logged and counted.'),
    cfg.HostAddressOpt(
        'host', default='127.0.0.1',
        help='Where this daemon serves /metrics, /health/live and '
             '/health/ready. Whoever reaches the address may read them.'),
    cfg.PortOpt(
        'port',
        help='The port of these pages. Not set: this daemon has none of its '
             'own. Daemons of one host need different ones. blockstore-api '
             'serves the pages on its own port.'),
    cfg.ListOpt(
        'metrics_allowed', default=['127.0.0.0/8', '::1/128'],
        help='Networks whose hosts may read /metrics on the port of the API, '
             'directly and not through a proxy. Others get 403.'),
    cfg.IntOpt(
        'facts_interval', default=15, min=1,
        help='Seconds for which what the database was asked for /metrics '
             'is told again.'),
    cfg.IntOpt(
        'oldest_backups', default=100, min=0,
        help='How many volumes have the age of their last good backup in '
             '/metrics: those whose backups are oldest. Each is a series.'),
    cfg.IntOpt(
        'check_interval', default=5, min=1,
        help='Seconds for which an answer about the readiness of a part '
             'is told again.'),
    cfg.IntOpt(
        'check_timeout', default=5, min=1,
        help='Seconds after which a part that has not answered counts as '
             'not ready.'),
]
