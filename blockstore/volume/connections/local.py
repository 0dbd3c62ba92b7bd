"""A file or a block device of this host as a connection.

``{'driver_volume_type': 'local', 'data': {'device_path': '/dev/vg/lv'}}``.
Reads and writes are plain system calls (``preadv``, ``pwrite``); holes of
regular files are found with ``SEEK_DATA``; a block device cannot tell its
holes and answers one extent.
"""

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
import ctypes
import errno
import os
import stat
import typing

from blockstore import exceptions
from blockstore.volume.connections.base import Extent

_KEEP_SIZE = 1
_PUNCH_HOLE = 2
_ZERO_PIECE = 1 << 20
_READ_PIECE = 64 << 20
_NO_HOLES = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.ENODEV)


def connect(data: Mapping[str, typing.Any], *, writable: bool = False,
            ) -> 'LocalConnection':
    """Open the ``device_path`` of a connection's data.

    :raises ConnectionFailed: when it is missing or cannot be opened.
    """
    path = data.get('device_path')
    if not path:
        raise exceptions.ConnectionFailed(
            'the connection has no device_path')
    return LocalConnection(str(path), writable=writable)


class LocalConnection:
    """An open file or block device; usable by several threads."""

    def __init__(self, path: str, *, writable: bool = False) -> None:
        self._path = path
        flags = os.O_RDWR if writable else os.O_RDONLY
        try:
            self._fd = os.open(path, flags | os.O_CLOEXEC)
            self._size = os.lseek(self._fd, 0, os.SEEK_END)
            self._regular = stat.S_ISREG(os.fstat(self._fd).st_mode)
        except OSError as error:
            raise self._failure('open', error) from error

    def _failure(self, action: str, error: OSError,
                 ) -> exceptions.ConnectionFailed:
        return exceptions.ConnectionFailed(
            f'cannot {action} {self._path}: {error.strerror or error}')

    def _check(self, offset: int, length: int) -> None:
        if offset < 0 or offset + length > self._size:
            raise exceptions.ConnectionFailed(
                f'{length} bytes at {offset} are outside of {self._path}, '
                f'which has {self._size}')

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self._size

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill the whole buffer with the bytes at an offset."""
        self._check(offset, len(buffer))
        done = 0
        while done < len(buffer):
            piece = buffer[done:done + _READ_PIECE]
            try:
                count = os.preadv(self._fd, [piece], offset + done)
            except OSError as error:
                raise self._failure('read', error) from error
            if not count:
                raise exceptions.ConnectionFailed(
                    f'{self._path} ended early, at {offset + done}')
            done += count

    def read_many(self, requests: Iterable[tuple[int, memoryview]],
                  ) -> Iterator[tuple[int, memoryview]]:
        """Fill buffers in order; the kernel's read-ahead is the pipeline."""
        for offset, buffer in requests:
            self.read_into(offset, buffer)
            yield offset, buffer

    def write(self, offset: int, data: memoryview | bytes) -> None:
        """Write bytes at an offset; durable after :meth:`flush`."""
        view = memoryview(data)
        self._check(offset, len(view))
        done = 0
        while done < len(view):
            try:
                done += os.pwrite(self._fd, view[done:], offset + done)
            except OSError as error:
                raise self._failure('write', error) from error

    def write_zeroes(self, offset: int, length: int) -> None:
        """Make a run read as zeros, punching a hole where possible."""
        self._check(offset, length)
        if not length or _punch(self._fd, offset, length):
            return
        zeros = bytes(min(length, _ZERO_PIECE))
        for start in range(offset, offset + length, _ZERO_PIECE):
            self.write(start, zeros[:min(_ZERO_PIECE,
                                         offset + length - start)])

    def extents(self, offset: int, length: int) -> Iterator[Extent]:
        """Yield the runs of a file that are not holes."""
        self._check(offset, length)
        end = offset + length
        if not self._regular:
            if length:
                yield Extent(offset, length)
            return
        while offset < end:
            try:
                start = os.lseek(self._fd, offset, os.SEEK_DATA)
                stop = os.lseek(self._fd, start, os.SEEK_HOLE)
            except OSError as error:
                if error.errno == errno.ENXIO:      # only a hole is left
                    return
                raise self._failure('map', error) from error
            if start >= end:
                return
            yield Extent(start, min(stop, end) - start)
            offset = stop

    def flush(self) -> None:
        """Return when everything written is durable."""
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise self._failure('flush', error) from error

    def close(self) -> None:
        """Close the file; safe to call twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _punch(descriptor: int, offset: int, length: int) -> bool:
    """Punch a hole (Linux; also zeroes block devices); False: cannot."""
    try:
        fallocate = ctypes.CDLL(None, use_errno=True).fallocate
    except (AttributeError, OSError):
        return False
    fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64,
                          ctypes.c_int64]
    if fallocate(descriptor, _KEEP_SIZE | _PUNCH_HOLE, offset, length) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NO_HOLES:
        return False
    raise exceptions.ConnectionFailed(
        f'cannot write zeros at {offset}: {os.strerror(number)}')
