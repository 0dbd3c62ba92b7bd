"""Writes empty qcow2 files, as ``qemu-img create`` would.

Each snapshot needs one, and starting a program takes longer than all the
rest of a snapshot.  The layout is that of QEMU's own tool, cluster by
cluster: header, refcount table, refcount block, level 1 table; ``qemu-img
check`` and a byte by byte comparison hold it to that in the tests.

The header is written last, when everything else is on the disk: a file that
was cut off has no magic number and is nobody's image.

>>> qcow2.create('/x/volume-v.0002.qcow2', 1 << 30, 'volume-v.0001.qcow2')
"""

import os
import struct

MAGIC = b'QFI\xfb'
BACKING_FORMAT = 0xe2792aca
EXTENDED_L2 = 1 << 4
_FIXED = struct.Struct('>4sIQIIQIIQQIIQQQQIIQ')      # 112 bytes
_CLUSTER_BITS, _EXTENDED_CLUSTER_BITS = 16, 17
_REFCOUNT_ORDER = 4
_BEFORE_TABLE = 3
_MODE = 0o644


def create(path: str, size: int, backing: str | None,
           backing_format: str = 'qcow2', *, extended_l2: bool = False,
           ) -> None:
    """Write an empty image and make its bytes durable (not its name).

    :param path: where no file may be yet.
    :param size: bytes that it will have for its clients.
    :param backing: name of the file below it, or None.
    :param backing_format: of that file.
    :param extended_l2: with subclusters, and clusters of 128 KiB.
    :raises OSError: part of a file may be left then.
    """
    bits = _EXTENDED_CLUSTER_BITS if extended_l2 else _CLUSTER_BITS
    cluster = 1 << bits
    per_entry = cluster * (cluster // (16 if extended_l2 else 8))
    entries = -(-size // per_entry)
    clusters = _BEFORE_TABLE + -(-entries * 8 // cluster)
    table = struct.pack('>Q', 2 * cluster).ljust(cluster, b'\0')
    counts = (b'\0\1' * clusters).ljust(cluster, b'\0')
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL
                         | os.O_CLOEXEC, _MODE)
    try:
        _write(descriptor, table + counts + bytes(entries * 8), cluster)
        os.fsync(descriptor)
        _write(descriptor, _header(bits, size, entries, backing,
                                   backing_format.encode(),
                                   EXTENDED_L2 if extended_l2 else 0), 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _header(bits: int, size: int, entries: int, backing: str | None,
            backing_format: bytes, incompatible: int) -> bytes:
    name = (backing or '').encode()
    extensions = b''
    if name:
        extensions = struct.pack('>II8s', BACKING_FORMAT,
                                 len(backing_format), backing_format)
    extensions += bytes(8)
    name_at = _FIXED.size + len(extensions) if name else 0
    fixed = _FIXED.pack(
        MAGIC, 3, name_at, len(name), bits, size, 0, entries,
        _BEFORE_TABLE << bits, 1 << bits, 1, 0, 0, incompatible, 0, 0,
        _REFCOUNT_ORDER, _FIXED.size, 0)
    return (fixed + extensions + name).ljust(1 << bits, b'\0')


def _write(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written
