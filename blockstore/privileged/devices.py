"""Filling whole devices: with zeros, or with another device's bytes."""

import fcntl
import os
import stat
import struct

from blockstore import privileged
from blockstore.privileged import commands

_MIB = 1 << 20
#: Bytes that the kernel clears at a time; it cannot be stopped meanwhile.
_PIECE = 256 << 20
_BLKZEROOUT = 0x127f
#: Seconds that copying may take: a day for the largest volumes.
_DEADLINE = 24 * 3600.0


def _device(path: str) -> str:
    if not stat.S_ISBLK(os.stat(path).st_mode):
        raise ValueError(f'{path} is no block device')
    return path


@privileged.root.entrypoint
def zero(path: str, offset: int) -> None:
    """Let a device read as zeros, from an offset to its end.

    Others may have it open: it may be the part that it has just grown by.
    """
    descriptor = os.open(_device(path), os.O_WRONLY | os.O_CLOEXEC)
    try:
        end = os.lseek(descriptor, 0, os.SEEK_END)
        for start in range(offset, end, _PIECE):
            fcntl.ioctl(descriptor, _BLKZEROOUT,
                        struct.pack('=QQ', start, min(_PIECE, end - start)))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@privileged.root.entrypoint
def copy(source: str, target: str, length: int) -> None:
    """Copy the first bytes of a device, a whole number of MiB, to another.

    Both are read and written past the page cache.
    """
    commands.run(
        ['dd', f'if={_device(source)}', f'of={_device(target)}', 'bs=4M',
         f'count={length // _MIB * _MIB}', 'iflag=direct,count_bytes',
         'oflag=direct', 'conv=notrunc,fdatasync', 'status=none'], _DEADLINE)


@privileged.root.entrypoint
def lend(path: str, owner: int) -> None:
    """Let a user open a device that was attached for it."""
    os.chown(_device(path), int(owner), -1)
