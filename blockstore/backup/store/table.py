"""The entries of a stored image, read segment by segment."""

from collections.abc import Iterator

from blockstore import exceptions
from blockstore.backup.store import chunks
from blockstore.backup.store import keys
from blockstore.backup.store import layout

WIDTH = keys.HASH_LENGTH


class Table:
    """The entries of an image; keeps one segment in memory.

    For one thread.  Chunks after the image's end are zero chunks.

    :param size: bytes of the image.
    :param segments: name hashes of its segments, joined.
    """

    def __init__(self, store: chunks.ChunkStore, constants: layout.Layout,
                 size: int, segments: bytes) -> None:
        self.size = size
        self.count = constants.chunks(size)
        self._store = store
        self._per_segment = constants.segment_entries
        self._segments = segments
        self._kept: tuple[int, bytes] = (-1, b'')

    def entries(self, first: int, count: int) -> bytes:
        """Return the entries of some chunks, joined."""
        found = []
        index, end = first, first + count
        while index < min(end, self.count):
            number, start = divmod(index, self._per_segment)
            stop = min(self._per_segment, end - number * self._per_segment)
            part = self.segment(number)[start * WIDTH:stop * WIDTH]
            found.append(part)
            index += len(part) // WIDTH
        found.append(chunks.ZERO * (end - index))
        return b''.join(found)

    def all(self) -> Iterator[tuple[int, bytes]]:
        """Yield the first chunk's number and the entries of each segment."""
        for number in range(len(self._segments) // WIDTH):
            yield number * self._per_segment, self.segment(number)

    def usable(self) -> bool:
        """Read all segments; tell whether they are all there and whole.

        What is damaged is set aside, so that the segment can be stored
        again.
        """
        whole = True
        for number in range(len(self._segments) // WIDTH):
            try:
                self.segment(number)
            except exceptions.StoreObjectMissing:
                whole = False
            except exceptions.StoreObjectDamaged:
                whole = False
                self._store.set_aside_segment(self._digest(number))
        return whole

    def segment(self, number: int) -> bytes:
        """Return the entries of a segment.

        :raises StoreObjectMissing: it is not in the store.
        :raises StoreObjectDamaged: it is not what was stored.
        """
        if self._kept[0] != number:
            digest = self._digest(number)
            entries = self._store.get_segment(digest)
            expected = min(self._per_segment,
                           self.count - number * self._per_segment)
            if len(entries) != expected * WIDTH:
                raise exceptions.StoreObjectDamaged(
                    f'segment {digest.hex()} has another length than the '
                    'image')
            self._kept = (number, entries)
        return self._kept[1]

    def _digest(self, number: int) -> bytes:
        return self._segments[number * WIDTH:(number + 1) * WIDTH]
