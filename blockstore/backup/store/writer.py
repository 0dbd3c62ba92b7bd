"""Makes one backup, or goes on with it."""

from collections.abc import Generator
from collections.abc import Iterable
from collections.abc import Iterator
import contextlib
import dataclasses
import time

from oslo_log import log as logging

from blockstore import errors
from blockstore import exceptions
from blockstore.backup.store import catalogue
from blockstore.backup.store import chunks
from blockstore.backup.store import journal
from blockstore.backup.store import layout
from blockstore.backup.store import manifest
from blockstore.backup.store import names
from blockstore.backup.store import pipeline
from blockstore.backup.store import plan
from blockstore.backup.store import presence
from blockstore.backup.store import recorder
from blockstore.backup.store import results
from blockstore.backup.store import settings
from blockstore.backup.store import table
from blockstore.backup.stores import base
from blockstore.volume.connections import base as connections

LOG = logging.getLogger(__name__)

_TELL_SECONDS = 0.5


@dataclasses.dataclass(frozen=True)
class Task:
    """What to back up.

    :ivar extents: what is allocated, ascending.
    :ivar changed: what differs from the parent, ascending; None to find out
        by reading all that is allocated.
    """

    source: connections.Connection
    header: manifest.BackupHeader
    extents: Iterable[connections.Extent]
    changed: Iterable[connections.Extent] | None
    parent: str | None


class Writer:
    """Writes one backup into a store."""

    def __init__(self, backend: base.Backend, store: chunks.ChunkStore,
                 constants: layout.Layout, how: settings.Settings,
                 task: Task, pace: results.Pace,
                 lease: results.Lease) -> None:
        self._backend = backend
        self._store = store
        self._layout = constants
        self._how = how
        self._task = task
        self._pace = pace
        self._lease = lease
        self._id = task.header.id
        self._size = task.source.size
        self._name = names.manifest(task.header.container, self._id)
        self._journal = journal.Journal(backend, constants, self._id)
        self._recorder = recorder.Recorder(
            backend, store, constants, how, self._journal, self._size)
        self._progress = results.Progress(bytes_total=self._size)
        self._parent: table.Table | None = None

    def run(self, tell: results.Tell,
            check: results.Check) -> results.BackupSummary:
        """Make the backup; raises as ``Repository.backup`` tells."""
        self._journal.unstage()
        if self._backend.exists(self._name):
            return self._committed()
        start = self._begin()
        resumed = self._resume()
        with (presence.Presence(self._store, self._how.workers) as looks,
              contextlib.closing(self._results(looks)) as units):
            self._collect(units, tell, check)
        digest = self._recorder.finish()
        check()
        record = self._commit(start, digest)
        tell(self._progress)
        return results.BackupSummary(record, self._progress, resumed)

    def _begin(self) -> journal.Start:
        start = self._journal.start()
        if start is not None:
            # Without a parent: it could not be used at the first attempt.
            if (start.header.fields() != self._task.header.fields()
                    or start.size != self._size
                    or start.parent_id not in (None, self._task.parent)):
                raise exceptions.StoreObjectExists(
                    f'backup {self._id} began with another header',
                    remedy='abandon it first')
            self._parent = self._entries(start)
            return start
        start = journal.Start(self._task.header, self._size)
        if self._task.parent is not None:
            parent = self._find(self._task.parent)
            wanted = dataclasses.replace(
                start, parent_id=parent.id, parent_size=parent.size,
                parent_segments=parent.segments)
            self._parent = self._entries(wanted)
            if self._parent is not None:
                start = wanted
        self._journal.begin(start)
        if start.parent_id is not None:
            # Now that the parent is pinned: had it gone before that, prune
            # may not have seen the pin.
            self._find(start.parent_id)
        return start

    def _entries(self, start: journal.Start) -> table.Table | None:
        """Return the parent's entries, if there is one and it is whole."""
        if start.parent_id is None:
            return None
        entries = table.Table(self._store, self._layout, start.parent_size,
                              start.parent_segments)
        if entries.usable():
            return entries
        LOG.warning('Backup %s reads all that is allocated: segments of its '
                    'parent %s are missing or damaged', self._id,
                    start.parent_id)
        return None

    def _find(self, parent_id: str) -> manifest.BackupRecord:
        try:
            return catalogue.find(self._backend, self._layout, parent_id)
        except exceptions.StoreObjectMissing as error:
            self._journal.remove()
            raise exceptions.StoreObjectMissing(
                f'the parent {parent_id} of backup {self._id} is not in '
                'the store', code=errors.BACKUP_NO_PARENT,
                remedy='make a full backup') from error

    def _resume(self) -> int:
        for entries in self._journal.entries():
            self._recorder.replay(entries)
        done = min(self._recorder.count * self._layout.chunk_size, self._size)
        if done:
            LOG.info('Backup %s goes on after %d of %d bytes',
                     self._id, done, self._size)
        self._progress = dataclasses.replace(
            self._progress, bytes_done=done, bytes_skipped=done)
        return done

    def _results(self, looks: presence.Presence,
                 ) -> Generator[pipeline.Done | None, None, None]:
        planner = plan.Planner(self._layout, self._size, self._parent,
                               looks.absent)
        first = self._recorder.count
        if self._task.changed is None or self._parent is None:
            units = planner.by_allocation(self._task.extents, first)
        else:
            units = planner.by_changes(self._task.extents,
                                       self._task.changed, first)
        return pipeline.Pipeline(
            self._store, self._task.source, self._size,
            self._layout.chunk_size, self._how.workers,
            self._pace).run(units)

    def _collect(self, units: Iterator[pipeline.Done | None],
                 tell: results.Tell, check: results.Check) -> None:
        told = time.monotonic()
        check()
        for done in units:
            if done is not None:
                self._recorder.add(done)
                self._count(done)
            if self._recorder.due():
                self._recorder.flush()
            now = time.monotonic()
            if now - told >= _TELL_SECONDS:
                told = now
                tell(self._progress)
                check()

    def _count(self, done: pipeline.Done) -> None:
        old = self._progress
        self._progress = results.Progress(
            old.bytes_total,
            old.bytes_done + done.covered,
            old.bytes_read + done.read,
            old.bytes_skipped + done.covered - done.read,
            old.bytes_stored + done.stored,
            old.chunks_written + done.written,
            old.chunks_reused + done.reused)

    def _commit(self, start: journal.Start,
                digest: str) -> manifest.BackupRecord:
        wanted = self._layout.chunks(self._size)
        if self._recorder.count != wanted:
            raise exceptions.StoreError(
                f'backup {self._id} has {self._recorder.count} chunks '
                f'instead of {wanted}')
        record = manifest.BackupRecord(
            header=self._task.header, size=self._size,
            chunk_size=self._layout.chunk_size,
            segment_entries=self._layout.segment_entries,
            parent_id=start.parent_id, chunks=wanted,
            data_chunks=self._recorder.data_count, image_digest=digest,
            segments=bytes(self._recorder.segments))
        self._publish(manifest.encode(record, self._layout))
        self._backend.sync()
        self._journal.remove()
        self._progress = dataclasses.replace(
            self._progress, bytes_stored=(self._progress.bytes_stored
                                          + self._recorder.bytes_stored))
        return record

    def _publish(self, parts: list[bytes]) -> None:
        """Give the manifest its name, if nobody else has taken over.

        It lies beside the journal first.  Who takes over after the lease was
        confirmed finds it there and takes it away, so that a worker that was
        frozen just here cannot bring a backup back that is deleted since.
        """
        staged = self._journal.stage(parts)
        self._lease.confirm()
        try:
            self._backend.move(staged, self._name)
        except exceptions.StoreObjectMissing:
            # Done, by a first try that seemed to fail; or taken away.
            if not self._backend.exists(self._name):
                raise

    def _committed(self) -> results.BackupSummary:
        # Cut off between the commit and the removal of the journal.
        record = manifest.read(self._backend, self._name, self._layout)
        if (record.header.fields() != self._task.header.fields()
                or record.size != self._size):
            raise exceptions.StoreObjectExists(
                f'there is another backup {self._id} in the store',
                remedy='delete it first')
        self._backend.sync()
        self._journal.remove()
        return results.BackupSummary(record, dataclasses.replace(
            self._progress, bytes_done=self._size,
            bytes_skipped=self._size), self._size)
