"""Bytes that live in this process, for tests: pools and connections to them.

A :class:`Pool` is the back end of the driver ``memory``; every part of the
process reaches it by name.  What it keeps is exact: an object is a sparse
map of immutable 64 KiB blocks, so that a snapshot is a copy of the map and
two objects share a block if, and only if, it is the same Python object.

``{'driver_volume_type': 'memory', 'data': {'pool': 'memory',
'object': 'volume-…', 'export': …, 'access_mode': 'rw'}}``.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
import threading
import typing

from blockstore import exceptions
from blockstore.volume import faults
from blockstore.volume.connections.base import Extent

BLOCK = 64 << 10
GIB = 1 << 30
_ZEROS = bytes(BLOCK)


class Call(typing.NamedTuple):
    """A call that reached a driver or a connection of a pool."""

    method: str
    target: str     # name of the volume or snapshot


class Content:
    """The bytes of a volume or snapshot.

    :ivar origin: name of what it was made from, or ''.
    :ivar foreign: whether no driver of ours has it.
    """

    def __init__(self, kind: str, id_: str, size: int, origin: str = '',
                 blocks: Mapping[int, bytes] | None = None) -> None:
        self.kind = kind
        self.id = id_
        self.size = size
        self.origin = origin
        self.blocks: dict[int, bytes] = dict(blocks or {})
        self.foreign = False

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill the buffer."""
        done = 0
        for index, start, stop in _pieces(offset, len(buffer)):
            block = self.blocks.get(index, _ZEROS)
            buffer[done:done + stop - start] = block[start:stop]
            done += stop - start

    def write(self, offset: int, data: memoryview) -> None:
        """Replace the blocks that the data touches."""
        done = 0
        for index, start, stop in _pieces(offset, len(data)):
            block = bytearray(self.blocks.get(index, _ZEROS))
            block[start:stop] = data[done:done + stop - start]
            self.blocks[index] = bytes(block)
            done += stop - start

    def write_zeroes(self, offset: int, length: int) -> None:
        """Drop whole blocks and clear parts of others."""
        for index, start, stop in _pieces(offset, length):
            if index not in self.blocks:
                continue
            if stop - start == BLOCK:
                del self.blocks[index]
            else:
                block = bytearray(self.blocks[index])
                block[start:stop] = bytes(stop - start)
                self.blocks[index] = bytes(block)

    def allocated(self, offset: int, length: int) -> list[Extent]:
        """List the runs of blocks that were written."""
        return _runs(self.blocks, offset, min(length, self.size - offset))

    def changed(self, base: 'Content', offset: int, length: int,
                ) -> list[Extent]:
        """List the runs that may differ from an older content."""
        mine, theirs = self.blocks, base.blocks
        indexes = {index for index in mine.keys() | theirs.keys()
                   if mine.get(index) is not theirs.get(index)}
        return _runs(indexes, offset, min(length, self.size - offset))


class Pool:
    """One back end in memory.

    :ivar lock: held while contents or exports are looked at or changed.
    :ivar contents: by name (``volume-…``, ``snapshot-…``).
    :ivar exports: the ways in that are open, by export name, with the
        content that is read there.
    :ivar prepared: names of snapshots that are ready to be connected to.
    :ivar faults: what shall go wrong with driver and connections
        (``read``, ``write``, ``flush``).
    :ivar calls: what was called for volumes and snapshots, in order.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.lock = threading.RLock()
        self.contents: dict[str, Content] = {}
        self.exports: dict[str, Content] = {}
        self.prepared: set[str] = set()
        self.faults = faults.Faults()
        self.calls: list[Call] = []

    def called(self) -> list[str]:
        """List the names of the methods that were called, in order."""
        return [call.method for call in self.calls]

    def put_foreign(self, name: str, size: int = GIB, *, kind: str = 'volume',
                    origin: str = '',
                    blocks: Mapping[int, bytes] | None = None) -> Content:
        """Put an object there that none of our drivers made.

        :param size: in bytes.
        :param origin: of a snapshot, the name of its volume.
        """
        with self.lock:
            content = Content(kind, '', size, origin, blocks)
            content.foreign = True
            self.contents[name] = content
            return content

    def rename(self, old: str, new: str) -> None:
        """Give an object another name; its snapshots know it by that."""
        with self.lock:
            self.contents[new] = self.contents.pop(old)
            for content in self.contents.values():
                if content.origin == old:
                    content.origin = new

    def used(self) -> int:
        """Return how many bytes all contents take, shared ones once."""
        with self.lock:
            return BLOCK * len({
                id(block) for content in self.contents.values()
                for block in content.blocks.values()})


_pools: dict[str, Pool] = {}
_pools_lock = threading.Lock()


def pool(name: str) -> Pool:
    """Return the pool of a name, a new one at the first time."""
    with _pools_lock:
        return _pools.setdefault(name, Pool(name))


def forget(name: str) -> None:
    """Let a pool and all its bytes go."""
    with _pools_lock:
        _pools.pop(name, None)


def connect(data: Mapping[str, typing.Any], *, writable: bool = False,
            ) -> 'MemoryConnection':
    """Open a way in that the driver has answered.

    :raises ConnectionFailed: when it is not there, or read-only.
    """
    return MemoryConnection(pool(data['pool']), data, writable)


class MemoryConnection:
    """An open way to a content; usable by several threads.

    It ends when its connection is terminated, as a real one would.
    """

    def __init__(self, source: Pool, data: Mapping[str, typing.Any],
                 writable: bool) -> None:
        self._pool = source
        self._export = str(data['export'])
        self._name = str(data['object'])
        self._writable = writable
        self._closed = False
        self._noted: set[str] = set()
        with source.lock:
            self._content()
        if writable and data.get('access_mode') != 'rw':
            raise exceptions.ConnectionFailed(
                f'{self._export} is read-only',
                remedy='connect without mode ro')

    @property
    def size(self) -> int:
        """Length in bytes."""
        with self._pool.lock:
            return self._content().size

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill the whole buffer with the bytes at an offset."""
        def effect() -> None:
            with self._pool.lock:
                self._checked(offset, len(buffer)).read_into(offset, buffer)
        self._do('read', effect)

    def read_many(self, requests: Iterable[tuple[int, memoryview]],
                  ) -> Iterator[tuple[int, memoryview]]:
        """Fill many buffers, one after the other."""
        for offset, buffer in requests:
            self.read_into(offset, buffer)
            yield offset, buffer

    def write(self, offset: int, data: memoryview | bytes) -> None:
        """Write bytes at an offset."""
        view = memoryview(data)

        def effect() -> None:
            with self._pool.lock:
                self._to_change(offset, len(view)).write(offset, view)
        self._do('write', effect)

    def write_zeroes(self, offset: int, length: int) -> None:
        """Make a run read as zeros."""
        def effect() -> None:
            with self._pool.lock:
                self._to_change(offset, length).write_zeroes(offset, length)
        self._do('write', effect)

    def extents(self, offset: int, length: int) -> Iterator[Extent]:
        """Yield the allocated extents of a run."""
        with self._pool.lock:
            found = self._checked(offset, length).allocated(offset, length)
        yield from found

    def flush(self) -> None:
        """Return at once: what is written is as durable as it gets."""
        def effect() -> None:
            with self._pool.lock:
                self._content()
        self._do('flush', effect)

    def close(self) -> None:
        """Let go; safe to call twice."""
        self._closed = True

    def _do(self, what: str, effect: Callable[[], None]) -> None:
        if what not in self._noted:     # one note a connection is enough
            self._noted.add(what)
            self._pool.calls.append(Call(what, self._name))
        try:
            self._pool.faults.call(what, effect)
        except exceptions.ConnectionFailed:
            raise
        except exceptions.DriverError as error:
            raise exceptions.ConnectionFailed(error.message) from error

    def _content(self) -> Content:
        content = self._pool.exports.get(self._export)
        if self._closed or content is None:
            raise exceptions.ConnectionFailed(
                f'there is no export {self._export} in pool '
                f'{self._pool.name}', remedy='initialize the connection')
        return content

    def _checked(self, offset: int, length: int) -> Content:
        content = self._content()
        if offset < 0 or length < 0 or offset + length > content.size:
            raise exceptions.ConnectionFailed(
                f'{length} bytes at {offset} are outside of {self._name}, '
                f'which has {content.size}')
        return content

    def _to_change(self, offset: int, length: int) -> Content:
        if not self._writable:
            raise exceptions.ConnectionFailed(
                f'{self._export} was opened for reading')
        return self._checked(offset, length)


def _pieces(offset: int, length: int) -> Iterator[tuple[int, int, int]]:
    """Cut a run into block index, start and stop within the block."""
    end = offset + length
    while offset < end:
        index, start = divmod(offset, BLOCK)
        stop = min(BLOCK, start + end - offset)
        yield index, start, stop
        offset += stop - start


def _runs(indexes: Iterable[int], offset: int, length: int) -> list[Extent]:
    """Merge block indexes into extents, cut to a run."""
    found: list[Extent] = []
    for index in sorted(indexes):
        start = max(index * BLOCK, offset)
        stop = min((index + 1) * BLOCK, offset + length)
        if start >= stop:
            continue
        if found and found[-1].end == start:
            found[-1] = Extent(found[-1].offset, stop - found[-1].offset)
        else:
            found.append(Extent(start, stop - start))
    return found
