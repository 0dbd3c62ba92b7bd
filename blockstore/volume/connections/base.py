"""How the bytes of a volume or a snapshot are reached: the interface.

A connection is opened from the ``connection_info`` that a driver's
``initialize_connection`` answered, ``{'driver_volume_type': …, 'data': …}``,
and is used by one thread at a time unless the class says otherwise.
Offsets and lengths are bytes; ends are exclusive.
"""

from collections.abc import Iterable
from collections.abc import Iterator
import typing


class Extent(typing.NamedTuple):
    """A run of bytes of one kind.

    ``zero`` tells that the run reads as zeros, so that nobody needs to read
    it; a run that is in no extent of an answer is a hole and reads as zeros
    (allocated extents) or is unchanged (changed extents).
    """

    offset: int
    length: int
    zero: bool = False

    @property
    def end(self) -> int:
        """The first byte after the run."""
        return self.offset + self.length


@typing.runtime_checkable
class Connection(typing.Protocol):
    """An open path to the bytes of one volume or snapshot.

    All methods raise :class:`blockstore.exceptions.ConnectionFailed`.
    """

    @property
    def size(self) -> int:
        """Length in bytes."""

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill the whole buffer with the bytes at an offset."""

    def read_many(self, requests: Iterable[tuple[int, memoryview]],
                  ) -> Iterator[tuple[int, memoryview]]:
        """Fill many buffers with several reads under way at a time.

        Requests are taken from the iterable as room comes free; answers come
        in the order of the requests, each as soon as its buffer is full.
        """

    def write(self, offset: int, data: 'memoryview | bytes') -> None:
        """Write bytes at an offset; may return before they are durable."""

    def write_zeroes(self, offset: int, length: int) -> None:
        """Make a run read as zeros, giving its space back where possible."""

    def extents(self, offset: int, length: int) -> Iterator[Extent]:
        """Yield the allocated extents of a run, ascending, merged.

        A connection that cannot tell yields one extent over the whole run.
        """

    def flush(self) -> None:
        """Return when everything written is durable."""

    def close(self) -> None:
        """Let go; safe to call twice."""
