"""Options of the section ``[scheduler]``."""

from oslo_config import cfg

GROUP = 'scheduler'

OPTS: list[cfg.Opt] = []
