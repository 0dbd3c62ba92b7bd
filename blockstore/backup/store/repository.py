"""The backup store as the rest of blockstore sees it.

A repository keeps backups in a backend.  Every backup restores alone; any
backup can be deleted at any time, in any order; what was cut off is continued
by calling the same method again.  All methods may be called by several
threads, and by several hosts, at once.

>>> repository = Repository(backend, Settings())
>>> repository.backup(source, header, extents=source.extents(0, source.size))
>>> repository.restore(header.id, target, target_is_new=True)
"""

from collections.abc import Iterable
from collections.abc import Iterator
import datetime
import functools

from oslo_config import cfg

from blockstore import exceptions
from blockstore.backup.store import catalogue
from blockstore.backup.store import chunks
from blockstore.backup.store import journal
from blockstore.backup.store import layout
from blockstore.backup.store import manifest as manifests
from blockstore.backup.store import names
from blockstore.backup.store import prune
from blockstore.backup.store import restore
from blockstore.backup.store import results
from blockstore.backup.store import settings as how
from blockstore.backup.store import verify
from blockstore.backup.store import writer
from blockstore.backup.stores import base
from blockstore.backup.stores import loader
from blockstore.backup.stores import wrappers
from blockstore.volume.connections import base as connections


class Repository:
    """A backup store.

    Nothing is read or written before the first use; a new store is set up
    then.  All methods raise :class:`blockstore.exceptions.StoreError`.
    """

    def __init__(self, backend: base.Backend,
                 settings: how.Settings | None = None) -> None:
        self.backend = backend
        self.settings = settings or how.Settings()

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts) -> 'Repository':
        """Make the repository that the section ``[store]`` describes."""
        return cls(loader.load(conf), how.Settings.from_conf(conf))

    def check(self) -> None:
        """Raise StoreError unless something can be written."""
        self.backend.now()

    @functools.cached_property
    def layout(self) -> layout.Layout:
        """The store's constants."""
        return layout.load(self.backend, self.settings)

    @functools.cached_property
    def chunks(self) -> chunks.ChunkStore:
        """The store's chunks."""
        return chunks.ChunkStore(self.backend, self.layout,
                                 self.settings.level)

    def backup(self, source: connections.Connection,
               header: manifests.BackupHeader, *,
               extents: Iterable[connections.Extent],
               changed: Iterable[connections.Extent] | None = None,
               parent: str | None = None,
               progress: results.Tell = results.tell_nobody,
               check: results.Check = results.check_nothing,
               pace: results.Pace = results.without_limit,
               lease: results.Lease = results.FOR_EVER,
               ) -> results.BackupSummary:
        """Make a backup, or go on with one that was cut off.

        It is gone on with if it has the same ``header`` and ``parent``; the
        source must then show the same bytes as before.  If it cannot, call
        :meth:`abandon` first.  A backup that exists already is left alone.

        What the parent has but the store has lost is read from the source.
        If segments of the parent are lost the backup becomes a full one; its
        record names no parent then.

        :param extents: what of the source is allocated, ascending.  Used
            from another thread, together with the source.
        :param changed: what may differ from the parent, ascending; nothing
            else is read unless the store has lost it.  None: all that is
            allocated is read.
        :param parent: id of an earlier backup of the volume; None: full.
        :param progress: called twice a second, and at the end.
        :param check: called twice a second; what it raises ends the backup.
        :param pace: asked before bytes are read from the source.
        :param lease: asked before each change of the store.
        :raises StoreObjectMissing: there is no such parent
            (``blockstore.backup.no_parent``).
        :raises StoreObjectExists: another backup has, or began with, the id.
        """
        if changed is not None and parent is None:
            raise exceptions.Invalid('changed extents need a parent')
        task = writer.Task(source, header, extents, changed, parent)
        backend = wrappers.Fenced(self.backend, lease.fence)
        store = chunks.ChunkStore(backend, self.layout, self.settings.level)
        return writer.Writer(backend, store, self.layout, self.settings,
                             task, pace, lease).run(progress, check)

    def restore(self, backup_id: str, target: connections.Connection, *,
                target_is_new: bool,
                progress: results.Tell = results.tell_nobody,
                check: results.Check = results.check_nothing,
                pace: results.Pace = results.without_limit,
                lease: results.Lease = results.FOR_EVER,
                ) -> results.RestoreSummary:
        """Write a backup to a target; returns when it is durable and proven.

        May be called again, whatever happened.  What the target has beyond
        the backup's size is not touched.

        :param target_is_new: the target reads as zeros already.
        :param progress: called twice a second, and at the end.
        :param check: called twice a second; what it raises ends the restore.
        :param pace: asked before bytes are written to the target.
        :param lease: asked before each write to the target.
        :raises StoreObjectMissing: no such backup, or a chunk is missing.
        :raises StoreObjectDamaged: what the store holds is not what was
            backed up; the target has undefined bytes.
        :raises Invalid: the target is too small.
        """
        return restore.Restore(
            self.chunks, self.layout, self.manifest(backup_id), target,
            target_is_new, self.settings.workers, pace, lease,
            ).run(progress, check)

    def manifest(self, backup_id: str) -> manifests.BackupRecord:
        """Tell what is known of a backup.

        :raises StoreObjectMissing: there is no such backup.
        """
        return catalogue.find(self.backend, self.layout, backup_id)

    def catalogue(self) -> Iterator[manifests.BackupRecord]:
        """Yield all backups; enough to rebuild the database's rows.

        Manifests that cannot be read are logged and left out; verify lists
        them.
        """
        return catalogue.records(self.backend, self.layout)

    def unfinished(self) -> Iterator[str]:
        """Yield the ids of backups that began and were not committed."""
        return journal.unfinished(self.backend)

    def delete(self, backup_id: str) -> None:
        """Remove a backup; no error if there is none.

        Its chunks stay until :meth:`prune` finds that nothing reaches them.
        """
        # First what would still be published, so that it is not, then what
        # has been.
        self.abandon(backup_id)
        name = catalogue.locate(self.backend, backup_id)
        if name is not None:
            self.backend.delete(name)
            self.backend.sync()

    def abandon(self, backup_id: str) -> None:
        """Forget how far a backup had come that will not be continued."""
        journal.Journal(self.backend, self.layout, backup_id).remove()
        self.backend.sync()

    def prune(self, grace: float | None = None, *, dry_run: bool = False,
              check: results.Check = results.check_nothing,
              ) -> prune.PruneReport:
        """Remove chunks that no backup reaches.

        An object is set aside when it has been unreachable for the grace
        time, and deleted by a later run when it has been aside for as long.

        :param grace: seconds; ``[store] prune_grace`` if not given.  Less
            than that is safe only while no backup runs.
        :param dry_run: only tell.
        :raises StoreObjectDamaged: not everything can be read that tells
            what is needed; nothing was removed.
        """
        seconds = self.settings.prune_grace if grace is None else grace
        live = prune.Marker(self.backend, self.chunks, self.layout,
                            check).run()
        return prune.Prune(self.backend, live,
                           datetime.timedelta(seconds=seconds), dry_run,
                           check).run()

    def verify(self, *, all_bytes: bool = False, set_aside: bool = False,
               check: results.Check = results.check_nothing,
               ) -> verify.VerifyReport:
        """Check that every backup can be restored.

        :param all_bytes: read and prove every chunk; otherwise manifests and
            segments are proven, and chunks only looked for.
        :param set_aside: move damaged chunks and segments to
            ``.store/damaged/``; the next backup that has the same bytes
            stores them again, which heals every backup that needs them.
        """
        return verify.Verify(self.backend, self.chunks, self.layout,
                             all_bytes, set_aside, self.settings.workers,
                             check).run()

    def container(self, name: str | None) -> str:
        """Return the container to use for a request that names this one.

        :raises Invalid: no container can have that name.
        """
        chosen = name or self.settings.container
        names.container(chosen)
        return chosen
