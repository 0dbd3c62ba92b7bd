"""Options of the section ``[auth]``."""

from oslo_config import cfg

GROUP = 'auth'

OPTS: list[cfg.Opt] = []
