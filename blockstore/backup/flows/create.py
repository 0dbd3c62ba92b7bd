"""``backup.create``: copy a volume's bytes of one moment into the store.

The volume goes on being used: what is held is a temporary snapshot or volume
(R-100 … R-107).  Steps: prepare source, connect, copy, disconnect, release
source, finish.  A run that was cut off in the copy goes on where it stopped;
one that was cut off later does not copy again.
"""

from collections.abc import Iterator
import functools
import itertools
import typing

from oslo_log import log as logging
from oslo_utils import timeutils
from taskflow.types import failure

from blockstore import exceptions
from blockstore.backup.flows import base
from blockstore.backup.flows import engine
from blockstore.backup.flows import meter
from blockstore.backup.flows import sources
from blockstore.backup.flows.sources import Source
from blockstore.backup.store import results
from blockstore.backup.store.manifest import BackupHeader
from blockstore.db import backups as db_backups
from blockstore.db import models
from blockstore.db import retry
from blockstore.db import rows
from blockstore.db.engine import Transaction
from blockstore.lifecycle import transitions
from blockstore.lifecycle.backups import BACKUPS
from blockstore.lifecycle.backups import BackupStatus
from blockstore.lifecycle.messages import Action
from blockstore.lifecycle.operations import Claim
from blockstore.volume.connections.base import Connection
from blockstore.volume.connections.base import Extent

LOG = logging.getLogger(__name__)
GIB = 1 << 30


class Create:
    """Runs the flow, and says what its failure means."""

    def __init__(self, parts: base.Parts) -> None:
        self._parts = parts

    def run(self, claim: Claim) -> None:
        """Make the backup."""
        work = base.begin(self._parts, claim, BackupStatus.CREATING, None)
        engine.run(
            'backup.create', work, PrepareSource(work, provides='source'),
            Connect(work, provides='info'), Copy(work), Disconnect(work),
            ReleaseSource(work), Finish(work))

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Give the source back, and start to remove what was temporary."""
        backup = rows.get(tx, models.Backup, claim.operation.resource_id)
        if backup is None:
            return
        transitions.try_move(
            tx, BACKUPS, models.Backup, backup.id, BackupStatus.ERROR,
            reason=error.message, fail_reason=error.message[:255])
        base.release_source(tx, backup, 'error_backing-up')
        volume = rows.get(tx, models.Volume, backup.volume_id)
        if volume is not None and volume.host is not None:
            sources.clean_up(tx, self._parts.clients, claim, backup, volume)
            self._disconnect(tx, claim, backup, volume)
        base.tell(tx, claim, Action.BACKUP_CREATE, error)

    def _disconnect(self, tx: Transaction, claim: Claim,
                    backup: models.Backup, volume: models.Volume) -> None:
        """Close, durably, a way to what is not removed anyway."""
        if backup.temp_snapshot_id or backup.temp_volume_id:
            return
        sources.disconnect_later(
            tx, self._parts.clients, claim, backup, volume,
            Source(volume.id, backup.snapshot_id))


class PrepareSource(engine.Task):
    """Choose what to read; make a temporary object if need be."""

    def execute(self) -> Source | None:
        """Return the source, or None when all is copied already."""
        work, facts = self.work, self.claim.facts
        if facts.get('copied'):
            return Source(*facts['source'])
        if 'how' not in facts:
            with work.asking():
                abilities = work.parts.clients.volume.get_capabilities(
                    self.claim.context, work.owner)
            self.claim.keep(
                how=sources.choose(work, abilities),
                can_compare='changed_extents' in abilities['capabilities'],
                can_map='allocated_extents' in abilities['capabilities'])
        source = sources.prepare(work, facts['how'])
        if 'source' not in facts:
            self._note_cut(source)
        return source

    @retry.whole
    def _note_cut(self, source: Source) -> None:
        """Remember what is read, of which moment, and since which base."""
        work = self.work
        backup = work.row()
        values: dict[str, typing.Any] = {
            'data_timestamp': timeutils.utcnow()}
        with work.parts.database.write() as tx:
            if source.snapshot_id:
                snapshot = base.existing(tx, models.Snapshot, 'snapshot',
                                         source.snapshot_id)
                values['data_timestamp'] = snapshot.created_at
                values['size'] = snapshot.volume_size
            values['container'] = work.parts.repository.container(
                backup.container)
            rows.update(tx, models.Backup, backup.id, values)
            # Of the first attempt: what a user renames meanwhile does not
            # make it another backup.
            self.claim.remember(
                tx, source=list(source), described={
                    'name': backup.display_name,
                    'description': backup.display_description,
                    'metadata': rows.metadata(
                        tx, models.BackupMetadata, [backup.id],
                        ).get(backup.id, {}),
                    'user_id': backup.user_id,
                    'size': values.get('size', backup.size),
                    'snapshot_id': backup.snapshot_id,
                    'created_at': backup.created_at.isoformat(),
                    'volume_name': work.volume.display_name})


class Connect(engine.Task):
    """Open a way to the source's bytes."""

    def execute(self, source: Source) -> dict[str, typing.Any] | None:
        """Return the connection information."""
        if self.claim.facts.get('copied'):
            return None
        with self.work.asking():
            return sources.connect(self.work, source)


class Copy(engine.Task):
    """Copy the bytes; the long step."""

    def execute(self, source: Source,
                info: dict[str, typing.Any] | None) -> None:
        """Store what the store does not have yet."""
        if info is None:
            return
        parent = self._parent()
        with (base.opened(info) as connection,
              self.work.parts.reading.sharing() as pace):
            changed = self._changed(source, parent, connection.size)
            summary = self.work.parts.repository.backup(
                connection, self._header(),
                extents=self._allocated(source, connection),
                changed=changed, parent=parent.id if parent else None,
                progress=self._progress, check=self.claim.check, pace=pace,
                lease=self.claim)
        self._note_copy(summary)

    @retry.whole
    def _note_copy(self, summary: results.BackupSummary) -> None:
        """Note that all bytes are in the store."""
        with self.work.parts.database.write() as tx:
            self.claim.remember(
                tx, copied=True, bytes_read=summary.progress.bytes_read,
                bytes_stored=summary.progress.bytes_stored,
                bytes_resumed=summary.bytes_resumed)
            rows.update(tx, models.Backup, self.work.backup.id, {
                'object_count': summary.record.object_count,
                # None where the store has lost segments of the parent.
                'parent_id': summary.record.parent_id,
                # The volume may have grown since it was asked for.
                'size': -(-summary.record.size // GIB)})

    def revert(self, flow_failures: dict[str, failure.Failure],
               **_: typing.Any) -> None:
        """Forget a copy that will not be gone on with."""
        if not engine.failed_for_good(flow_failures):
            return
        try:
            # What failed may be the loss of the source to a successor, whose
            # journal this is now.
            self.claim.confirm()
            self.work.parts.repository.abandon(self.work.backup.id)
        except exceptions.LeaseLost as error:
            LOG.warning('Backup %s: %s', self.work.backup.id, error)
        except exceptions.StoreError as error:
            # Housekeeping does it later; what failed first is what counts.
            LOG.warning('The journal of backup %s stays for now: %s',
                        self.work.backup.id, error)

    def _header(self) -> BackupHeader:
        row = self.work.row()
        if row.data_timestamp is None:
            raise exceptions.BlockstoreError(f'backup {row.id} has no time')
        return BackupHeader(
            id=row.id, project_id=row.project_id, volume_id=row.volume_id,
            container=str(row.container), data_timestamp=row.data_timestamp,
            metadata=self.claim.facts['described'])

    def _parent(self) -> models.Backup | None:
        """Return the parent if the store still has it; else go on full."""
        row = self.work.row()
        if row.parent_id is None:
            return None
        with self.work.parts.database.read() as tx:
            parent = rows.get(tx, models.Backup, row.parent_id)
        try:
            self.work.parts.repository.manifest(row.parent_id)
        except exceptions.StoreObjectMissing:
            parent = None
        if parent is None:
            with self.claim.write() as tx:
                rows.update(tx, models.Backup, row.id, {'parent_id': None})
            self.work.parts.repository.abandon(row.id)
        return parent

    def _changed(self, source: Source, parent: models.Backup | None,
                 size: int) -> Iterator[Extent] | None:
        """Return what changed since the parent, if the driver can tell."""
        base_id = sources.base_of(self.work, parent)
        if base_id is None or source.snapshot_id is None or (
                not self.claim.facts['can_compare']):
            return None
        extents = self._windows(source.snapshot_id, base_id, size)
        try:
            first = next(extents, None)
        except exceptions.Unsupported:
            return None
        return extents if first is None else itertools.chain([first], extents)

    def _allocated(self, source: Source, connection: Connection,
                   ) -> Iterator[Extent]:
        """Return what holds data, as far as anybody knows.

        The connection tells it, or names everything when it cannot (a block
        device); then the driver may know more of its snapshot.
        """
        found = connection.extents(0, connection.size)
        first = next(found, None)
        if first is None:
            return found
        if (first == Extent(0, connection.size)
                and source.snapshot_id is not None
                # A backup that was begun by an older service does not say.
                and self.claim.facts.get('can_map')):
            return self._windows(source.snapshot_id, None, connection.size)
        return itertools.chain([first], found)

    def _windows(self, snapshot_id: str, base_id: str | None, size: int,
                 ) -> Iterator[Extent]:
        window = self.work.parts.conf.backup.extent_window
        for offset in range(0, size, window):
            with self.work.asking():
                found = self.work.parts.clients.volume.get_extents(
                    self.claim.context, self.work.owner, snapshot_id,
                    base_id, offset, min(window, size - offset))
            yield from itertools.starmap(Extent, found)

    @functools.cached_property
    def _meter(self) -> meter.Meter:
        return meter.Meter('backup')

    def _progress(self, progress: results.Progress) -> None:
        self._meter.count(progress)
        self.claim.progress(progress.bytes_total, progress.bytes_done,
                            progress.bytes_skipped)


class Disconnect(engine.Task):
    """Close the way to the source's bytes."""

    def execute(self, source: Source) -> None:
        """Close it, now or durably later: the copy is good already."""
        work = self.work
        try:
            sources.disconnect(work, source)
            for host in self.claim.facts.get('former_hosts', []):
                sources.disconnect(work, source, host)
        except (exceptions.DriverError, exceptions.Unavailable) as error:
            LOG.warning('The source of backup %s is disconnected later: %s',
                        work.backup.id, error)
            with self.claim.write() as tx:
                sources.disconnect_later(tx, work.parts.clients, self.claim,
                                         work.backup, work.volume, source)


class ReleaseSource(engine.Task):
    """Remove the temporary object, or keep it as a base."""

    def execute(self, source: Source) -> None:
        """Leave nothing behind that has no further use."""
        sources.release(
            self.work,
            keep_base=(self.work.parts.conf.backup.keep_base_snapshot
                       and self.claim.facts['can_compare']))


class Finish(engine.Task):
    """Say that the backup is there, and give everything back."""

    @retry.whole
    def execute(self) -> None:
        """Write the result and the end of the operation together."""
        work = self.work
        with work.parts.database.write() as tx:
            backup = base.existing(tx, models.Backup, 'backup',
                                   work.backup.id)
            transitions.try_move(
                tx, BACKUPS, models.Backup, backup.id,
                BackupStatus.AVAILABLE, sources=(BackupStatus.CREATING,),
                host=work.parts.host, service='blockstore',
                availability_zone=backup.availability_zone
                or work.parts.conf.service.availability_zone,
                base_snapshot_id=backup.base_snapshot_id
                or backup.snapshot_id)
            base.release_source(tx, backup, 'backing-up')
            self._drop_older_bases(tx, backup)
            self.claim.finish(tx)

    def _drop_older_bases(self, tx: Transaction, backup: models.Backup,
                          ) -> None:
        if backup.base_snapshot_id is None:
            return
        for older in db_backups.with_base(tx, backup.volume_id):
            if older.id != backup.id and older.base_snapshot_id and (
                    older.project_id == backup.project_id
                    # Another one, of a snapshot, may compare with it now.
                    and not set(db_backups.built_on(tx, older.id))
                    - {backup.id}):
                sources.drop_base(tx, self.work.parts.clients, self.claim,
                                  older.base_snapshot_id, self.work.volume)
