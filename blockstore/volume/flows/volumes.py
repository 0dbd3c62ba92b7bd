"""What the volume service does to volumes."""

from collections.abc import Sequence

from oslo_utils import timeutils

from blockstore import exceptions
from blockstore.db import attachments as db_attachments
from blockstore.db import backups as db_backups
from blockstore.db import models
from blockstore.db import rows
from blockstore.db import snapshots as db_snapshots
from blockstore.db.engine import Transaction
from blockstore.lifecycle import transitions
from blockstore.lifecycle.messages import Action
from blockstore.lifecycle.messages import Detail
from blockstore.lifecycle.operations import Claim
from blockstore.lifecycle.snapshots import FOREIGN
from blockstore.lifecycle.snapshots import SNAPSHOTS
from blockstore.lifecycle.snapshots import SnapshotStatus
from blockstore.lifecycle.volumes import by_attachments
from blockstore.lifecycle.volumes import VOLUMES
from blockstore.lifecycle.volumes import VolumeStatus
from blockstore.volume.drivers import base as drivers
from blockstore.volume.flows import base

_S = VolumeStatus


class Create(base.Handler):
    """``volume.create``: empty, from a snapshot, or a clone.

    The argument ``to_restore`` leaves it in ``restoring-backup``, so that
    nobody gets at it before it is filled.
    """

    def run(self, claim: Claim) -> None:
        """Make the volume."""
        row = self.volume(claim.operation.resource_id)
        if row is None or row.status != _S.CREATING:
            self.end(claim)
            return
        made = base.updates(self._make(row))
        target = (_S.RESTORING if claim.operation.arguments.get('to_restore')
                  else _S.AVAILABLE)
        with self.database.write() as tx:
            transitions.try_move(tx, VOLUMES, models.Volume, row.id, target,
                                 sources=(_S.CREATING,),
                                 launched_at=timeutils.utcnow(), **made)
            claim.finish(tx)

    def _make(self, row: models.Volume) -> drivers.Updates | None:
        volume = base.as_volume(row)
        if row.snapshot_id:
            snapshot = self.snapshot(row.snapshot_id)
            if snapshot is None:
                raise exceptions.NotFound(
                    f'snapshot {row.snapshot_id} is gone')
            return self.driver.create_volume_from_snapshot(
                volume, base.as_snapshot(snapshot))
        if row.source_volid:
            source = self.volume(row.source_volid)
            if source is None:
                raise exceptions.NotFound(
                    f'source volume {row.source_volid} is gone')
            return self.driver.create_cloned_volume(
                volume, base.as_volume(source))
        return self.driver.create_volume(volume)

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Leave the volume in ``error``; its owner deletes it."""
        transitions.try_move(
            tx, VOLUMES, models.Volume, claim.operation.resource_id,
            _S.ERROR, sources=(_S.CREATING,), reason=error.message)
        _tell(tx, claim, Action.VOLUME_CREATE, Detail.VOLUME_CREATE_ERROR)


class Delete(base.Handler):
    """``volume.delete``: its remaining snapshots, then the volume."""

    def run(self, claim: Claim) -> None:
        """Remove what stands on the back end, then the rows."""
        row = self.volume(claim.operation.resource_id)
        if row is None or row.status != _S.DELETING:
            self.end(claim)
            return
        try:
            delete_snapshots(self, claim, row.id)
            base.remove_volume(self.driver, claim, base.as_volume(row))
        except (exceptions.VolumeIsBusy, exceptions.SnapshotIsBusy) as error:
            self._keep(claim, row, error)
            return
        with self.database.write() as tx:
            for one in db_attachments.of_volume(tx, row.id):
                db_attachments.remove(tx, one.id)
            rows.soft_delete(tx, models.Volume, row.id)
            db_backups.forget_volume(tx, row.id)
            claim.finish(tx)

    def _keep(self, claim: Claim, row: models.Volume,
              error: exceptions.BlockstoreError) -> None:
        """Give a volume back that the back end refuses to remove (R-023).

        One whose bytes were not whole does not become available by that.
        """
        whole = claim.operation.arguments.get(
            'old_status', _S.AVAILABLE) in (_S.AVAILABLE, _S.ERROR_EXTENDING)
        with self.database.write() as tx:
            transitions.move(tx, VOLUMES, models.Volume, row.id,
                             _S.AVAILABLE if whole else _S.ERROR_DELETING,
                             sources=(_S.DELETING,), reason=error.message)
            for snapshot in db_snapshots.of_volume(tx, row.id):
                transitions.try_move(
                    tx, SNAPSHOTS, models.Snapshot, snapshot.id,
                    base.kept(snapshot), sources=(SnapshotStatus.DELETING,),
                    reason=error.message)
            _tell(tx, claim, Action.VOLUME_DELETE, Detail.VOLUME_BUSY,
                  error.blockers)
            claim.fail(tx, error)

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Leave the volume in ``error_deleting``."""
        id_ = claim.operation.resource_id
        transitions.try_move(tx, VOLUMES, models.Volume, id_,
                             _S.ERROR_DELETING, reason=error.message)
        for snapshot in db_snapshots.of_volume(tx, id_):
            transitions.try_move(
                tx, SNAPSHOTS, models.Snapshot, snapshot.id,
                SnapshotStatus.ERROR_DELETING,
                sources=(SnapshotStatus.DELETING,), reason=error.message)
        _tell(tx, claim, Action.VOLUME_DELETE, Detail.VOLUME_DELETE_ERROR)


def delete_snapshots(handler: base.Handler, claim: Claim, volume_id: str,
                     ) -> None:
    """Remove all snapshots of a volume; those that are not ours are let go.
    """
    with handler.database.read() as tx:
        taken = db_snapshots.of_volume(tx, volume_id)
    for snapshot in taken:
        _remove_snapshot(handler.driver, snapshot)
        with claim.write() as tx:
            rows.soft_delete(tx, models.Snapshot, snapshot.id)
            db_backups.forget_snapshot(tx, snapshot.id)
            claim.tell_of(tx, 'snapshot.delete.end', 'snapshot', snapshot.id)


def _remove_snapshot(driver: drivers.Driver, row: models.Snapshot) -> None:
    called, snapshot = driver, base.as_snapshot(row)
    if row.status not in FOREIGN:
        called.delete_snapshot(snapshot)
    elif drivers.has(driver, drivers.ManagesSnapshots):
        called.unmanage_snapshot(snapshot)


class Extend(base.Handler):
    """``volume.extend``: grow to the argument ``new_size`` (GiB)."""

    def run(self, claim: Claim) -> None:
        """Grow the volume, attached or not."""
        row = self.volume(claim.operation.resource_id)
        # Also when an administrator has set another status meanwhile: its
        # row has the new size already.
        if row is None or row.status in (_S.DELETING, _S.ERROR_DELETING):
            self.end(claim)
            return
        arguments = claim.operation.arguments
        if arguments['old_status'] == _S.IN_USE:
            drivers.require(self.driver, drivers.ExtendsOnline)
        self.driver.extend_volume(
            base.as_volume(row, size=arguments['old_size']),
            arguments['new_size'])
        with self.database.write() as tx:
            _settle(tx, row.id)
            claim.finish(tx)

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Give the size back; a driver that cannot leaves all as it was."""
        id_ = claim.operation.resource_id
        rows.update(tx, models.Volume, id_, {
            'size': claim.operation.arguments['old_size']})
        if isinstance(error, exceptions.Unsupported):
            _settle(tx, id_, reason=error.message)
        else:
            transitions.try_move(tx, VOLUMES, models.Volume, id_,
                                 _S.ERROR_EXTENDING, reason=error.message)
        base.tell(tx, claim, Action.VOLUME_EXTEND, Detail.VOLUME_EXTEND_ERROR)


class Revert(base.Handler):
    """``volume.revert``: go back to the argument ``snapshot_id``."""

    def run(self, claim: Claim) -> None:
        """Give the detached volume the snapshot's bytes."""
        row = self.volume(claim.operation.resource_id)
        snapshot = self.snapshot(claim.operation.arguments['snapshot_id'])
        if row is None or snapshot is None or row.status != _S.REVERTING:
            self.end(claim)
            return
        driver = drivers.require(self.driver, drivers.Reverts)
        driver.revert_to_snapshot(claim.context, base.as_volume(row),
                                  base.as_snapshot(snapshot))
        with self.database.write() as tx:
            self._release(tx, claim, _S.AVAILABLE, '')
            claim.finish(tx)

    def _release(self, tx: Transaction, claim: Claim, status: str,
                 reason: str) -> None:
        transitions.try_move(tx, VOLUMES, models.Volume,
                             claim.operation.resource_id, status,
                             sources=(_S.REVERTING,), reason=reason)
        transitions.try_move(
            tx, SNAPSHOTS, models.Snapshot,
            claim.operation.arguments['snapshot_id'],
            SnapshotStatus.AVAILABLE, sources=(SnapshotStatus.RESTORING,))

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Leave the volume in ``error``, unless nothing was begun."""
        unchanged = isinstance(error, exceptions.Unsupported)
        self._release(tx, claim, _S.AVAILABLE if unchanged else _S.ERROR,
                      error.message)
        base.tell(tx, claim, Action.VOLUME_REVERT, Detail.VOLUME_REVERT_ERROR)


def _tell(tx: Transaction, claim: Claim, action: Action, detail: Detail,
          blockers: Sequence[str] = ()) -> None:
    """Tell the project of a failure, unless the volume is not its own."""
    row = rows.get(tx, models.Volume, claim.operation.resource_id)
    if row is not None and row.purpose == 'user':
        base.tell(tx, claim, action, detail, blockers)


def _settle(tx: Transaction, volume_id: str, reason: str = '') -> None:
    """End an extension with the status that the attachments say."""
    # Held first: whoever changes its attachments must have ended.
    rows.get(tx, models.Volume, volume_id, lock=True)
    statuses = {row.attach_status
                for row in db_attachments.of_volume(tx, volume_id)}
    connected = by_attachments(statuses)[0] != _S.AVAILABLE
    transitions.try_move(
        tx, VOLUMES, models.Volume, volume_id,
        _S.IN_USE if connected else _S.AVAILABLE,
        sources=(_S.EXTENDING,), reason=reason)
