"""Checks that every backup in the store can be restored."""

import collections
from collections.abc import Callable
from concurrent import futures
import contextlib
import dataclasses

from oslo_log import log as logging

from blockstore import exceptions
from blockstore.backup.store import catalogue
from blockstore.backup.store import chunks
from blockstore.backup.store import journal
from blockstore.backup.store import keys
from blockstore.backup.store import layout
from blockstore.backup.store import manifest
from blockstore.backup.store import names
from blockstore.backup.store import prune
from blockstore.backup.store import recorder
from blockstore.backup.store import results
from blockstore.backup.stores import base

LOG = logging.getLogger(__name__)

_WIDTH = keys.HASH_LENGTH
_REMEMBERED = 500_000
_LISTED = 1000

_Move = Callable[[bytes], list[str]]


@dataclasses.dataclass
class VerifyReport:
    """What verify found; lists end after 1,000 names.

    :ivar backups: manifests looked at.
    :ivar chunks: chunks looked at.
    :ivar bytes_read: bytes of chunks read and proven.
    :ivar damaged: objects that hold other bytes, with the reason.
    :ivar missing: objects that a backup needs and that are not there.
    :ivar affected: names of the manifests that cannot be restored.
    :ivar set_aside: damaged chunks and segments that were moved away, with
        their new names; also such that no backup needs.
    :ivar orphans: chunks and segments that nothing reaches; prune's work.
    :ivar unfinished: ids of backups that have a journal.
    """

    backups: int = 0
    chunks: int = 0
    bytes_read: int = 0
    damaged: dict[str, str] = dataclasses.field(default_factory=dict)
    missing: list[str] = dataclasses.field(default_factory=list)
    affected: list[str] = dataclasses.field(default_factory=list)
    set_aside: dict[str, str] = dataclasses.field(default_factory=dict)
    orphans: int = 0
    unfinished: list[str] = dataclasses.field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every backup can be restored."""
        return not (self.damaged or self.missing or self.affected)


class Verify:
    """One run of verify.

    :param all_bytes: read and prove every chunk; otherwise only look
        whether it is there.
    :param set_aside: move damaged chunks and segments away.
    """

    def __init__(self, backend: base.Backend, store: chunks.ChunkStore,
                 constants: layout.Layout, all_bytes: bool, set_aside: bool,
                 workers: int, check: results.Check) -> None:
        self._backend = backend
        self._store = store
        self._layout = constants
        self._all_bytes = all_bytes
        self._set_aside = set_aside
        self._workers = workers
        self._check = check
        self._good: set[bytes] = set()
        self._reached = prune.Marks()
        self.report = VerifyReport()

    def run(self) -> VerifyReport:
        """Look at everything."""
        with futures.ThreadPoolExecutor(
                self._workers, 'store-verify') as executor:
            for name in catalogue.manifests(self._backend):
                self._manifest(name, executor)
            self.report.unfinished = list(journal.unfinished(self._backend))
            for prefix, move in (
                    (names.CHUNKS, self._store.set_aside),
                    (names.SEGMENTS, self._store.set_aside_segment),
                    (names.DOOMED, None)):
                self._orphans(prefix, move, executor)
        return self.report

    def _orphans(self, prefix: str, move: _Move | None,
                 executor: futures.Executor) -> None:
        """Count what nothing reaches; do not let backups reuse damage."""
        look = self._set_aside and (self._all_bytes
                                    or prefix == names.SEGMENTS)
        found = []
        for name in self._backend.list(prefix):
            self._check()
            digest = names.digest_of(name)
            if digest is not None and digest in self._reached:
                continue
            self.report.orphans += 1
            if look and move is not None and digest is not None:
                found.append((name, executor.submit(move, digest)))
            while len(found) > 2 * self._workers:
                self._told(*found.pop(0))
        for pair in found:
            self._told(*pair)

    def _told(self, name: str,
              moved: 'futures.Future[list[str]]') -> None:
        try:
            places = moved.result()
        except exceptions.StoreError as error:
            # No backup needs it.
            LOG.warning('%s cannot be read: %s', name, error)
            return
        if places:
            self._list_moved(name, places)

    def _manifest(self, name: str, executor: futures.Executor) -> None:
        try:
            record = manifest.read(self._backend, name, self._layout)
        except exceptions.StoreObjectMissing:
            return          # deleted since it was listed
        except exceptions.StoreObjectDamaged as error:
            self._damaged(name, error)
            self._affected(name)
            return
        self.report.backups += 1
        digest = recorder.Digest(self._layout, record.size)
        whole = True
        for start in range(0, len(record.segments), _WIDTH):
            entries = self._segment(record.segments[start:start + _WIDTH])
            whole &= entries is not None
            if entries is not None:
                digest.add(entries)
                whole &= self._chunks(entries, executor)
        if whole and digest.hexdigest() != record.image_digest:
            self._damaged(name, 'the image digest differs')
            whole = False
        if not whole:
            self._affected(name)

    def _segment(self, digest: bytes) -> bytes | None:
        self._reached.add(digest)
        name = names.segment(digest)
        try:
            return self._store.get_segment(digest)
        except exceptions.StoreError as error:
            self._bad(name, error)
            if self._moved(name, error, lambda:
                           self._store.set_aside_segment(digest)):
                # Prune may have had a second, good one.
                with contextlib.suppress(exceptions.StoreError):
                    return self._store.get_segment(digest)
            return None

    def _chunks(self, entries: bytes, executor: futures.Executor) -> bool:
        """Look at the chunks of a segment; tell whether all are good."""
        whole = True
        window: collections.deque[tuple[bytes, futures.Future[int]]]
        window = collections.deque()

        def settle() -> bool:
            self._check()
            entry, looked = window.popleft()
            return self._settle(entry, looked)

        for start in range(0, len(entries), _WIDTH):
            entry = entries[start:start + _WIDTH]
            if entry == chunks.ZERO or entry in self._good:
                continue
            self._reached.add(entry)
            window.append((entry, executor.submit(self._look, entry)))
            if len(window) > 2 * self._workers:
                whole &= settle()
        while window:
            whole &= settle()
        return whole

    def _look(self, entry: bytes) -> int:
        if self._all_bytes:
            return len(self._store.get(entry))
        if not self._store.present(entry):
            raise base.missing(names.chunk(entry))
        return 0

    def _settle(self, entry: bytes, looked: 'futures.Future[int]') -> bool:
        name = names.chunk(entry)
        try:
            self.report.bytes_read += looked.result()
        except exceptions.StoreError as error:
            self._bad(name, error)
            if not self._moved(name, error,
                               lambda: self._store.set_aside(entry)):
                return False
            try:
                # Prune may have had a second, good one.
                self.report.bytes_read += self._look(entry)
            except exceptions.StoreError:
                return False
        if entry not in self._good:
            self.report.chunks += 1
            if len(self._good) >= _REMEMBERED:
                # Forgetting costs a second look, not memory.
                self._good.clear()
            self._good.add(entry)
        return True

    def _moved(self, name: str, error: exceptions.StoreError,
               move: Callable[[], list[str]]) -> bool:
        """Set a damaged object aside; tell whether that was done."""
        if not (self._set_aside
                and isinstance(error, exceptions.StoreObjectDamaged)):
            return False
        places = move()
        if places:
            self._list_moved(name, places)
        return bool(places)

    def _list_moved(self, name: str, places: list[str]) -> None:
        if len(self.report.set_aside) < _LISTED:
            self.report.set_aside[name] = ' '.join(places)

    def _bad(self, name: str, error: exceptions.StoreError) -> None:
        if not isinstance(error, exceptions.StoreObjectMissing):
            self._damaged(name, error)
        elif (name not in self.report.missing
              and name not in self.report.set_aside
              and len(self.report.missing) < _LISTED):
            self.report.missing.append(name)

    def _damaged(self, name: str, why: Exception | str) -> None:
        if len(self.report.damaged) < _LISTED:
            self.report.damaged[name] = str(why)

    def _affected(self, name: str) -> None:
        if len(self.report.affected) < _LISTED:
            self.report.affected.append(name)
