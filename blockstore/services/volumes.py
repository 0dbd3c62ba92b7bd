"""Volumes: what may be asked for, once they are there.

Each request is checked, and its status change, its intent rows and its
operation are written in one transaction; the work itself is done by the
scheduler and the volume service.
"""

import typing

from oslo_config import cfg

from blockstore import errors
from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import attachments
from blockstore.db import listing
from blockstore.db import models
from blockstore.db import rows
from blockstore.db import snapshots as db_snapshots
from blockstore.db import volumes as db
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction
from blockstore.lifecycle import quotas
from blockstore.lifecycle import transitions
from blockstore.lifecycle.snapshots import SNAPSHOTS
from blockstore.lifecycle.snapshots import SnapshotStatus
from blockstore.lifecycle.volumes import DELETABLE
from blockstore.lifecycle.volumes import FOREIGN
from blockstore.lifecycle.volumes import RESETTABLE
from blockstore.lifecycle.volumes import VOLUMES
from blockstore.lifecycle.volumes import VolumeStatus
from blockstore.rpc.clients import Clients
from blockstore.services import base
from blockstore.services import removals
from blockstore.services import volume_connections as connections
from blockstore.services.volume_connections import VolumeConnections
from blockstore.services.volume_creation import VolumeCreation

ListQuery = listing.ListQuery
Total = tuple[int, int]


class Volumes(VolumeCreation, VolumeConnections):
    """The use cases of volumes."""

    def __init__(self, conf: cfg.ConfigOpts, database: Database,
                 clients: Clients) -> None:
        super().__init__(conf, database, clients)
        self.metadata = base.KeyedMetadata(
            database, 'volume', models.Volume, models.VolumeMetadata,
            frozen=(VolumeStatus.MAINTENANCE,))

    # Reading.

    def get(self, context: RequestContext, id_: str) -> typing.Any:
        """Return a volume with its maps, attachments and type name."""
        with self.database.read() as tx:
            return base.found(db.detail(tx, context, id_), 'volume', id_)

    def list(self, context: RequestContext, query: ListQuery,
             full: bool = True) -> typing.Any:
        """Return one page of volumes; ``full`` with maps and attachments."""
        with self.database.read() as tx:
            return db.page(tx, context, query, full=full)

    def count(self, context: RequestContext, query: ListQuery) -> int:
        """Count what a query matches."""
        with self.database.read() as tx:
            return db.count(tx, context, query)

    def summary(self, context: RequestContext, all_tenants: bool,
                ) -> Total:
        """Return the number of volumes and their total size in GiB."""
        with self.database.read() as tx:
            return db.total(tx, context, all_tenants)

    def summary_metadata(self, context: RequestContext, all_tenants: bool,
                         ) -> typing.Mapping[str, typing.Any]:
        """Return each metadata key with the values that volumes have."""
        with self.database.read() as tx:
            return db.total_metadata(tx, context, all_tenants)

    # Changing.

    def update(self, context: RequestContext, id_: str,
               changes: typing.Mapping[str, typing.Any]) -> typing.Any:
        """Change ``display_name``, ``display_description``, ``metadata``."""
        values = dict(changes)
        metadata = values.pop('metadata', None)
        with self.database.write() as tx:
            volume = base.require(tx, context, models.Volume, 'volume', id_,
                                  lock=True)
            if volume.status == VolumeStatus.MAINTENANCE:
                raise exceptions.InvalidStatus(
                    f'volume {id_} is in maintenance',
                    code=errors.VOLUME_BAD_STATUS)
            rows.update(tx, models.Volume, id_, values)
            if metadata is not None:
                rows.set_metadata(tx, models.VolumeMetadata, id_, metadata,
                                  replace=True)
            return db.detail(tx, context, id_)

    def extend(self, context: RequestContext, id_: str, new_size: int,
               allow_in_use: bool) -> None:
        """Ask for a volume to grow to ``new_size`` GiB."""
        sources = [VolumeStatus.AVAILABLE]
        if allow_in_use:
            sources.append(VolumeStatus.IN_USE)
        with self.database.write() as tx:
            volume = base.require(tx, context, models.Volume, 'volume', id_,
                                  lock=True)
            if new_size <= volume.size:
                raise exceptions.Invalid(
                    f'volume {id_} has {volume.size} GiB and cannot become '
                    f'{new_size} GiB', code=errors.VOLUME_TOO_SMALL,
                    remedy=f'ask for more than {volume.size} GiB')
            if volume.status == VolumeStatus.IN_USE and allow_in_use:
                connections.require_capability(tx, volume, 'extends_online')
            connections.check_readable_meanwhile(tx, self.conf, volume)
            transitions.move(tx, VOLUMES, models.Volume, id_,
                             VolumeStatus.EXTENDING, sources=sources)
            quotas.reserve(
                tx, self.conf, volume.project_id,
                gigabytes=new_size - volume.size, volume_size=new_size,
                volume_type_id=volume.volume_type_id)
            # The quota is counted from sizes: the new one counts from now.
            rows.update(tx, models.Volume, id_, {'size': new_size})
            self.admit(tx, volume.project_id)
            self._launch(tx, context, 'volume.extend', volume, {
                'new_size': new_size, 'old_size': volume.size,
                'old_status': volume.status})

    def revert(self, context: RequestContext, id_: str,
               snapshot_id: str) -> None:
        """Ask for a volume to go back to its latest snapshot."""
        with self.database.write() as tx:
            volume = base.require(tx, context, models.Volume, 'volume', id_,
                                  lock=True)
            snapshot = base.require(tx, context, models.Snapshot, 'snapshot',
                                    snapshot_id, lock=True)
            connections.require_capability(tx, volume, 'reverts')
            self._check_latest(tx, volume, snapshot)
            if (volume.status != VolumeStatus.AVAILABLE
                    or snapshot.status != SnapshotStatus.AVAILABLE
                    or volume.backup_id is not None):
                raise exceptions.Conflict(
                    f'volume {id_} is {volume.status} and snapshot '
                    f'{snapshot_id} is {snapshot.status}; both must be '
                    'available and no backup under way',
                    code=errors.VOLUME_BAD_STATUS,
                    blockers=[f'volume status {volume.status}',
                              f'snapshot status {snapshot.status}',
                              *([f'backup {volume.backup_id}']
                                if volume.backup_id else [])],
                    remedy='detach the volume, or wait')
            transitions.move(tx, VOLUMES, models.Volume, id_,
                             VolumeStatus.REVERTING)
            transitions.move(tx, SNAPSHOTS, models.Snapshot, snapshot_id,
                             SnapshotStatus.RESTORING)
            self.admit(tx, volume.project_id)
            self._launch(tx, context, 'volume.revert', volume,
                         {'snapshot_id': snapshot_id})

    def _check_latest(self, tx: Transaction, volume: models.Volume,
                      snapshot: models.Snapshot) -> None:
        taken = [row for row in db_snapshots.of_volume(tx, volume.id)
                 if row.purpose == 'user']
        if not taken or taken[0].id != snapshot.id:
            latest = taken[0].id if taken else 'none'
            raise exceptions.Invalid(
                f'snapshot {snapshot.id} is not the latest one of volume '
                f'{volume.id}', code=errors.SNAPSHOT_NOT_LATEST,
                blockers=[f'snapshot {latest}'],
                remedy='delete the newer snapshots first, or create a volume '
                       'from the snapshot')
        if snapshot.volume_size != volume.size:
            raise exceptions.Invalid(
                f'volume {volume.id} has grown to {volume.size} GiB since '
                f'snapshot {snapshot.id} of {snapshot.volume_size} GiB',
                remedy='create a volume from the snapshot instead')

    def reset_status(self, context: RequestContext, id_: str,
                     status: str | None = None,
                     attach_status: str | None = None,
                     migration_status: str | None = None) -> None:
        """Set statuses at an administrator's word."""
        values: dict[str, typing.Any] = {}
        if attach_status is not None:
            values['attach_status'] = attach_status
        if migration_status is not None:
            values['migration_status'] = (
                None if migration_status == 'none' else migration_status)
        with self.database.write() as tx:
            volume = base.require(tx, context, models.Volume, 'volume', id_,
                                  lock=True)
            if status is not None and status not in RESETTABLE:
                raise exceptions.Invalid(f'no such volume status: {status}')
            if status == VolumeStatus.IN_USE and not (
                    attachments.of_volume(tx, id_)):
                raise exceptions.Invalid(
                    f'volume {id_} has no attachment to be in use by',
                    remedy='reset it to available')
            if status in FOREIGN:
                removals.check_taken_over(tx, volume)
            if attach_status == 'detached':
                self._drop_attachments(tx, context, volume)
            transitions.reset(tx, models.Volume, id_,
                              status or volume.status, **values)
            self.clients.tell_both(tx, context, 'volume.reset_status',
                                   'volume', id_)

    # Removing.

    def delete(self, context: RequestContext, id_: str, cascade: bool = False,
               force: bool = False) -> None:
        """Ask for a volume to be removed.

        :param cascade: its snapshots with it.
        :param force: whatever its status is.
        """
        with self.database.write() as tx:
            volume = base.require(tx, context, models.Volume, 'volume', id_,
                                  lock=True)
            removals.check_unused(tx, volume)
            if not cascade:
                removals.check_no_snapshots(tx, volume)
            if volume.status in FOREIGN:
                self._forget(tx, context, volume, force)
                return
            sources = None if force else DELETABLE
            transitions.move(
                tx, VOLUMES, models.Volume, id_, VolumeStatus.DELETING,
                db.without_live_attachments(), db.not_backed_up(),
                sources=sources, reason='asked to be removed')
            if cascade:
                self._mark_snapshots(tx, volume)
            if volume.host is None:
                rows.soft_delete(tx, models.Volume, id_)
                self.clients.tell_both(tx, context, 'volume.delete',
                                       'volume', id_)
                return
            if not force:
                self.admit(tx, volume.project_id)
            self._launch(tx, context, 'volume.delete', volume,
                         {'old_status': volume.status})

    def force_delete(self, context: RequestContext, id_: str) -> None:
        """Remove a volume whatever its status is."""
        self.delete(context, id_, force=True)

    def _mark_snapshots(self, tx: Transaction, volume: models.Volume) -> None:
        for row in db_snapshots.of_volume(tx, volume.id):
            if row.purpose == 'user':
                removals.check_no_copies(tx, row.id, f'snapshot {row.id}')
                if row.status == SnapshotStatus.ERROR_MANAGING:
                    transitions.move(
                        tx, SNAPSHOTS, models.Snapshot, row.id,
                        SnapshotStatus.ERROR_MANAGING_DELETING,
                        sources=(SnapshotStatus.ERROR_MANAGING,))
                    continue
                transitions.move(tx, SNAPSHOTS, models.Snapshot, row.id,
                                 SnapshotStatus.DELETING,
                                 sources=(SnapshotStatus.AVAILABLE,
                                          SnapshotStatus.ERROR),
                                 reason='removed with its volume')

    def _forget(self, tx: Transaction, context: RequestContext,
                volume: models.Volume, force: bool) -> None:
        """Remove the row of what could not be taken over, and no bytes."""
        transitions.move(
            tx, VOLUMES, models.Volume, volume.id,
            VolumeStatus.ERROR_MANAGING_DELETING,
            sources=None if force else (VolumeStatus.ERROR_MANAGING,),
            reason='asked to be removed')
        self._launch(tx, context, 'volume.unmanage', volume,
                     {'old_status': volume.status})

    def _launch(self, tx: Transaction, context: RequestContext, kind: str,
                volume: models.Volume,
                arguments: dict[str, typing.Any]) -> None:
        self.clients.launch(
            tx, context, kind, volume.id, topic='volume',
            host=base.owner(volume), project_id=volume.project_id,
            arguments=arguments)
