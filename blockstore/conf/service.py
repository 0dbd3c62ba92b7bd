"""Options of the section ``[service]``: what every daemon shares."""

import socket

from oslo_config import cfg

GROUP = 'service'

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'host', default=socket.gethostname(), sample_default='node1',
        help='Name of this host in the services table and in RPC topics. '
             'Keep it stable: volumes belong to "host@backend#pool".'),
    cfg.StrOpt(
        'availability_zone', default='nova',
        help='The availability zone of the services of this host.'),
    cfg.StrOpt(
        'state_path', default='/var/lib/blockstore',
        help='Directory for what a service keeps on its own host: locks, '
             'sockets, and the embedded database.'),
    cfg.IntOpt(
        'report_interval', default=10, min=1,
        help='Seconds between two reports of a service that it is alive.'),
    cfg.IntOpt(
        'service_down_time', default=60, min=2,
        help='Seconds without a report after which a service counts as '
             'down.'),
    cfg.IntOpt(
        'stop_timeout', default=30, min=1,
        help='Seconds that a daemon has to finish the work in flight after '
             'SIGTERM. Then it exits at once; another worker takes over '
             'what is left when its lease has expired.'),
]
