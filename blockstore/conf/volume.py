"""Options of the section ``[volume]``."""

from oslo_config import cfg

GROUP = 'volume'

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'default_volume_type',
        help='Name of the volume type of volumes for which none is asked. '
             'Unset: they have none.'),
]
