"""Options of the section ``[service]``."""

from oslo_config import cfg

GROUP = 'service'

OPTS: list[cfg.Opt] = []
