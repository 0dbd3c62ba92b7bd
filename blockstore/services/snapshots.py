"""Snapshots: what may be asked for."""

import typing

from oslo_config import cfg
from oslo_utils import uuidutils

from blockstore import errors
from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import listing
from blockstore.db import models
from blockstore.db import operations as db_operations
from blockstore.db import rows
from blockstore.db import snapshots as db
from blockstore.db import volumes as db_volumes
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction
from blockstore.lifecycle import quotas
from blockstore.lifecycle import transitions
from blockstore.lifecycle.snapshots import DELETABLE
from blockstore.lifecycle.snapshots import FOREIGN
from blockstore.lifecycle.snapshots import RESETTABLE
from blockstore.lifecycle.snapshots import SNAPSHOTS
from blockstore.lifecycle.snapshots import SnapshotStatus
from blockstore.lifecycle.volumes import VolumeStatus
from blockstore.rpc.clients import Clients
from blockstore.services import base


class Snapshots(base.UseCases):
    """The use cases of snapshots."""

    def __init__(self, conf: cfg.ConfigOpts, database: Database,
                 clients: Clients) -> None:
        super().__init__(conf, database, clients)
        self.metadata = base.KeyedMetadata(
            database, 'snapshot', models.Snapshot, models.SnapshotMetadata)

    def get(self, context: RequestContext, id_: str) -> typing.Any:
        """Return a snapshot with its metadata."""
        with self.database.read() as tx:
            return base.found(db.detail(tx, context, id_), 'snapshot', id_)

    def list(self, context: RequestContext, query: listing.ListQuery,
             ) -> typing.Any:
        """Return one page of snapshots, with metadata."""
        with self.database.read() as tx:
            return db.page(tx, context, query)

    def count(self, context: RequestContext, query: listing.ListQuery) -> int:
        """Count what a query matches."""
        with self.database.read() as tx:
            return db.count(tx, context, query)

    def create(self, context: RequestContext, volume_id: str,
               name: str | None = None, description: str | None = None,
               metadata: typing.Mapping[str, str] | None = None,
               allow_in_use: bool = False) -> typing.Any:
        """Ask for a snapshot; return it with status ``creating``."""
        id_ = uuidutils.generate_uuid()
        with self.database.write() as tx:
            volume = base.require(tx, context, models.Volume, 'volume',
                                  volume_id, lock=True)
            check_source(volume, allow_in_use)
            self.admit(tx, volume.project_id)
            quotas.reserve(
                tx, self.conf, volume.project_id, snapshots=1,
                gigabytes=volume.size, volume_type_id=volume.volume_type_id)
            made = insert(tx, context, id_, volume, name=name,
                          description=description, metadata=metadata or {})
            self.clients.launch(
                tx, context, 'snapshot.create', id_, topic='volume',
                host=base.owner(volume), project_id=volume.project_id)
            return made

    def update(self, context: RequestContext, id_: str,
               changes: typing.Mapping[str, typing.Any]) -> typing.Any:
        """Change ``display_name`` and ``display_description``."""
        with self.database.write() as tx:
            base.require(tx, context, models.Snapshot, 'snapshot', id_)
            rows.update(tx, models.Snapshot, id_, changes)
            return db.detail(tx, context, id_)

    def delete(self, context: RequestContext, id_: str, force: bool = False,
               ) -> None:
        """Ask for a snapshot to be removed.

        :param force: whatever its status is.
        """
        with self.database.write() as tx:
            snapshot = base.require(tx, context, models.Snapshot, 'snapshot',
                                    id_, lock=True)
            check_unneeded(tx, snapshot)
            if snapshot.status in FOREIGN and not _is_ours(tx, snapshot):
                self._forget(tx, context, snapshot, force)
                return
            if not force:
                self.admit(tx, snapshot.project_id)
            transitions.move(
                tx, SNAPSHOTS, models.Snapshot, id_, SnapshotStatus.DELETING,
                sources=None if force else DELETABLE,
                reason='asked to be removed')
            volume = rows.get(tx, models.Volume, snapshot.volume_id)
            if volume is None or volume.host is None:
                rows.soft_delete(tx, models.Snapshot, id_)
                self.clients.tell_both(tx, context, 'snapshot.delete',
                                       'snapshot', id_)
                return
            self.clients.launch(
                tx, context, 'snapshot.delete', id_, topic='volume',
                host=base.owner(volume),
                project_id=snapshot.project_id)

    def _forget(self, tx: Transaction, context: RequestContext,
                snapshot: models.Snapshot, force: bool) -> None:
        """Remove the row of what could not be taken over, and no bytes."""
        transitions.move(
            tx, SNAPSHOTS, models.Snapshot, snapshot.id,
            SnapshotStatus.ERROR_MANAGING_DELETING,
            sources=None if force else (SnapshotStatus.ERROR_MANAGING,),
            reason='asked to be removed')
        volume = rows.get(tx, models.Volume, snapshot.volume_id)
        if volume is None or volume.host is None:
            rows.soft_delete(tx, models.Snapshot, snapshot.id)
            return
        self.clients.launch(
            tx, context, 'snapshot.unmanage', snapshot.id, topic='volume',
            host=base.owner(volume), project_id=snapshot.project_id,
            arguments={'old_status': snapshot.status})

    def reset_status(self, context: RequestContext, id_: str, status: str,
                     ) -> None:
        """Set the status at an administrator's word."""
        if status not in RESETTABLE:
            raise exceptions.Invalid(f'no such snapshot status: {status}')
        with self.database.write() as tx:
            base.require(tx, context, models.Snapshot, 'snapshot', id_,
                         lock=True)
            transitions.reset(tx, models.Snapshot, id_, status)
            self.clients.tell_both(tx, context, 'snapshot.reset_status',
                                   'snapshot', id_)


def insert(tx: Transaction, context: RequestContext, id_: str,
           volume: models.Volume, *, name: str | None,
           description: str | None, metadata: typing.Mapping[str, str],
           status: str = SnapshotStatus.CREATING) -> typing.Any:
    """Add a user's snapshot; return it."""
    return db.make(
        tx, metadata, id=id_, volume_id=volume.id,
        project_id=volume.project_id, user_id=context.user_id,
        display_name=name, display_description=description,
        status=str(status), progress='0%',
        volume_size=volume.size, volume_type_id=volume.volume_type_id)


def _is_ours(tx: Transaction, snapshot: models.Snapshot) -> bool:
    """Tell whether only an administrator says that it is being let go."""
    if snapshot.status != SnapshotStatus.UNMANAGING or (
            db_operations.open_of(tx, snapshot.id)):
        return False
    last = db_operations.last_closed(tx, snapshot.id)
    return last is None or last.kind != 'snapshot.unmanage'


def check_source(volume: models.Volume, allow_in_use: bool) -> None:
    """Refuse a volume whose status allows no new snapshot."""
    statuses = [VolumeStatus.AVAILABLE]
    if allow_in_use:
        statuses.append(VolumeStatus.IN_USE)
    if volume.status not in statuses:
        raise exceptions.InvalidStatus(
            f'volume {volume.id} is {volume.status}',
            code=errors.VOLUME_BAD_STATUS,
            blockers=[f'status {volume.status}'],
            remedy='use force (or API 3.66) for a volume in use'
            if volume.status == VolumeStatus.IN_USE else
            'wait until it is available')
    base.owner(volume)


def check_unneeded(tx: Transaction, snapshot: models.Snapshot) -> None:
    """Refuse a snapshot that volumes are being made from."""
    making = db_volumes.sources(tx, snapshot.id)
    if making:
        raise exceptions.InvalidStatus(
            f'volumes are being made from snapshot {snapshot.id}',
            code=errors.SNAPSHOT_HAS_DEPENDENTS,
            blockers=[f'volume {one}' for one in making[:10]],
            remedy='wait until they are available')
