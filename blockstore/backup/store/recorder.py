"""Turns entries, in order, into journal objects, segments and a digest."""

import time

import blake3

from blockstore import exceptions
from blockstore.backup.store import chunks
from blockstore.backup.store import journal
from blockstore.backup.store import keys
from blockstore.backup.store import layout
from blockstore.backup.store import pipeline
from blockstore.backup.store import settings
from blockstore.backup.stores import base

WIDTH = keys.HASH_LENGTH


class Digest:
    """The image digest, entry by entry."""

    def __init__(self, constants: layout.Layout, size: int) -> None:
        self._hasher: blake3.blake3 = constants.keys.image_digest.hasher()
        self._hasher.update(size.to_bytes(8) +
                            constants.chunk_size.to_bytes(4))

    def add(self, entries: bytes) -> None:
        """Add the entries of the next chunks."""
        self._hasher.update(entries)

    def hexdigest(self) -> str:
        """Return the digest of what was added."""
        return self._hasher.hexdigest()


class Recorder:
    """Keeps what a backup has done.

    Order matters: chunks are durable before the journal tells of them, and
    the journal tells of them before a segment does.
    """

    def __init__(self, backend: base.Backend, store: chunks.ChunkStore,
                 constants: layout.Layout, how: settings.Settings,
                 log: journal.Journal, size: int) -> None:
        self._backend = backend
        self._store = store
        self._layout = constants
        self._how = how
        self._journal = log
        self._digest = Digest(constants, size)
        self._pending = bytearray()     # not in the journal yet
        self._segment = bytearray()     # in the journal, not in a segment yet
        self._reads = 0
        self._oldest: float | None = None
        self._flushed = time.monotonic()
        self.segments = bytearray()
        self.count = 0
        self.data_count = 0
        self.bytes_stored = 0

    def replay(self, entries: bytes) -> None:
        """Take over what the journal of an earlier attempt tells."""
        self._account(entries)
        self._to_segments(entries)

    def add(self, done: pipeline.Done) -> None:
        """Record the next chunks as done."""
        self._account(done.entries)
        self._pending += done.entries
        self._reads += done.read > 0
        if done.found is not None:
            self._oldest = min(done.found, self._oldest or done.found)

    def due(self) -> bool:
        """Tell whether it is time to write to the journal."""
        return bool(self._pending) and (
            self._reads >= self._how.journal_chunks
            or len(self._pending) >= self._layout.segment_entries * WIDTH
            or (time.monotonic() - self._flushed
                >= self._how.journal_seconds))

    def flush(self) -> None:
        """Write what is pending to the journal, then to segments.

        :raises StoreError: chunks that were found in the store may have been
            pruned since; make the backup again, it goes on from here.
        """
        entries = bytes(self._pending)
        if entries:
            self._look_again(entries)
            self._backend.sync()
            first = self.count - len(entries) // WIDTH
            self._journal.add(first, entries)
            self._pending.clear()
            self._to_segments(entries)
        self._reads, self._oldest = 0, None
        self._flushed = time.monotonic()

    def finish(self) -> str:
        """Write all that is left but the manifest; return the digest."""
        self.flush()
        if self._segment:
            self._put_segment(len(self._segment))
        self._backend.sync()
        return self._digest.hexdigest()

    def _account(self, entries: bytes) -> None:
        self._digest.add(entries)
        self.count += len(entries) // WIDTH
        self.data_count += pipeline.count_data(entries)

    def _to_segments(self, entries: bytes) -> None:
        self._segment += entries
        length = self._layout.segment_entries * WIDTH
        while len(self._segment) >= length:
            self._put_segment(length)

    def _put_segment(self, length: int) -> None:
        digest, stored = self._store.put_segment(bytes(
            self._segment[:length]))
        del self._segment[:length]
        self.segments += digest
        self.bytes_stored += stored

    def _look_again(self, entries: bytes) -> None:
        # See "Prune" in the format document: a chunk that was found, but is
        # not told of for so long that prune may have taken both its looks.
        if (self._oldest is None or time.monotonic() - self._oldest
                < self._how.prune_grace / 2):
            return
        for start in range(0, len(entries), WIDTH):
            entry = entries[start:start + WIDTH]
            if entry != chunks.ZERO and not self._store.has(entry):
                raise exceptions.StoreError(
                    f'chunk {entry.hex()} was pruned while the backup '
                    'stood still', remedy='make the backup again')
