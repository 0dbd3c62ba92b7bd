"""Filling logical volumes, and lending disks."""

import fcntl
import os
import struct

from blockstore import privileged
from blockstore.privileged import commands
from blockstore.privileged import lvm

_MIB = 1 << 20
#: Bytes that the kernel clears at a time; it cannot be stopped meanwhile.
_PIECE = 256 << 20
_BLKZEROOUT = 0x127f
#: Seconds that copying may take: a day for the largest volumes.
_DEADLINE = 24 * 3600.0


@privileged.root.entrypoint
def zero(group: str, name: str, offset: int) -> None:
    """Let a logical volume read as zeros, from an offset to its end.

    Others may have it open: it may be the part that it has just grown by.
    """
    descriptor = os.open(lvm.device(group, name), os.O_WRONLY | os.O_CLOEXEC)
    try:
        end = os.lseek(descriptor, 0, os.SEEK_END)
        for start in range(offset, end, _PIECE):
            fcntl.ioctl(descriptor, _BLKZEROOUT,
                        struct.pack('=QQ', start, min(_PIECE, end - start)))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@privileged.root.entrypoint
def copy(group: str, source: str, target: str, length: int) -> None:
    """Copy the first bytes of a logical volume, whole MiB, to another.

    Both are read and written past the page cache.
    """
    commands.run(
        ['dd', f'if={lvm.device(group, source)}',
         f'of={lvm.device(group, target)}', 'bs=4M',
         f'count={length // _MIB * _MIB}', 'iflag=direct,count_bytes',
         'oflag=direct', 'conv=notrunc,fdatasync', 'status=none'], _DEADLINE)


@privileged.root.entrypoint
def lend(path: str, owner: int) -> None:
    """Let a user open a disk that was attached for it over iSCSI.

    :raises ValueError: it is something else.
    """
    name = commands.name(os.path.basename(path))
    if '/session' not in os.path.realpath(f'/sys/class/block/{name}'):
        raise ValueError(f'{path} is no disk over iSCSI')
    os.chown(f'/dev/{name}', int(owner), -1)
