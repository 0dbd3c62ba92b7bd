"""Options of the section ``[operations]``."""

from oslo_config import cfg

GROUP = 'operations'

OPTS: list[cfg.Opt] = []
