"""Gates: devices of their own that lead to a logical volume, or nowhere.

A gate is a device-mapper device over the whole or the beginning of another
device.  Whoever has opened it keeps no hold of the volume: a gate can be
made read-only, grow, and be shut under its readers, who then get errors.
Its node belongs to the service's user, so that the volume's own node need
not.

The kernel is spoken to directly (``linux/dm-ioctl.h``, version 4): it takes
a fraction of a millisecond, and no program has to be started.
"""

import errno
import fcntl
import os
import re
import stat
import struct

from blockstore import privileged
from blockstore.privileged import commands
from blockstore.privileged import lvm

#: Where the nodes of gates are.
DIRECTORY = '/dev/blockstore'
SECTOR = 512

# A name of the driver's in the group, and a digest of who has the gate.
_NAME = re.compile(r'_?(?:volume|snapshot|moment)-[0-9a-f]{8}'
                   r'(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[0-9a-f]{16}')
_CONTROL = '/dev/mapper/control'
# Version (3), sizes of all and of the header, number of targets, of openers,
# flags, event, padding, device number, name, unique name, begin of data.
_HEADER = struct.Struct('=3I3Ii3IQ128s129s7x')
_TARGET = struct.Struct('=QQiI16s')
_VERSION = (4, 0, 0)
_CREATE, _REMOVE, _RESUME, _LOAD, _MESSAGE = 3, 4, 6, 9, 14
_READ_ONLY = 1 << 0
_SKIP_LOCKFS, _NO_FLUSH, _DEFERRED = 1 << 10, 1 << 11, 1 << 17
_BLKFLSBUF = 0x1261
#: What reading of a device says that has just gone.
_GONE = (errno.ENOENT, errno.ENODEV, errno.ENXIO)


def gate(name: str) -> str:
    """Return a name that no device has but a gate.

    :raises ValueError: it is not one.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f'{name!r} is no name of a gate')
    return name


def node(path: str) -> str:
    """Return the path of a gate's node.

    :raises ValueError: it is something else.
    """
    directory, _, name = path.rpartition('/')
    if directory != DIRECTORY:
        raise ValueError(f'{path!r} is no node of a gate')
    gate(name)
    return path


def _call(number: int, name: str, flags: int = 0, *, targets: int = 0,
          data: bytes = b'') -> int:
    """Do one call of the device-mapper; return the device's number."""
    size = _HEADER.size + len(data)
    buffer = bytearray(_HEADER.pack(
        *_VERSION, size, _HEADER.size, targets, 0, flags, 0, 0, 0,
        name.encode(), b'') + data)
    # The size in the request is that of the header alone.
    request = 3 << 30 | _HEADER.size << 16 | 0xfd << 8 | number
    control = os.open(_CONTROL, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(control, request, buffer)
    finally:
        os.close(control)
    found: int = _HEADER.unpack_from(buffer)[10]
    return found


def _target(kind: str, sectors: int, words: str = '') -> bytes:
    text = words.encode() + b'\0'
    text += bytes(-len(text) % 8)
    return _TARGET.pack(0, sectors, 0, _TARGET.size + len(text),
                        kind.encode()) + text


def _install(name: str, table: bytes, flags: int = 0) -> None:
    """Give a device another table, at once."""
    _call(_LOAD, name, flags, targets=1, data=table)
    _call(_RESUME, name, flags | _SKIP_LOCKFS | _NO_FLUSH)


def _number(name: str) -> int | None:
    """Return a device's number, or None when there is no such device."""
    for entry in os.scandir('/sys/class/block'):
        if not entry.name.startswith('dm-'):
            continue
        try:
            if _read(f'{entry.path}/dm/name') == name:
                major, _, minor = _read(f'{entry.path}/dev').partition(':')
                return os.makedev(int(major), int(minor))
        except OSError as error:
            if error.errno not in _GONE:
                raise
    return None


def _read(path: str) -> str:
    with open(path, encoding='utf-8') as source:
        return source.read().strip()


def _sectors(number: int) -> int:
    return int(_read(
        f'/sys/dev/block/{os.major(number)}:{os.minor(number)}/size'))


@privileged.root.entrypoint
def open_gate(name: str, group: str, volume: str, limit: int,
              read_only: bool, owner: int, owners: int) -> str:
    """Make a gate, or make it what it shall be; return its node.

    :param group: the volume group of what it leads to.
    :param volume: the name of that there; it must be active.
    :param limit: how many bytes of that at most; 0: all.
    :param owner: the user that may open it.
    :param owners: the user's group.
    """
    gate(name)
    flags = _READ_ONLY if read_only else 0
    below = os.stat(lvm.device(group, volume)).st_rdev
    try:
        number = _call(_CREATE, name)
    except OSError as error:
        known = _number(name)
        if error.errno != errno.EBUSY or known is None:
            raise
        number = known
    sectors = _sectors(below)
    if limit:
        sectors = min(sectors, limit // SECTOR)
    _install(name, _target(
        'linear', sectors,
        f'{os.major(below)}:{os.minor(below)} 0'), flags)
    return _make_node(name, number, owner, owners)


def _make_node(name: str, number: int, owner: int, group: int) -> str:
    os.makedirs(DIRECTORY, 0o755, exist_ok=True)
    path = f'{DIRECTORY}/{name}'
    fresh = f'{path}.new'
    if os.path.lexists(fresh):
        os.unlink(fresh)
    os.mknod(fresh, stat.S_IFBLK | 0o600, number)
    os.chown(fresh, owner, group)
    os.rename(fresh, path)
    return path


@privileged.root.entrypoint
def shut_gate(name: str) -> None:
    """Remove a gate; who still has it open reads and writes no more.

    What was written and not flushed may be lost, as with a disk that is
    pulled out.  Gone is success.
    """
    path = f'{DIRECTORY}/{gate(name)}'
    if os.path.lexists(path):
        os.unlink(path)
    number = _number(name)
    if number is None:
        return
    try:
        _remove_free(name)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        _shut_in_use(name, number)


def _remove_free(name: str, flags: int = 0) -> None:
    try:
        _call(_REMOVE, name, flags)
    except OSError as error:
        if error.errno != errno.ENXIO:      # it has gone meanwhile
            raise


def _shut_in_use(name: str, number: int) -> None:
    """Let a gate lead nowhere; it goes when its last reader has left."""
    _install(name, _target('error', max(1, _sectors(number))))
    _forget_pages(name, number)
    _remove_free(name, _DEFERRED)


def _forget_pages(name: str, number: int) -> None:
    """Drop what the kernel has kept of a gate's bytes."""
    path = f'{DIRECTORY}/{name}.shut'
    if os.path.lexists(path):
        os.unlink(path)
    os.mknod(path, stat.S_IFBLK | 0o600, number)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.unlink(path)
    try:
        fcntl.ioctl(descriptor, _BLKFLSBUF, 0)
    finally:
        os.close(descriptor)


@privileged.root.entrypoint
def keep_metadata(pool: str) -> None:
    """Let a thin pool keep its metadata as of now, to be looked at.

    :param pool: the name of the pool's device.
    """
    try:
        _message(pool, 'reserve_metadata_snap')
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        # Whoever had asked for it was cut off.
        _message(pool, 'release_metadata_snap')
        _message(pool, 'reserve_metadata_snap')


@privileged.root.entrypoint
def let_metadata_go(pool: str) -> None:
    """Undo ``keep_metadata``."""
    _message(pool, 'release_metadata_snap')


def _message(device: str, words: str) -> None:
    text = struct.pack('=Q', 0) + words.encode() + b'\0'
    _call(_MESSAGE, commands.name(device), data=text)
