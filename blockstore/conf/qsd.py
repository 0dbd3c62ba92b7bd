"""Options of the section ``[qsd]``."""

from oslo_config import cfg

GROUP = 'qsd'

OPTS: list[cfg.Opt] = []
