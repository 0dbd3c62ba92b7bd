"""Options of the section ``[quota]``: limits for projects without their own.

-1 means no limit.  An administrator changes limits while the service runs
with quota sets (one project) and the quota class ``default`` (all others).
"""

from oslo_config import cfg

GROUP = 'quota'

OPTS: list[cfg.Opt] = [
    cfg.IntOpt(
        'volumes', default=10, min=-1,
        help='Volumes that a project may have.'),
    cfg.IntOpt(
        'snapshots', default=10, min=-1,
        help='Snapshots that a project may have.'),
    cfg.IntOpt(
        'gigabytes', default=1000, min=-1,
        help='GiB that the volumes and snapshots of a project may have '
             'together.'),
    cfg.IntOpt(
        'backups', default=10, min=-1,
        help='Backups that a project may have.'),
    cfg.IntOpt(
        'backup_gigabytes', default=1000, min=-1,
        help='GiB that the backups of a project may have together, counted '
             'by the size of the volumes.'),
    cfg.IntOpt(
        'groups', default=10, min=-1,
        help='Groups that a project may have. Reported to clients.'),
    cfg.IntOpt(
        'per_volume_gigabytes', default=-1, min=-1,
        help='GiB that a single volume may have.'),
    cfg.BoolOpt(
        'no_snapshot_gb_quota', default=False,
        help='Leave the size of snapshots out of the gigabytes.'),
]
