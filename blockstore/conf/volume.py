"""Options of the section ``[volume]``, and those of every back end.

Each back end has a section of its own, called as it is in
``enabled_backends``; there :data:`BACKEND_OPTS` and the options of its driver
are registered.
"""

from oslo_config import cfg

GROUP = 'volume'

OPTS: list[cfg.Opt] = [
    cfg.ListOpt(
        'enabled_backends', default=['qsd'],
        help='Names of the back ends that the volume service runs; each has '
             'a section of this name.'),
    cfg.StrOpt(
        'default_volume_type',
        help='Name of the volume type of volumes that are created without '
             'one. Not set: such volumes have no type.'),
]

BACKEND_OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'volume_driver',
        help='Name of the driver (an entry point of the namespace '
             'blockstore.volume.drivers). Not set: the name of the back '
             'end.'),
    cfg.StrOpt(
        'backend_host',
        help='Name that takes the place of [service] host for this back end. '
             'Several hosts that reach the same storage give it the same '
             'name, and serve it together: its volumes belong to '
             '"backend_host@backend#pool", and what one of them leaves when '
             'it dies another takes over. The driver must be able to: see '
             "its documentation. Not set: the back end is this host's own."),
    cfg.StrOpt(
        'volume_backend_name',
        help='Name that volume types choose this back end by. Several back '
             'ends may share it. Not set: the name of the back end.'),
    cfg.StrOpt(
        'availability_zone',
        help='Availability zone of the back end. Not set: that of the '
             'service.'),
    cfg.IntOpt(
        'reserved_percentage', default=0, min=0, max=100,
        help='Part of the capacity that new volumes may not use.'),
    cfg.FloatOpt(
        'max_over_subscription_ratio', default=20.0, min=1.0,
        help='How many times the capacity may be promised to volumes.'),
    cfg.IntOpt(
        'max_operations', min=1,
        help='Operations that the back end does at a time, all kinds '
             'together; one of each kind always has a place. Not set: as '
             'many as the daemon does.'),
    cfg.BoolOpt(
        'backup_use_temp_snapshot',
        help='Whether a volume in use is backed up through a temporary '
             'snapshot that is attached and read. false: through a '
             'temporary volume. Not set: as the driver can.'),
]
