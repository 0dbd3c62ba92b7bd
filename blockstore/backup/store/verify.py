"""Checks that every backup in the store can be restored."""

import collections
from concurrent import futures
import dataclasses

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

_WIDTH = keys.HASH_LENGTH
_REMEMBERED = 500_000
_LISTED = 1000


@dataclasses.dataclass
class VerifyReport:
    """What verify found; lists end after 1,000 names.

    :ivar backups: manifests looked at.
    :ivar chunks: chunks looked at.
    :ivar bytes_read: bytes of chunks read and proven.
    :ivar damaged: objects that hold other bytes, with the reason.
    :ivar missing: objects that a backup needs and that are not there.
    :ivar affected: names of the manifests that cannot be restored.
    :ivar orphans: chunks and segments that nothing reaches; prune's work.
    :ivar unfinished: ids of backups that have a journal.
    """

    backups: int = 0
    chunks: int = 0
    bytes_read: int = 0
    damaged: dict[str, str] = dataclasses.field(default_factory=dict)
    missing: list[str] = dataclasses.field(default_factory=list)
    affected: list[str] = dataclasses.field(default_factory=list)
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
    """

    def __init__(self, backend: base.Backend, store: chunks.ChunkStore,
                 constants: layout.Layout, all_bytes: bool, workers: int,
                 check: results.Check) -> None:
        self._backend = backend
        self._store = store
        self._layout = constants
        self._all_bytes = all_bytes
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
        for prefix in (names.CHUNKS, names.SEGMENTS, names.DOOMED):
            for name in self._backend.list(prefix):
                self._check()
                digest = names.digest_of(name)
                self.report.orphans += (digest is None
                                        or digest not in self._reached)
        return self.report

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
        try:
            return self._store.get_segment(digest)
        except exceptions.StoreError as error:
            self._bad(names.segment(digest), error)
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
        name = names.chunk(entry)
        if not (self._backend.exists(name)
                or self._backend.exists(names.doomed(name))
                or self._backend.exists(name)):
            raise base.missing(name)
        return 0

    def _settle(self, entry: bytes, looked: 'futures.Future[int]') -> bool:
        try:
            self.report.bytes_read += looked.result()
        except exceptions.StoreError as error:
            self._bad(names.chunk(entry), error)
            return False
        if entry not in self._good:
            self.report.chunks += 1
            if len(self._good) >= _REMEMBERED:
                # Forgetting costs a second look, not memory.
                self._good.clear()
            self._good.add(entry)
        return True

    def _bad(self, name: str, error: exceptions.StoreError) -> None:
        if not isinstance(error, exceptions.StoreObjectMissing):
            self._damaged(name, error)
        elif (name not in self.report.missing
              and len(self.report.missing) < _LISTED):
            self.report.missing.append(name)

    def _damaged(self, name: str, why: Exception | str) -> None:
        if len(self.report.damaged) < _LISTED:
            self.report.damaged[name] = str(why)

    def _affected(self, name: str) -> None:
        if len(self.report.affected) < _LISTED:
            self.report.affected.append(name)
