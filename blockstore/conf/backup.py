"""Options of the section ``[backup]``."""

from oslo_config import cfg

GROUP = 'backup'

OPTS: list[cfg.Opt] = []
