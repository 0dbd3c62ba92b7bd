"""Connections for tests of what stands on connections.

>>> volume = MemoryConnection(1 << 20)
>>> volume.write(0, b'data')
>>> volume.bytes_read
0
"""

from collections.abc import Iterable
from collections.abc import Iterator
import os

from blockstore.volume.connections import base

GRAIN = 4096


class MemoryConnection:
    """A volume in memory that counts what is read and written.

    :ivar data: its bytes.
    :ivar allocated: numbers of the grains of 4 KiB that were written.
    :ivar reads: every (offset, length) read.
    """

    def __init__(self, size: int) -> None:
        self.data = bytearray(size)
        self.allocated: set[int] = set()
        self.reads: list[tuple[int, int]] = []
        self.bytes_zeroed = 0
        self.flushed = False

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def bytes_read(self) -> int:
        """How many bytes were read."""
        return sum(length for _, length in self.reads)

    def read_into(self, offset: int, buffer: memoryview) -> None:
        self.reads.append((offset, len(buffer)))
        buffer[:] = self.data[offset:offset + len(buffer)]

    def read_many(self, requests: Iterable[tuple[int, memoryview]],
                  ) -> Iterator[tuple[int, memoryview]]:
        # All requests are taken before the first answer: the worst there is
        # for a caller who has few buffers.
        for offset, buffer in list(requests):
            self.read_into(offset, buffer)
            yield offset, buffer

    def write(self, offset: int, data: memoryview | bytes) -> None:
        self.data[offset:offset + len(data)] = data
        self.allocated.update(range(offset // GRAIN,
                                    -(-(offset + len(data)) // GRAIN)))

    def write_zeroes(self, offset: int, length: int) -> None:
        self.write(offset, bytes(length))
        self.bytes_zeroed += length
        self.allocated.difference_update(
            range(-(-offset // GRAIN), (offset + length) // GRAIN))

    def extents(self, offset: int, length: int) -> Iterator[base.Extent]:
        yield from grains(self.allocated, self.size)

    def flush(self) -> None:
        self.flushed = True

    def close(self) -> None:
        return


class FileConnection:
    """A volume in a file."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDWR)
        self.size = os.fstat(self._descriptor).st_size
        self.bytes_read = 0

    def read_into(self, offset: int, buffer: memoryview) -> None:
        self.bytes_read += os.preadv(self._descriptor, [buffer], offset)

    def read_many(self, requests: Iterable[tuple[int, memoryview]],
                  ) -> Iterator[tuple[int, memoryview]]:
        for offset, buffer in requests:
            self.read_into(offset, buffer)
            yield offset, buffer

    def write(self, offset: int, data: memoryview | bytes) -> None:
        os.pwrite(self._descriptor, data, offset)

    def write_zeroes(self, offset: int, length: int) -> None:
        step = 1 << 20
        for start in range(offset, offset + length, step):
            os.pwrite(self._descriptor,
                      bytes(min(step, offset + length - start)), start)

    def extents(self, offset: int, length: int) -> Iterator[base.Extent]:
        end = offset + length
        while offset < end:
            try:
                start = os.lseek(self._descriptor, offset, os.SEEK_DATA)
            except OSError:
                return
            offset = min(end, os.lseek(self._descriptor, start,
                                       os.SEEK_HOLE))
            if start < end:
                yield base.Extent(start, offset - start)

    def flush(self) -> None:
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def grains(numbers: Iterable[int], size: int) -> list[base.Extent]:
    """Return grains of 4 KiB as merged, ascending extents."""
    found: list[base.Extent] = []
    for number in sorted(numbers):
        offset = number * GRAIN
        end = min(offset + GRAIN, size)
        if found and found[-1].end == offset:
            offset = found.pop().offset
        found.append(base.Extent(offset, end - offset))
    return found
