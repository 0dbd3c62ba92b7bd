"""Options of back ends that keep volumes in memory (driver ``memory``).

For tests.  The same options are registered for the section ``[memory]`` and
for the section of each back end that uses the driver.
"""

from oslo_config import cfg

GROUP = 'memory'

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'memory_pool', default='memory',
        help='Name of the pool of bytes; the back ends and connections of '
             'one process that name the same pool share it.'),
    cfg.ListOpt(
        'memory_lacks', default=[],
        help='Capabilities that the back end shall not have, by name, for '
             'instance attaches_snapshots.'),
    cfg.BoolOpt(
        'memory_keeps_origins', default=False,
        help='Whether the back end refuses to delete a volume that still has '
             'snapshots there, as LVM and Ceph do.'),
    cfg.FloatOpt(
        'memory_capacity_gb', default=1024.0, min=0.0,
        help='Capacity of the back end in GiB, as it is reported.'),
]
