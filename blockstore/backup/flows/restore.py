"""``backup.restore``: fill a volume from a backup, and prove it.

The volume becomes ``available`` only when every chunk and the digest of the
whole image were right and the bytes are durable.  A run that was cut off is
repeated from the start.
"""

import functools
import time
import typing

from blockstore import errors
from blockstore import exceptions
from blockstore.backup.flows import base
from blockstore.backup.flows import engine
from blockstore.backup.flows import meter
from blockstore.backup.flows.base import Work
from blockstore.backup.store import results
from blockstore.db import models
from blockstore.db import retry
from blockstore.db import rows
from blockstore.db.engine import Transaction
from blockstore.lifecycle import transitions
from blockstore.lifecycle.backups import BACKUPS
from blockstore.lifecycle.backups import BackupStatus
from blockstore.lifecycle.messages import Action
from blockstore.lifecycle.operations import Claim
from blockstore.lifecycle.volumes import VOLUMES
from blockstore.lifecycle.volumes import VolumeStatus

_POLL = 0.05


class Restore:
    """Runs the flow, and says what its failure means.

    Arguments: ``volume_id`` and ``new`` (the volume is made for this and
    reads as zeros).
    """

    def __init__(self, parts: base.Parts) -> None:
        self._parts = parts

    def run(self, claim: Claim) -> None:
        """Fill the volume."""
        work = base.begin(self._parts, claim, BackupStatus.RESTORING,
                          claim.operation.arguments['volume_id'])
        engine.run(
            'backup.restore', work,
            AwaitVolume(work), Connect(work, provides='info'), Fill(work),
            Disconnect(work), Finish(work))

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Mark the volume, and give the backup back."""
        volume_id = claim.operation.arguments['volume_id']
        transitions.try_move(
            tx, VOLUMES, models.Volume, volume_id,
            VolumeStatus.ERROR_RESTORING, reason=error.message)
        transitions.try_move(
            tx, BACKUPS, models.Backup, claim.operation.resource_id,
            BackupStatus.AVAILABLE, sources=(BackupStatus.RESTORING,),
            reason=error.message)
        volume = rows.get(tx, models.Volume, volume_id)
        if volume is not None and volume.host is not None:
            self._parts.clients.launch(
                tx, claim.context, 'volume.disconnect', volume_id,
                topic='volume', host=volume.host.partition('#')[0],
                project_id=volume.project_id, parent_id=claim.id,
                arguments={'connector': {
                    'attachment_id': claim.operation.resource_id}})
        base.tell(tx, claim, Action.BACKUP_RESTORE, error)


class AwaitVolume(engine.Task):
    """Wait until a volume that is made for this can be filled."""

    def execute(self) -> None:
        """Return when the volume is ready; raise when it cannot be."""
        limit = (time.monotonic()
                 + self.work.parts.conf.operations.wait_timeout)
        while True:
            self.claim.check()
            row = _volume(self.work)
            if row.status == VolumeStatus.RESTORING:
                return
            if row.status != VolumeStatus.CREATING:
                raise exceptions.InvalidStatus(
                    f'volume {row.id} is {row.status} and cannot be filled')
            if time.monotonic() > limit:
                raise exceptions.Unavailable(
                    f'volume {row.id} was not made in time',
                    code=errors.OPERATION_TIMED_OUT)
            time.sleep(_POLL)


class Connect(engine.Task):
    """Open a way to the volume's bytes."""

    def execute(self) -> dict[str, typing.Any] | None:
        """Return the connection information; None if all is filled."""
        if self.claim.facts.get('filled'):
            return None
        with self.work.asking():
            self.work.take_connection(
                lambda host: _disconnect(self.work, host))
            row = _volume(self.work)
            return self.work.parts.clients.volume.initialize_connection(
                self.claim.context, str(row.host), row.id,
                self.work.connector('rw', 'restore'))


class Fill(engine.Task):
    """Write the backup's bytes; the long step."""

    def execute(self, info: dict[str, typing.Any] | None) -> None:
        """Write, check and flush everything."""
        if info is None:
            return
        untouched = (self.claim.operation.arguments['new']
                     and 'begun' not in self.claim.facts)
        self.claim.keep(begun=True)
        with (base.opened(info, writable=True) as connection,
              self.work.parts.writing.sharing() as pace):
            self.work.parts.repository.restore(
                self.work.backup.id, connection, target_is_new=untouched,
                progress=self._progress, check=self.claim.check, pace=pace,
                lease=self.claim)
        self.claim.keep(filled=True)

    @functools.cached_property
    def _meter(self) -> meter.Meter:
        return meter.Meter('restore')

    def _progress(self, progress: results.Progress) -> None:
        self._meter.count(progress)
        self.claim.progress(progress.bytes_total, progress.bytes_done,
                            progress.bytes_skipped)


class Disconnect(engine.Task):
    """Close the way to the volume's bytes."""

    def execute(self) -> None:
        """Close it; closed is success."""
        with self.work.asking():
            _disconnect(self.work)


class Finish(engine.Task):
    """Let the volume be used, and give the backup back."""

    @retry.whole
    def execute(self) -> None:
        """Write the result and the end of the operation together."""
        work = self.work
        with work.parts.database.write() as tx:
            transitions.try_move(
                tx, VOLUMES, models.Volume, work.volume.id,
                VolumeStatus.AVAILABLE, sources=(VolumeStatus.RESTORING,))
            if work.volume.id != work.backup.volume_id:
                rows.set_metadata(tx, models.VolumeMetadata, work.volume.id,
                                  {'src_backup_id': work.backup.id})
            transitions.try_move(
                tx, BACKUPS, models.Backup, work.backup.id,
                BackupStatus.AVAILABLE, sources=(BackupStatus.RESTORING,))
            self.claim.finish(tx)


def _disconnect(work: Work, host: str | None = None) -> None:
    row = _volume(work)
    work.parts.clients.volume.terminate_connection(
        work.claim.context, str(row.host), row.id,
        work.connector('rw', 'restore', host))


def _volume(work: Work) -> models.Volume:
    with work.parts.database.read() as tx:
        row: models.Volume = base.existing(tx, models.Volume, 'volume',
                                           work.volume.id)
        return row
