"""Options of the section ``[quota]``."""

from oslo_config import cfg

GROUP = 'quota'

OPTS: list[cfg.Opt] = []
