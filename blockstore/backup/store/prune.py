"""Removes what no backup reaches: mark, set aside, look again, delete.

Why this is safe beside running backups is told in the format document,
section *Prune*; the order of steps here is what it relies on.
"""

from collections.abc import Iterator
import contextlib
import dataclasses
import datetime
import mmap

from oslo_log import log as logging

from blockstore import exceptions
from blockstore.backup.store import catalogue
from blockstore.backup.store import chunks
from blockstore.backup.store import journal
from blockstore.backup.store import keys
from blockstore.backup.store import layout
from blockstore.backup.store import manifest
from blockstore.backup.store import names
from blockstore.backup.store import results
from blockstore.backup.stores import base

LOG = logging.getLogger(__name__)

_WIDTH = keys.HASH_LENGTH
_FILTER_BYTES = 32 * 1024 * 1024
_PROBES = 4
_TIDY_AFTER = datetime.timedelta(days=1)


@dataclasses.dataclass
class PruneReport:
    """What prune did, or would do.

    :ivar live: chunks and segments that something reaches.
    :ivar young: unreachable, but within the grace time.
    :ivar set_aside: unreachable for long: moved away in this run.
    :ivar waiting: set aside by an earlier run, still within the grace time.
    :ivar rescued: set aside by an earlier run, but reached again: moved back.
    :ivar deleted: gone.
    :ivar bytes_deleted: bytes that this gave back.
    """

    live: int = 0
    young: int = 0
    set_aside: int = 0
    waiting: int = 0
    rescued: int = 0
    deleted: int = 0
    bytes_deleted: int = 0


class Marks:
    """A set of hashes in fixed memory.

    A Bloom filter: what was added is always in it; of what was not, with 25
    million chunks (100 TiB) one in a hundred seems to be.  Prune errs on the
    side of keeping.
    """

    def __init__(self) -> None:
        # Takes memory only where it is written to.
        self._bits = mmap.mmap(-1, _FILTER_BYTES)

    def add(self, digest: bytes) -> None:
        """Add a hash; hashes are keyed, so any bits of them will do."""
        for byte, bit in _places(digest):
            self._bits[byte] |= bit

    def __contains__(self, digest: bytes) -> bool:
        return all(self._bits[byte] & bit for byte, bit in _places(digest))


def _places(digest: bytes) -> Iterator[tuple[int, int]]:
    for probe in range(_PROBES):
        number = int.from_bytes(digest[probe * 4:probe * 4 + 4])
        yield (number >> 3) % _FILTER_BYTES, 1 << (number & 7)


class Marker:
    """Finds all that backups reach.

    :ivar live: the hashes of live chunks and segments.
    """

    def __init__(self, backend: base.Backend, store: chunks.ChunkStore,
                 constants: layout.Layout, check: results.Check) -> None:
        self._backend = backend
        self._store = store
        self._layout = constants
        self._check = check
        self._segments: set[bytes] = set()
        self.live = Marks()

    def run(self) -> Marks:
        """Mark.

        :raises StoreError: something that must be read cannot be.
        """
        seen: set[str] = set()
        # Before the journals, for backups whose parent is being deleted;
        # and after them, for backups that are being committed.
        self._manifests(seen)
        for backup_id in journal.unfinished(self._backend):
            self._journal(backup_id)
        self._manifests(seen)
        return self.live

    def _manifests(self, seen: set[str]) -> None:
        for name in catalogue.manifests(self._backend):
            if name in seen:
                continue
            seen.add(name)
            with contextlib.suppress(exceptions.StoreObjectMissing):
                # Missing: deleted since it was listed.
                data = self._backend.get(name)
                self._table(manifest.decode(name, data,
                                            self._layout).segments)

    def _table(self, segments: bytes) -> None:
        for start in range(0, len(segments), _WIDTH):
            self._check()
            digest = segments[start:start + _WIDTH]
            if digest in self._segments:
                continue
            self._entries(self._segment(digest))
            self._segments.add(digest)
            self.live.add(digest)

    def _segment(self, digest: bytes) -> bytes:
        try:
            return self._store.get_segment(digest)
        except exceptions.StoreObjectMissing as error:
            raise exceptions.StoreObjectDamaged(
                f'segment {digest.hex()} of a backup is not in the store: '
                'nothing is pruned', remedy='run store verify') from error

    def _entries(self, entries: bytes) -> None:
        for start in range(0, len(entries), _WIDTH):
            entry = entries[start:start + _WIDTH]
            if entry != chunks.ZERO:
                self.live.add(entry)

    def _journal(self, backup_id: str) -> None:
        log = journal.Journal(self._backend, self._layout, backup_id)
        # Missing: committed or abandoned since it was listed.
        with contextlib.suppress(exceptions.StoreObjectMissing):
            start = log.start()
            if start is not None:
                self._table(start.parent_segments)
            segment = bytearray()
            length = self._layout.segment_entries * _WIDTH
            for entries in log.entries():
                self._entries(entries)
                segment += entries
                while len(segment) >= length:
                    # Written already, or about to be.
                    self.live.add(self._store.segment_hash(
                        bytes(segment[:length])))
                    del segment[:length]
            if segment:
                self.live.add(self._store.segment_hash(bytes(segment)))


class Prune:
    """One run of prune."""

    def __init__(self, backend: base.Backend, live: Marks,
                 grace: datetime.timedelta, dry_run: bool,
                 check: results.Check) -> None:
        self._backend = backend
        self._live = live
        self._grace = grace
        self._dry_run = dry_run
        self._check = check
        self._now = backend.now()
        self.report = PruneReport()

    def run(self) -> PruneReport:
        """Take the second look, then the first."""
        for name in self._backend.list(names.DOOMED):
            self._check()
            with contextlib.suppress(exceptions.StoreObjectMissing):
                self._look_again(name)
        for prefix in (names.CHUNKS, names.SEGMENTS):
            for name in self._backend.list(prefix):
                self._check()
                with contextlib.suppress(exceptions.StoreObjectMissing):
                    self._look(name)
        if not self._dry_run:
            self._backend.sync()
            self._backend.tidy(self._now - max(self._grace, _TIDY_AFTER))
        LOG.info('Prune: %s', self.report)
        return self.report

    def _look_again(self, name: str) -> None:
        digest = names.digest_of(name)
        if digest is not None and digest in self._live:
            self.report.rescued += 1
            if not self._dry_run:
                self._rescue(name)
            return
        size, modified = self._backend.stat(name)
        if self._now - modified < self._grace:
            self.report.waiting += 1
            return
        self.report.deleted += 1
        self.report.bytes_deleted += size
        if not self._dry_run:
            self._backend.delete(name)

    def _rescue(self, name: str) -> None:
        original = names.undoomed(name)
        if self._backend.exists(original):
            # Written again since it was set aside.
            self._backend.delete(name)
        else:
            self._backend.move(name, original)

    def _look(self, name: str) -> None:
        digest = names.digest_of(name)
        if digest is None or digest in self._live:
            self.report.live += 1
            return
        if self._now - self._backend.stat(name).modified < self._grace:
            self.report.young += 1
            return
        self.report.set_aside += 1
        if not self._dry_run:
            self._backend.move(name, names.doomed(name))
