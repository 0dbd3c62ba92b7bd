"""Options of back ends that keep volumes in an LVM group (driver ``lvm``).

The same options are registered for the section ``[lvm]`` and for the section
of each back end that uses the driver.
"""

from oslo_config import cfg

GROUP = 'lvm'

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'volume_backend_name',
        help='Name that volume types choose this back end by. Several back '
             'ends may share it. Not set: the name of the back end.'),
    cfg.StrOpt(
        'lvm_volume_group', default='blockstore',
        help='The LVM volume group of the volumes. It must exist.'),
    cfg.StrOpt(
        'lvm_type', default='thin', choices=['thin', 'thick'],
        help='thin: volumes in a thin pool, which take the space that is '
             'written; snapshots and clones are made at once. thick: volumes '
             'that have all their space from the beginning; clones are '
             'copied, and each snapshot takes as much space as its volume.'),
    cfg.StrOpt(
        'lvm_pool', default='blockstore-pool',
        help='The thin pool in the group. One that is not there is made.'),
    cfg.IntOpt(
        'lvm_pool_size_gb', default=0, min=0,
        help='Size in GiB of a thin pool that is made. 0: 95 percent of what '
             'is free in the group.'),
    cfg.ListOpt(
        'lvm_local_hosts', default=[],
        help='Names by which clients on this very machine may call it, '
             'besides [service] host. They get the device itself, and not an '
             'iSCSI target.'),
    cfg.StrOpt(
        'lvm_target_helper', default='none', choices=['none', 'lio', 'tgt'],
        help='What serves volumes to other hosts over iSCSI. lio: the '
             "kernel's target, needs the Python package rtslib-fb. tgt: the "
             'daemon tgtd. none: other hosts are refused.'),
    cfg.HostAddressOpt(
        'lvm_target_address', default='127.0.0.1',
        help='Address at which other hosts reach the iSCSI target.'),
    cfg.PortOpt(
        'lvm_target_port', default=3260,
        help='Port of the iSCSI target. tgtd must have been started with '
             'it.'),
    cfg.StrOpt(
        'lvm_iqn_prefix', default='iqn.2026-01.org.blockstore.lvm:',
        help='Beginning of the names of iSCSI targets.'),
    cfg.IntOpt(
        'reserved_percentage', default=0, min=0, max=100,
        help='Part of the capacity that new volumes may not use.'),
    cfg.FloatOpt(
        'max_over_subscription_ratio', default=20.0, min=1.0,
        help='How many times the capacity may be promised to thin volumes.'),
]
