"""Options of the section ``[rpc]``."""

from oslo_config import cfg

GROUP = 'rpc'

OPTS: list[cfg.Opt] = []
