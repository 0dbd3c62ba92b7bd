"""What the volume service does to snapshots."""

from blockstore import exceptions
from blockstore.db import backups as db_backups
from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction
from blockstore.lifecycle import transitions
from blockstore.lifecycle.messages import Action
from blockstore.lifecycle.messages import Detail
from blockstore.lifecycle.operations import Claim
from blockstore.lifecycle.snapshots import SNAPSHOTS
from blockstore.lifecycle.snapshots import SnapshotStatus
from blockstore.volume.flows import base
from blockstore.volume.flows import connections

_S = SnapshotStatus


class Create(base.Handler):
    """``snapshot.create``: freeze a volume's bytes at one moment."""

    def run(self, claim: Claim) -> None:
        """Take the snapshot."""
        row = self.snapshot(claim.operation.resource_id)
        if row is None or row.status != _S.CREATING:
            self.end(claim)
            return
        taken = base.updates(self.driver.create_snapshot(
            base.as_snapshot(row)))
        with self.database.write() as tx:
            transitions.try_move(tx, SNAPSHOTS, models.Snapshot, row.id,
                                 _S.AVAILABLE, sources=(_S.CREATING,),
                                 progress='100%', **taken)
            claim.finish(tx)

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Leave the snapshot in ``error``; its owner deletes it."""
        transitions.try_move(
            tx, SNAPSHOTS, models.Snapshot, claim.operation.resource_id,
            _S.ERROR, reason=error.message)
        _tell(tx, claim, Action.SNAPSHOT_CREATE, Detail.SNAPSHOT_CREATE_ERROR)


class Delete(base.Handler):
    """``snapshot.delete``: remove a snapshot; gone is success."""

    def run(self, claim: Claim) -> None:
        """Remove the snapshot from the back end, then its row."""
        row = self.snapshot(claim.operation.resource_id)
        if row is None or row.status != _S.DELETING:
            self.end(claim)
            return
        try:
            if row.purpose != 'user':
                connections.disconnect_snapshot(
                    self.driver, claim, base.as_snapshot(row), None)
            self.driver.delete_snapshot(base.as_snapshot(row))
        except exceptions.SnapshotIsBusy as error:
            self._keep(claim, row, error)
            return
        with self.database.write() as tx:
            rows.soft_delete(tx, models.Snapshot, row.id, progress='100%')
            db_backups.forget_snapshot(tx, row.id)
            claim.finish(tx)

    def _keep(self, claim: Claim, row: models.Snapshot,
              error: exceptions.BlockstoreError) -> None:
        with self.database.write() as tx:
            transitions.move(tx, SNAPSHOTS, models.Snapshot, row.id,
                             base.kept(row), sources=(_S.DELETING,),
                             reason=error.message)
            _tell(tx, claim, Action.SNAPSHOT_DELETE, Detail.SNAPSHOT_BUSY)
            claim.fail(tx, error)

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Leave the snapshot in ``error_deleting``."""
        transitions.try_move(
            tx, SNAPSHOTS, models.Snapshot, claim.operation.resource_id,
            _S.ERROR_DELETING, reason=error.message)
        _tell(tx, claim, Action.SNAPSHOT_DELETE, Detail.SNAPSHOT_DELETE_ERROR)


def _tell(tx: Transaction, claim: Claim, action: Action, detail: Detail,
          ) -> None:
    """Tell the project of a failure, unless the snapshot is not its own."""
    row = rows.get(tx, models.Snapshot, claim.operation.resource_id)
    if row is not None and row.purpose == 'user':
        base.tell(tx, claim, action, detail)
