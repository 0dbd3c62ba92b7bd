"""Options of the section ``[operations]``: leases, polling and limits."""

from oslo_config import cfg

GROUP = 'operations'

OPTS: list[cfg.Opt] = [
    cfg.FloatOpt(
        'lease', default=15.0, min=0.5,
        help='Seconds that a worker holds an operation without a sign of '
             'life. A worker renews its leases three times as often. Nothing '
             'stays in a transitional status longer than two leases after its '
             'worker died.'),
    cfg.FloatOpt(
        'poll_interval', default=3.0, min=0.05,
        help='Seconds between two looks for operations that are due, in case '
             'a message was lost.'),
    cfg.FloatOpt(
        'look_timeout', default=120.0, min=1.0,
        help='Seconds that a look for due operations may take. One that takes '
             'longer hangs: the service is not healthy then, and systemd '
             'starts it again. More than a database waits for a lock.'),
    cfg.IntOpt(
        'max_attempts', default=10, min=1,
        help='How often an operation is taken up before it is failed.'),
    cfg.IntOpt(
        'workers', default=8, min=1, mutable=True,
        help='Operations of one kind that one service runs at a time; each '
             'back end is a service. Backups and restores have limits of '
             'their own.'),
    cfg.IntOpt(
        'daemon_workers', default=24, min=1, mutable=True,
        help='Operations that one daemon runs at a time, all kinds and back '
             'ends together. One of each kind always has a place, so that '
             'long ones never hold up the others.'),
    cfg.IntOpt(
        'max_open_of_project', default=10000, min=0, mutable=True,
        help='Operations of a project that may be open, waiting or running, '
             'before the API refuses more with 429; 0 for any number.'),
    cfg.IntOpt(
        'max_open', default=100000, min=0, mutable=True,
        help='Operations of all projects that may be open before the API '
             'refuses more with 503; 0 for any number.'),
    cfg.IntOpt(
        'kept_days', default=30, min=1,
        help='Days that closed operations can be looked at.'),
    cfg.FloatOpt(
        'wait_timeout', default=3600.0, min=1.0,
        help='Seconds that an operation waits for another one that it '
             'started.'),
]
