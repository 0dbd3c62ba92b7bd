"""Options of the section ``[database]``."""

from oslo_config import cfg

GROUP = 'blockstore_database'

OPTS: list[cfg.Opt] = []
