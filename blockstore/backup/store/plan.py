"""What a backup has to do with each chunk, found out without reading it.

A plan is a sequence of units in the order of chunks: :class:`Known` runs,
whose entries need no reading, and :class:`Read` units, one chunk each.  What
the parent has and the store has lost is read.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
import dataclasses
import typing

from blockstore.backup.store import chunks
from blockstore.backup.store import keys
from blockstore.backup.store import layout
from blockstore.backup.store import table
from blockstore.volume.connections import base as connections

WIDTH = keys.HASH_LENGTH


class Run(typing.NamedTuple):
    """Bytes of a chunk: where they start in it, and how many they are."""

    start: int
    length: int


@dataclasses.dataclass(frozen=True)
class Known:
    """Chunks whose entries are known: zero, or the parent's.

    :ivar first: number of the first chunk.
    :ivar entries: their entries, joined.
    """

    first: int
    entries: bytes

    @property
    def count(self) -> int:
        """How many chunks."""
        return len(self.entries) // WIDTH


@dataclasses.dataclass(frozen=True)
class Read:
    """A chunk of which something must be read.

    :ivar index: its number.
    :ivar length: its length in bytes.
    :ivar runs: what to read, ascending.
    :ivar zeroes: what reads as zeros, ascending, where there is a base.
    :ivar base: entry of the stored chunk that has the other bytes; None if
        they are zeros.
    :ivar parent: the parent's entry, if it may well be the same.
    :ivar spare: what to read besides if the base turns out to be lost,
        ascending.
    """

    index: int
    length: int
    runs: tuple[Run, ...]
    zeroes: tuple[Run, ...] = ()
    base: bytes | None = None
    parent: bytes | None = None
    spare: tuple[Run, ...] = ()


Unit = Known | Read


class Cursor:
    """Walks along extents, forwards only.

    :param extents: ascending; parts that lie before what was already told
        are dropped.
    """

    def __init__(self, extents: Iterable[connections.Extent]) -> None:
        self._extents = iter(extents)
        self._held: connections.Extent | None = None
        self._told = 0
        self._advance()

    def first_at(self, offset: int) -> int | None:
        """Return the first offset, from one on, that is in an extent."""
        while self._held is not None and self._held.end <= offset:
            self._advance()
        return None if self._held is None else max(offset, self._held.offset)

    def within(self, low: int, high: int) -> tuple[list[Run], list[Run]]:
        """Return what the extents have of a range, relative to its start.

        :returns: runs with data, and runs that read as zeros.
        """
        found: tuple[list[Run], list[Run]] = ([], [])
        self.first_at(low)
        while self._held is not None and self._held.offset < high:
            start = max(low, self._held.offset) - low
            stop = min(high, self._held.end) - low
            runs = found[int(self._held.zero)]
            if runs and sum(runs[-1]) == start:
                start = runs.pop().start
            runs.append(Run(start, stop - start))
            if self._held.end > high:
                break
            self._advance()
        return found

    def _advance(self) -> None:
        for extent in self._extents:
            offset = max(extent.offset, self._told)
            if extent.end > offset:
                self._told = extent.end
                self._held = connections.Extent(
                    offset, extent.end - offset, extent.zero)
                return
        self._held = None


def all_there(entries: bytes) -> Sequence[int]:
    """Take it that no chunk is lost."""
    return ()


class Planner:
    """Plans one backup.

    :param size: bytes of the image.
    :param parent: the parent's entries; None for a full backup.
    :param absent: tells the positions of those entries, joined, whose chunks
        are not in the store.
    """

    def __init__(self, constants: layout.Layout, size: int,
                 parent: table.Table | None,
                 absent: Callable[[bytes], Sequence[int]] = all_there,
                 ) -> None:
        self._layout = constants
        self._size = size
        self._count = constants.chunks(size)
        self._parent = parent
        self._absent = absent

    def by_allocation(self, extents: Iterable[connections.Extent],
                      start: int) -> Iterator[Unit]:
        """Read all that is allocated.

        :param start: number of the first chunk to plan.
        """
        allocated = _with_data(extents)
        index = start
        while index < self._count:
            found = self._next(allocated, index)
            yield from self._zeros(index, found)
            if found < self._count:
                parent = (self._parent.entries(found, 1)
                          if self._parent else None)
                yield self._whole(found, allocated, parent)
            index = found + 1

    def by_changes(self, extents: Iterable[connections.Extent],
                   changed: Iterable[connections.Extent],
                   start: int) -> Iterator[Unit]:
        """Read only what is allocated, and changed or lost by the store.

        :param start: number of the first chunk to plan.
        """
        allocated = _with_data(extents)
        changes = Cursor(changed)
        index = start
        while index < self._count:
            found = min(self._next(changes, index), self._resized(index))
            yield from self._reused(index, found, allocated)
            if found < self._count:
                yield self._overlay(found, allocated, changes)
            index = found + 1

    def _overlay(self, index: int, allocated: Cursor,
                 changes: Cursor) -> Unit:
        low, length = self._bounds(index)
        high = low + length
        present, _ = allocated.within(low, high)
        changed, zeroes = changes.within(low, high)
        runs = intersect(changed, present)
        zeroes = merge(zeroes, subtract(changed, present))
        parent = self._parent.entries(index, 1) if self._parent else None
        base = None if parent == chunks.ZERO else parent
        if not subtract([Run(0, length)], merge(runs, zeroes)):
            base = None
        if not runs and base is None:
            return Known(index, chunks.ZERO)
        spare = (subtract(present, merge(runs, zeroes))
                 if base is not None else [])
        return Read(index, length, tuple(runs), tuple(zeroes), base, parent,
                    tuple(spare))

    def _whole(self, index: int, allocated: Cursor,
               parent: bytes | None) -> Read:
        low, length = self._bounds(index)
        runs, _ = allocated.within(low, low + length)
        return Read(index, length, tuple(runs), parent=parent)

    def _resized(self, index: int) -> int:
        # The parent's last chunk was shorter, or longer, than it is now: its
        # entry cannot be taken over, even if nobody wrote to it.
        parent = self._parent
        if parent is not None and parent.size != self._size:
            last = min(parent.count, self._count) - 1
            if last >= index and (self._layout.length(last, parent.size)
                                  != self._layout.length(last, self._size)):
                return last
        return self._count

    def _next(self, cursor: Cursor, index: int) -> int:
        offset = cursor.first_at(index * self._layout.chunk_size)
        if offset is None:
            return self._count
        return min(self._count, offset // self._layout.chunk_size)

    def _bounds(self, index: int) -> tuple[int, int]:
        return (index * self._layout.chunk_size,
                self._layout.length(index, self._size))

    def _zeros(self, index: int, end: int) -> Iterator[Known]:
        for first, count in self._pieces(index, end):
            yield Known(first, chunks.ZERO * count)

    def _reused(self, index: int, end: int,
                allocated: Cursor) -> Iterator[Unit]:
        for first, count in self._pieces(index, end):
            entries = (self._parent.entries(first, count) if self._parent
                       else chunks.ZERO * count)
            done = 0
            for lost in self._absent(entries):
                if lost > done:
                    yield Known(first + done,
                                entries[done * WIDTH:lost * WIDTH])
                yield self._whole(first + lost, allocated, None)
                done = lost + 1
            if done < count:
                yield Known(first + done, entries[done * WIDTH:])

    def _pieces(self, index: int, end: int) -> Iterator[tuple[int, int]]:
        # Never more than a segment, so that memory stays flat.
        while index < end:
            count = min(self._layout.segment_entries, end - index)
            yield index, count
            index += count


def intersect(left: list[Run], right: list[Run]) -> list[Run]:
    """Return what is in both of two ascending lists."""
    return subtract(left, subtract(left, right))


def subtract(left: list[Run], right: list[Run]) -> list[Run]:
    """Return what is in the first of two ascending lists only."""
    found = []
    position = 0
    for start, length in left:
        end = start + length
        while (position < len(right)
               and right[position].start + right[position].length <= start):
            position += 1
        number = position
        while number < len(right) and right[number].start < end:
            if right[number].start > start:
                found.append(Run(start, right[number].start - start))
            start = max(start, right[number].start + right[number].length)
            number += 1
        if start < end:
            found.append(Run(start, end - start))
    return found


def merge(left: list[Run], right: list[Run]) -> list[Run]:
    """Return what is in either of two ascending lists."""
    found: list[Run] = []
    for run in sorted([*left, *right]):
        if found and run.start <= sum(found[-1]):
            last = found.pop()
            end = max(sum(last), sum(run))
            run = Run(last.start, end - last.start)
        found.append(run)
    return found


def _with_data(extents: Iterable[connections.Extent]) -> Cursor:
    return Cursor(extent for extent in extents if not extent.zero)
