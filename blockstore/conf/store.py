"""Options of the section ``[store]``."""

from oslo_config import cfg

GROUP = 'store'

OPTS: list[cfg.Opt] = []
