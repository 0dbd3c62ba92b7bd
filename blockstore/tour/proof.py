"""The proof: an image is what a log of writes had made of a volume once.

A serial writer stamps each block with the number of its write and keeps a
log.  So the state of the volume at any moment is ``log[:n]``, and a copy is
exact if there is an ``n`` with ``image == replay(log[:n])``, over all bytes:
no block is torn, none comes from a later moment than another, and every block
that was never written, or zeroed since, is zero.
"""

from collections.abc import Iterable
from collections.abc import Iterator
import os
import struct
import typing

import blake3

from blockstore.volume.connections.base import Connection

BLOCK = 4096
_STAMP = struct.Struct('>8sQQ')
_MAGIC = b'tourdata'
_ENTRY = struct.Struct('>?QI')
_PIECE = 4 << 20
_ZEROS = bytes(_PIECE)


class Entry(typing.NamedTuple):
    """One write; its number is its place in the log."""

    zero: bool
    block: int
    blocks: int

    def pack(self) -> bytes:
        """Return the entry as it stands in the log's file."""
        return _ENTRY.pack(*self)


class Torn(Exception):
    """Raised when a block holds what nobody ever wrote there."""


class Proof(typing.NamedTuple):
    """What a comparison came to.

    :ivar moments: the numbers ``n`` for which the image is ``log[:n]``.
    :ivar blocks: blocks of the image that hold data.
    """

    moments: tuple[int, ...]
    blocks: int

    def within(self, first: int, last: int) -> bool:
        """Tell whether the image is of a moment between two others."""
        return any(first <= moment <= last for moment in self.moments)


def content(number: int, block: int) -> bytes:
    """Return what the write of a number puts into a block."""
    stamp = _STAMP.pack(_MAGIC, number, block)
    return stamp + blake3.blake3(stamp).digest(length=BLOCK - len(stamp))


def entries(path: str | os.PathLike[str]) -> list[Entry]:
    """Read a log; a last entry that is not whole yet is left out."""
    with open(path, 'rb') as file:
        data = file.read()
    whole = len(data) - len(data) % _ENTRY.size
    return [Entry(*fields) for fields in _ENTRY.iter_unpack(data[:whole])]


def count(path: str | os.PathLike[str]) -> int:
    """Count the entries of a log."""
    return os.stat(path).st_size // _ENTRY.size


def stamps(connection: Connection) -> dict[int, int]:
    """Read all bytes of an image; return the write of each block with data.

    :raises Torn: a block is neither zero nor exactly what a write made.
    """
    found: dict[int, int] = {}
    for offset, piece in connection.read_many(_pieces(connection.size)):
        if piece == _ZEROS[:len(piece)]:
            continue
        for start in range(0, len(piece), BLOCK):
            data = bytes(piece[start:start + BLOCK])
            if data == _ZEROS[:BLOCK]:
                continue
            block = (offset + start) // BLOCK
            magic, number, _ = _STAMP.unpack_from(data)
            if magic != _MAGIC or data != content(number, block):
                raise Torn(f'block {block} holds what nobody wrote there')
            found[block] = number
    return found


def _pieces(size: int) -> Iterator[tuple[int, memoryview]]:
    for offset in range(0, size, _PIECE):
        yield offset, memoryview(bytearray(min(_PIECE, size - offset)))


def compare(log: Iterable[Entry], found: dict[int, int]) -> Proof:
    """Find the moments at which the log had made what was found."""
    state: dict[int, int] = {}
    wrong = len(found)
    moments = []
    for number, entry in enumerate((*log, Entry(True, 0, 0))):
        # The state is log[:number] here.
        if wrong == 0:
            moments.append(number)
        for block in range(entry.block, entry.block + entry.blocks):
            wrong -= state.get(block) != found.get(block)
            if entry.zero:
                state.pop(block, None)
            else:
                state[block] = number
            wrong += state.get(block) != found.get(block)
    return Proof(tuple(moments), len(found))
