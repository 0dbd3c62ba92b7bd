"""Writes a backup back, and proves what it wrote."""

import collections
from collections.abc import Generator
from collections.abc import Iterator
from concurrent import futures
import dataclasses
import time

import xxhash

from blockstore import exceptions
from blockstore.backup.store import chunks
from blockstore.backup.store import keys
from blockstore.backup.store import layout
from blockstore.backup.store import manifest
from blockstore.backup.store import recorder
from blockstore.backup.store import results
from blockstore.backup.store import table
from blockstore.backup.stores import base
from blockstore.volume.connections import base as connections

_POLL = 0.1
_TELL_SECONDS = 0.5
_WIDTH = keys.HASH_LENGTH

# Zeros inside a chunk are found at the grain at which volumes allocate.
_GRAIN = 64 * 1024
_ZEROS = bytes(_GRAIN)
_ZERO_SUM = xxhash.xxh3_64_intdigest(_ZEROS)

_Fetch = futures.Future[tuple[base.Buffer, bytes]]


class Restore:
    """Restores one backup to one target.

    :param target_is_new: the target reads as zeros already, so that zero
        chunks need not be written.
    :param pace: asked before each write.
    :param lease: asked before each write, too, whether it may be done.
    """

    def __init__(self, store: chunks.ChunkStore, constants: layout.Layout,
                 record: manifest.BackupRecord,
                 target: connections.Connection, target_is_new: bool,
                 workers: int, pace: results.Pace,
                 lease: results.Lease) -> None:
        self._store = store
        self._layout = constants
        self._record = record
        self._target = target
        self._new = target_is_new
        self._workers = workers
        self._pace = pace
        self._lease = lease
        self._digest = recorder.Digest(constants, record.size)
        self._progress = results.Progress(bytes_total=record.size)

    def run(self, tell: results.Tell,
            check: results.Check) -> results.RestoreSummary:
        """Restore; raises as ``Repository.restore`` tells."""
        if self._target.size < self._record.size:
            raise exceptions.Invalid(
                f'the target has {self._target.size} bytes, the backup '
                f'{self._record.size}')
        told = time.monotonic()
        check()
        for _ in self._steps():
            now = time.monotonic()
            if now - told >= _TELL_SECONDS:
                told = now
                tell(self._progress)
                check()
        if self._digest.hexdigest() != self._record.image_digest:
            raise exceptions.StoreObjectDamaged(
                f'what was restored of backup {self._record.id} is not '
                'what was backed up')
        self._target.flush()
        tell(self._progress)
        return results.RestoreSummary(self._record, self._progress)

    def _steps(self) -> Iterator[None]:
        """Do the work; yield several times a second."""
        executor = futures.ThreadPoolExecutor(self._workers, 'store-fetch')
        window: collections.deque[tuple[int, int, _Fetch | None]]
        window = collections.deque()
        try:
            for first, count, entry in self._runs():
                fetch = None
                if entry != chunks.ZERO:
                    fetch = executor.submit(self._fetch, entry)
                window.append((first, count, fetch))
                while len(window) > 2 * self._workers:
                    yield from self._settle(*window.popleft())
            while window:
                yield from self._settle(*window.popleft())
        finally:
            executor.shutdown(cancel_futures=True)

    def _runs(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield first chunk, count and entry; zero chunks joined."""
        entries = table.Table(self._store, self._layout, self._record.size,
                              self._record.segments)
        for first, segment in entries.all():
            index, count = 0, len(segment) // _WIDTH
            while index < count:
                start = index
                entry = segment[index * _WIDTH:(index + 1) * _WIDTH]
                index += 1
                while (entry == chunks.ZERO and index < count
                       and segment.startswith(entry, index * _WIDTH)):
                    index += 1
                yield first + start, index - start, entry

    def _fetch(self, entry: bytes) -> tuple[base.Buffer, bytes]:
        return self._store.get(entry), entry

    def _settle(self, first: int, count: int,
                fetch: _Fetch | None) -> Iterator[None]:
        offset = first * self._layout.chunk_size
        length = min(count * self._layout.chunk_size,
                     self._record.size - offset)
        if fetch is None:
            if not self._new:
                self._lease.fence()
                self._target.write_zeroes(offset, length)
            self._digest.add(chunks.ZERO * count)
            self._count(length, 0)
        else:
            while not fetch.done():
                futures.wait([fetch], _POLL)
                yield
            plain, entry = fetch.result()
            if len(plain) != length:
                raise exceptions.StoreObjectDamaged(
                    f'chunk {entry.hex()} has {len(plain)} bytes instead '
                    f'of {length}')
            written = yield from self._write(offset, memoryview(plain))
            self._digest.add(entry)
            self._count(length, written)
        yield

    def _write(self, offset: int, plain: memoryview,
               ) -> Generator[None, None, int]:
        """Write a chunk, its zeros as such; return the bytes written."""
        written = 0
        for start, end, zero in _runs(plain):
            if not zero:
                while not self._pace(end - start, _POLL):
                    yield
                self._lease.fence()
                self._target.write(offset + start, plain[start:end])
                written += end - start
            elif not self._new:
                self._lease.fence()
                self._target.write_zeroes(offset + start, end - start)
        return written

    def _count(self, covered: int, written: int) -> None:
        old = self._progress
        self._progress = dataclasses.replace(
            old, bytes_done=old.bytes_done + covered,
            bytes_read=old.bytes_read + (covered if written else 0),
            bytes_skipped=old.bytes_skipped + covered - written,
            bytes_stored=old.bytes_stored + written,
            chunks_written=old.chunks_written + (written > 0))


def _runs(plain: memoryview) -> Iterator[tuple[int, int, bool]]:
    """Yield start, end and whether they are zeros, of the runs of a chunk."""
    start, kind = 0, False
    for position in range(0, len(plain), _GRAIN):
        piece = plain[position:position + _GRAIN]
        zero = (xxhash.xxh3_64_intdigest(piece) == _ZERO_SUM
                and bytes(piece) == _ZEROS)
        if zero != kind:
            if position > start:
                yield start, position, kind
            start, kind = position, zero
    if len(plain) > start:
        yield start, len(plain), kind
