"""Options of back ends that keep volumes as qcow2 files (driver ``qsd``).

The same options are registered for the section ``[qsd]`` and for the section
of each back end that uses the driver.
"""

from oslo_config import cfg

GROUP = 'qsd'

OPTS: list[cfg.Opt] = [
    cfg.StrOpt(
        'volume_backend_name',
        help='Name that volume types choose this back end by. Several back '
             'ends may share it. Not set: the name of the back end.'),
    cfg.StrOpt(
        'qsd_directory', default='/var/lib/blockstore/qsd',
        help='Directory of the image files; belongs to this back end alone.'),
    cfg.StrOpt(
        'qsd_run_directory', default='',
        help='Directory of the sockets and pid files, at most 70 characters '
             'long. Empty: <qsd_directory>/run, or if that is too long a '
             'private directory under the runtime or temporary directory.'),
    cfg.StrOpt(
        'qsd_daemon', default='qemu-storage-daemon',
        help='Name or path of the program qemu-storage-daemon.'),
    cfg.StrOpt(
        'qemu_img', default='qemu-img',
        help='Name or path of the program qemu-img.'),
    cfg.StrOpt(
        'qsd_cache_direct', default='auto', choices=['auto', 'on', 'off'],
        help='Whether files are opened past the page cache (O_DIRECT). '
             'auto: when the file system allows it.'),
    cfg.StrOpt(
        'qsd_aio', default='threads',
        choices=['threads', 'native', 'io_uring'],
        help='How the storage daemon reads and writes files. native needs '
             'qsd_cache_direct.'),
    cfg.BoolOpt(
        'qsd_extended_l2', default=False,
        help='Use subclusters: small writes after a snapshot are faster and '
             'changes are known to 4 KiB; deleting snapshots is slower.'),
    cfg.StrOpt(
        'qsd_on_crash', default='fail', choices=['fail', 'reconnect'],
        help='What a client finds after its storage daemon died. fail: its '
             'export is gone until the connection is asked for again, so that '
             'it notices that unflushed writes were lost. reconnect: the same '
             'export at once; only for clients that write through.'),
    cfg.FloatOpt(
        'qsd_qmp_timeout', default=120.0, min=1.0,
        help='Seconds to wait for one answer of a storage daemon.'),
    cfg.FloatOpt(
        'qsd_capacity_gb', default=0.0, min=0.0,
        help='Capacity of the back end in GiB; 0: that of its file system.'),
    cfg.IntOpt(
        'reserved_percentage', default=0, min=0, max=100,
        help='Part of the capacity that new volumes may not use.'),
    cfg.FloatOpt(
        'max_over_subscription_ratio', default=20.0, min=1.0,
        help='How many times the capacity may be promised to volumes.'),
]
