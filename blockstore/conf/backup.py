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
        'max_backups', default=4, min=1, mutable=True,
        help='Backups that one daemon makes at a time. Each takes about 75 '
             'MiB of memory; see [store] workers.'),
    cfg.IntOpt(
        'max_restores', default=4, min=1, mutable=True,
        help='Restores that one daemon does at a time.'),
    cfg.IntOpt(
        'read_bandwidth', default=0, min=0, mutable=True,
        help='Bytes per second that all backups of one daemon together read '
             'from volumes; 0 for no limit. They have equal parts of it. '
             'Holes are not read and do not count. SIGHUP changes it for '
             'backups under way, too.'),
    cfg.IntOpt(
        'write_bandwidth', default=0, min=0, mutable=True,
        help='Bytes per second that all restores of one daemon together '
             'write to volumes; 0 for no limit. They have equal parts of it. '
             'Zeros do not count. SIGHUP changes it for restores under way, '
             'too.'),
    cfg.IntOpt(
        'housekeeping_interval', default=600, min=1,
        help='Seconds between two looks for journals of backups that will '
             'not be gone on with.'),
]
