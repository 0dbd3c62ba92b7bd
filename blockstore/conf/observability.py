"""Options of the section ``[observability]``: being watched.

How notifications are sent is oslo.messaging's own section
``[oslo_messaging_notifications]``.
"""

from oslo_config import cfg

GROUP = 'observability'

OPTS: list[cfg.Opt] = [
    cfg.IntOpt(
        'notification_queue', default=1000, min=1,
        help='How many notifications may wait for a broker that is slow or '
             'away. Further ones are dropped, logged and counted.'),
]
