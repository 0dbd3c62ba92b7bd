"""``backup.delete``: remove a backup; every other one still restores."""

from blockstore import exceptions
from blockstore.backup.flows import base
from blockstore.backup.flows import sources
from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction
from blockstore.lifecycle import transitions
from blockstore.lifecycle.backups import BACKUPS
from blockstore.lifecycle.backups import BackupStatus
from blockstore.lifecycle.messages import Action
from blockstore.lifecycle.operations import Claim


class Delete:
    """Removes the manifest, then the row and the base snapshot.

    Chunks that nothing reaches any more are left to ``store prune``.
    """

    def __init__(self, parts: base.Parts) -> None:
        self._parts = parts

    def run(self, claim: Claim) -> None:
        """Remove the backup; gone is success."""
        with self._parts.database.read() as tx:
            row = rows.get(tx, models.Backup, claim.operation.resource_id)
        if row is not None and row.status == BackupStatus.DELETING:
            self._parts.repository.delete(row.id)
        with self._parts.database.write() as tx:
            if row is not None and row.status == BackupStatus.DELETING:
                self._remove_row(tx, claim, row)
            claim.finish(tx)

    def _remove_row(self, tx: Transaction, claim: Claim, row: models.Backup,
                    ) -> None:
        rows.soft_delete(tx, models.Backup, row.id)
        base.release_source(tx, row, 'error_backing-up')
        volume = rows.get(tx, models.Volume, row.volume_id)
        if volume is None or volume.host is None:
            return
        sources.clean_up(tx, self._parts.clients, claim, row, volume)
        if row.base_snapshot_id is not None:
            sources.drop_base(tx, self._parts.clients, claim,
                              row.base_snapshot_id, volume)

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Leave the backup in ``error_deleting``."""
        transitions.try_move(
            tx, BACKUPS, models.Backup, claim.operation.resource_id,
            BackupStatus.ERROR_DELETING, reason=error.message,
            fail_reason=error.message[:255])
        base.tell(tx, claim, Action.BACKUP_DELETE, error)
