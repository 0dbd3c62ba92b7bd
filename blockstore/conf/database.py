"""Options of the section ``[database]`` that oslo.db does not have."""

from oslo_config import cfg

GROUP = 'database'

OPTS: list[cfg.Opt] = [
    cfg.FloatOpt(
        'sqlite_busy_timeout', default=30.0, min=0.1,
        help='Seconds that a writer waits for another one on SQLite.'),
    cfg.FloatOpt(
        'migration_timeout', default=60.0, min=0.0,
        help='Seconds that a daemon waits at its start for the database to '
             'be migrated, before it gives up.'),
]
