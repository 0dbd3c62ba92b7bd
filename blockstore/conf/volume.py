"""Options of the section ``[volume]``."""

from oslo_config import cfg

GROUP = 'volume'

OPTS: list[cfg.Opt] = []
