"""Options of the section ``[backup]``."""

from oslo_config import cfg

GROUP = 'backup'

OPTS: list[cfg.Opt] = [
    cfg.BoolOpt(
        'keep_base_snapshot', default=True,
        help='Keep the snapshot of the newest backup of a volume, hidden, so '
             'that the next incremental backup reads only what has changed. '
             'Only for back ends that can tell. It takes the space of what '
             'is overwritten; without it an incremental backup reads the '
             'whole volume and stores what differs.'),
    cfg.IntOpt(
        'extent_window', default=64 * 1024 ** 3, min=1024 ** 2,
        help='Bytes of a volume whose changed extents are asked for in one '
             'call.'),
    cfg.IntOpt(
        'housekeeping_interval', default=600, min=1,
        help='Seconds between two looks for journals of backups that will '
             'not be gone on with.'),
]
