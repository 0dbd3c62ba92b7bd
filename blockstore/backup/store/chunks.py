"""Chunks and segments in a store: named by what they hold, stored once.

What is read is proven by its name.  An object that prune has set aside is
still found by readers, but not by writers: they write it again (see *Prune*
in the format document for why).  A damaged object that is set aside is found
by nobody, so that the next writer who has its bytes heals it.
"""

from collections.abc import Callable

from oslo_log import log as logging
from oslo_utils import uuidutils
import xxhash

from blockstore import exceptions
from blockstore.backup.store import envelope
from blockstore.backup.store import keys
from blockstore.backup.store import layout
from blockstore.backup.store import names
from blockstore.backup.stores import base

LOG = logging.getLogger(__name__)

ZERO = bytes(keys.HASH_LENGTH)
_FIND_TRIES = 3

_Proof = Callable[[bytes], base.Buffer]


class ChunkStore:
    """The chunks and segments of one store; for any number of threads."""

    def __init__(self, backend: base.Backend, constants: layout.Layout,
                 level: int) -> None:
        self._backend = backend
        self._layout = constants
        self._level = level
        self.zeros = bytes(constants.chunk_size)
        self._zero_sum = xxhash.xxh3_64_intdigest(self.zeros)

    def is_zero(self, plain: base.Buffer) -> bool:
        """Tell whether all bytes of a chunk are zero."""
        zeros, checksum = self.zeros, self._zero_sum
        if len(plain) != len(zeros):
            zeros = bytes(len(plain))
            checksum = xxhash.xxh3_64_intdigest(zeros)
        # The comparison needs a copy: comparing a memoryview goes byte by
        # byte.  So it is left to those that are very probably zero.
        return (xxhash.xxh3_64_intdigest(plain) == checksum
                and bytes(plain) == zeros)

    def hash(self, plain: base.Buffer) -> bytes:
        """Return the name hash of a chunk that is not zero."""
        return self._layout.keys.chunk_name.hash(plain)

    def entry(self, plain: base.Buffer) -> bytes:
        """Return the entry of a chunk."""
        return ZERO if self.is_zero(plain) else self.hash(plain)

    def put(self, digest: bytes, plain: base.Buffer) -> int:
        """Store a chunk unless it is there.

        :returns: bytes stored; 0 if it was there.
        """
        name = names.chunk(digest)
        if self._backend.exists(name):
            return 0
        parts = envelope.seal(envelope.CHUNK, plain, self._level)
        return self._put(name, parts)

    def get(self, digest: bytes) -> base.Buffer:
        """Return the bytes of a chunk, proven.

        :raises StoreObjectMissing: it is not in the store.
        :raises StoreObjectDamaged: its bytes are not those of its name.
        """
        return self._open(digest, find(self._backend, names.chunk(digest)))

    def put_segment(self, entries: bytes) -> tuple[bytes, int]:
        """Store a segment unless it is there.

        :returns: its name hash, and bytes stored.
        """
        digest = self.segment_hash(entries)
        name = names.segment(digest)
        if self._backend.exists(name):
            return digest, 0
        return digest, self._put(
            name, envelope.seal(envelope.SEGMENT, entries, self._level or 1))

    def get_segment(self, digest: bytes) -> bytes:
        """Return the entries of a segment, proven; raises as :meth:`get`."""
        return self._open_segment(
            digest, find(self._backend, names.segment(digest)))

    def segment_hash(self, entries: bytes) -> bytes:
        """Return the name hash of a segment."""
        return self._layout.keys.segment_name.hash(entries)

    def has(self, digest: bytes) -> bool:
        """Tell whether a chunk is there under its own name."""
        return self._backend.exists(names.chunk(digest))

    def present(self, digest: bytes) -> bool:
        """Tell whether readers find a chunk, set aside by prune or not.

        Enough only for a chunk that a manifest or journal reaches: prune
        will move it back.
        """
        name = names.chunk(digest)
        # Prune may move it just between two looks.
        return (self._backend.exists(name)
                or self._backend.exists(names.doomed(name))
                or self._backend.exists(name))

    def set_aside(self, digest: bytes) -> list[str]:
        """Move a damaged chunk away, so that it can be stored again.

        It is read once more: what proves to be whole stays.

        :returns: the new names of what was moved.
        """
        return self._set_aside(names.chunk(digest),
                               lambda data: self._open(digest, data))

    def set_aside_segment(self, digest: bytes) -> list[str]:
        """Move a damaged segment away; as :meth:`set_aside`."""
        return self._set_aside(names.segment(digest),
                               lambda data: self._open_segment(digest, data))

    def _open(self, digest: bytes, data: bytes) -> base.Buffer:
        plain = envelope.unseal(envelope.CHUNK, data, self._layout.chunk_size)
        if self._layout.keys.chunk_name.hash(plain) != digest:
            raise exceptions.StoreObjectDamaged(
                f'chunk {digest.hex()} holds other bytes')
        return plain

    def _open_segment(self, digest: bytes, data: bytes) -> bytes:
        limit = self._layout.segment_entries * keys.HASH_LENGTH
        entries = bytes(envelope.unseal(envelope.SEGMENT, data, limit))
        if (self.segment_hash(entries) != digest
                or len(entries) % keys.HASH_LENGTH):
            raise exceptions.StoreObjectDamaged(
                f'segment {digest.hex()} holds other bytes')
        return entries

    def _set_aside(self, name: str, proof: _Proof) -> list[str]:
        moved = []
        for place in (name, names.doomed(name)):
            if not self._is_damaged(place, proof):
                continue
            unique = uuidutils.generate_uuid(dashed=False)
            target = names.damaged(name, unique)
            try:
                self._backend.move(place, target)
            except exceptions.StoreObjectMissing:
                # Somebody else did it; or we, at a first try that failed
                # after its effect.
                if not self._backend.exists(target):
                    continue
            if not self._is_damaged(target, proof):
                # Somebody else did it, and somebody stored it again, between
                # our look and our move.
                self._backend.move(target, place)
                continue
            LOG.error('Damaged object %s was set aside as %s', place, target)
            moved.append(target)
        if moved:
            self._backend.sync()
        return moved

    def _is_damaged(self, place: str, proof: _Proof) -> bool:
        try:
            proof(self._backend.get(place))
        except exceptions.StoreObjectMissing:
            return False
        except exceptions.StoreObjectDamaged:
            return True
        return False

    def _put(self, name: str, parts: list[base.Buffer]) -> int:
        try:
            self._backend.put(name, parts)
        except exceptions.StoreObjectExists:
            # Another thread or worker stored the same bytes meanwhile.
            return 0
        return sum(len(part) for part in parts)


def find(backend: base.Backend, name: str) -> bytes:
    """Get a chunk's or segment's object, set aside or not.

    :raises StoreObjectMissing: it is under neither name.
    """
    for _ in range(_FIND_TRIES):
        # Prune may move it to and fro just between two looks.
        for place in (name, names.doomed(name)):
            try:
                return backend.get(place)
            except exceptions.StoreObjectMissing:
                continue
    raise base.missing(name)
