"""Backups: what may be asked for."""

import dataclasses
import typing
import urllib.parse

from oslo_config import cfg
from oslo_utils import timeutils
from oslo_utils import uuidutils

from blockstore import errors
from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import backups as db
from blockstore.db import listing
from blockstore.db import models
from blockstore.db import operations as db_operations
from blockstore.db import rows
from blockstore.db import services as db_services
from blockstore.db import volumes as db_volumes
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction
from blockstore.lifecycle import quotas
from blockstore.lifecycle import transitions
from blockstore.lifecycle.backups import BACKUPS
from blockstore.lifecycle.backups import BackupStatus
from blockstore.lifecycle.backups import DELETABLE
from blockstore.lifecycle.backups import RESETTABLE
from blockstore.lifecycle.snapshots import SNAPSHOTS
from blockstore.lifecycle.snapshots import SnapshotStatus
from blockstore.lifecycle.volumes import VOLUMES
from blockstore.lifecycle.volumes import VolumeStatus
from blockstore.rpc.clients import Clients
from blockstore.services import base
from blockstore.services import restores
from blockstore.services import zones
from blockstore.services.volumes import Volumes

_CONTAINER_LENGTH = 250


@dataclasses.dataclass(frozen=True)
class BackupSpec:
    """What a caller wants backed up, and how."""

    volume_id: str
    name: str | None = None
    description: str | None = None
    container: str | None = None
    incremental: bool = False
    force: bool = False
    snapshot_id: str | None = None
    metadata: typing.Mapping[str, str] = dataclasses.field(
        default_factory=dict)
    availability_zone: str | None = None


class Restored(typing.NamedTuple):
    """The answer to a restore: what is filled from what."""

    backup_id: str
    volume_id: str
    volume_name: str | None


class Backups(base.UseCases):
    """The use cases of backups."""

    def __init__(self, conf: cfg.ConfigOpts, database: Database,
                 clients: Clients, volumes: Volumes) -> None:
        super().__init__(conf, database, clients)
        self._volumes = volumes

    def get(self, context: RequestContext, id_: str) -> typing.Any:
        """Return a backup with its metadata."""
        with self.database.read() as tx:
            return base.found(db.detail(tx, context, id_), 'backup', id_)

    def list(self, context: RequestContext, query: listing.ListQuery,
             ) -> typing.Any:
        """Return one page of backups, with metadata."""
        with self.database.read() as tx:
            return db.page(tx, context, query)

    def count(self, context: RequestContext, query: listing.ListQuery) -> int:
        """Count what a query matches."""
        with self.database.read() as tx:
            return db.count(tx, context, query)

    def create(self, context: RequestContext, spec: BackupSpec) -> typing.Any:
        """Ask for a backup; return it with status ``creating``.

        A volume in use needs ``force`` (R-115); a snapshot does not.
        """
        _check_container(spec.container)
        id_ = uuidutils.generate_uuid()
        with self.database.write() as tx:
            volume = base.require(tx, context, models.Volume, 'volume',
                                  spec.volume_id, lock=True)
            snapshot = self._snapshot(tx, context, spec)
            if snapshot is None:
                _check_source(volume, spec.force)
            self._check_service(tx)
            if spec.availability_zone is not None:
                zones.check(tx, spec.availability_zone, db_services.BACKUP)
            parent = self._parent(tx, volume, spec, snapshot)
            size = snapshot.volume_size if snapshot else volume.size
            self.admit(tx, volume.project_id)
            quotas.reserve(tx, self.conf, volume.project_id, backups=1,
                           backup_gigabytes=size)
            rows.insert(
                tx, models.Backup, id=id_, volume_id=volume.id,
                project_id=volume.project_id, user_id=context.user_id,
                display_name=spec.name, display_description=spec.description,
                status=BackupStatus.CREATING, size=size,
                container=spec.container, snapshot_id=spec.snapshot_id,
                availability_zone=spec.availability_zone,
                parent_id=parent.id if parent else None,
                data_timestamp=(snapshot.created_at if snapshot
                                else timeutils.utcnow()))
            rows.set_metadata(tx, models.BackupMetadata, id_, spec.metadata)
            self._hold_source(tx, id_, volume, snapshot)
            self.clients.launch(
                tx, context, 'backup.create', id_, topic='backup', host=None,
                project_id=volume.project_id)
            return db.detail(tx, context, id_)

    def _snapshot(self, tx: Transaction, context: RequestContext,
                  spec: BackupSpec) -> models.Snapshot | None:
        if spec.snapshot_id is None:
            return None
        snapshot = base.require(tx, context, models.Snapshot, 'snapshot',
                                spec.snapshot_id, lock=True)
        if snapshot.volume_id != spec.volume_id:
            raise exceptions.Invalid(
                f'snapshot {snapshot.id} is not of volume {spec.volume_id}',
                blockers=[f'volume {snapshot.volume_id}'],
                remedy='name the volume of the snapshot')
        return snapshot

    def _check_service(self, tx: Transaction) -> None:
        live = db_services.live(tx, 'cinder-backup',
                                self.conf.service.service_down_time)
        if not any(not service.disabled for service in live):
            raise exceptions.Unavailable(
                'no backup service is up and enabled',
                code=errors.BACKUP_NO_SERVICE,
                remedy='start blockstore-backup, or enable it')

    def _parent(self, tx: Transaction, volume: models.Volume,
                spec: BackupSpec, snapshot: models.Snapshot | None,
                ) -> models.Backup | None:
        if not spec.incremental:
            return None
        parent = db.newest(tx, volume.project_id, volume.id,
                           snapshot.created_at if snapshot else None)
        if parent is None:
            raise exceptions.Invalid(
                f'volume {volume.id} has no earlier backup to build on',
                code=errors.BACKUP_NO_PARENT,
                remedy='make a full backup first')
        return parent

    def _hold_source(self, tx: Transaction, id_: str, volume: models.Volume,
                     snapshot: models.Snapshot | None) -> None:
        if snapshot is not None:
            transitions.move(tx, SNAPSHOTS, models.Snapshot, snapshot.id,
                             SnapshotStatus.BACKING_UP)
        elif not db_volumes.hold_for_backup(
                tx, volume.id, id_,
                (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE)):
            raise exceptions.InvalidStatus(
                f'volume {volume.id} is being backed up already',
                code=errors.VOLUME_BACKING_UP,
                blockers=[f'backup {volume.backup_id}'],
                remedy='wait until that backup has ended')

    def update(self, context: RequestContext, id_: str,
               changes: typing.Mapping[str, typing.Any]) -> typing.Any:
        """Change ``display_name``, ``display_description``, ``metadata``."""
        values = dict(changes)
        metadata = values.pop('metadata', None)
        with self.database.write() as tx:
            base.require(tx, context, models.Backup, 'backup', id_,
                         lock=True)
            rows.update(tx, models.Backup, id_, values)
            if metadata is not None:
                rows.set_metadata(tx, models.BackupMetadata, id_, metadata,
                                  replace=True)
            return db.detail(tx, context, id_)

    def restore(self, context: RequestContext, id_: str,
                volume_id: str | None = None, name: str | None = None,
                ) -> Restored:
        """Ask for a volume, given or new, to be filled from a backup."""
        with self.database.write() as tx:
            backup = base.require(tx, context, models.Backup, 'backup', id_,
                                  lock=True)
            if backup.status != BackupStatus.AVAILABLE:
                raise exceptions.InvalidStatus(
                    f'backup {id_} is {backup.status}',
                    code=errors.BACKUP_BAD_STATUS,
                    blockers=[f'status {backup.status}'],
                    remedy='wait until it is available')
            self._check_service(tx)
            self.admit(tx, backup.project_id)
            if volume_id is None:
                name = name or f'restore_backup_{id_}'
                target = self._volumes.insert_for_restore(
                    tx, context, backup, name)
            else:
                target = volume_id
                name = self._take_target(tx, context, backup, volume_id)
            restores.launch(tx, self.clients, context, id_, target,
                            new=volume_id is None)
        return Restored(id_, target, name)

    def _take_target(self, tx: Transaction, context: RequestContext,
                     backup: models.Backup, volume_id: str) -> str | None:
        volume = base.require(tx, context, models.Volume, 'volume',
                              volume_id, lock=True)
        if volume.size < backup.size:
            raise exceptions.Invalid(
                f'volume {volume_id} has {volume.size} GiB, backup '
                f'{backup.id} has {backup.size} GiB',
                code=errors.VOLUME_TOO_SMALL,
                remedy='extend the volume, or restore to a new one')
        if volume.backup_id is not None:
            raise exceptions.InvalidStatus(
                f'volume {volume_id} is being backed up',
                code=errors.VOLUME_BACKING_UP,
                blockers=[f'backup {volume.backup_id}'],
                remedy='wait until that backup has ended')
        transitions.move(
            tx, VOLUMES, models.Volume, volume_id, VolumeStatus.RESTORING,
            db_volumes.not_backed_up(), sources=(VolumeStatus.AVAILABLE,))
        return volume.display_name

    def delete(self, context: RequestContext, id_: str, force: bool = False,
               ) -> None:
        """Ask for a backup to be removed; any other one still restores.

        :param force: whatever its status is; what runs is stopped.
        """
        with self.database.write() as tx:
            backup = base.require(tx, context, models.Backup, 'backup', id_,
                                  lock=True)
            if not force:
                _check_no_children(tx, id_)
                self.admit(tx, backup.project_id)
            transitions.move(
                tx, BACKUPS, models.Backup, id_, BackupStatus.DELETING,
                sources=None if force else DELETABLE,
                reason='asked to be removed')
            db_operations.cancel(tx, id_, ('backup.create',
                                           'backup.restore'))
            self.clients.launch(
                tx, context, 'backup.delete', id_, topic='backup', host=None,
                project_id=backup.project_id)

    def reset_status(self, context: RequestContext, id_: str, status: str,
                     ) -> None:
        """Set the status at an administrator's word; what runs is stopped."""
        if status not in RESETTABLE:
            raise exceptions.Invalid(
                f'a backup cannot be reset to {status}',
                remedy='use available or error')
        with self.database.write() as tx:
            base.require(tx, context, models.Backup, 'backup', id_,
                         lock=True)
            db_operations.cancel(tx, id_, ('backup.create',
                                           'backup.restore'))
            transitions.reset(tx, models.Backup, id_, status)
            self.clients.tell_both(tx, context, 'backup.reset_status',
                                   'backup', id_)


def _check_no_children(tx: Transaction, id_: str) -> None:
    building = db.built_on(tx, id_)
    if building:
        raise exceptions.InvalidStatus(
            f'an incremental backup is being made on backup {id_}',
            code=errors.BACKUP_BUILT_ON,
            blockers=[f'backup {one}' for one in building[:10]],
            remedy='wait until it is there: it restores alone then')


def _check_container(name: str | None) -> None:
    """Refuse a name that no store could keep: names are quoted there."""
    if name and len(urllib.parse.quote(name, safe='')) > _CONTAINER_LENGTH:
        raise exceptions.Invalid(
            'the container name is too long',
            remedy='use a shorter one, or only ASCII letters and digits')


def _check_source(volume: models.Volume, force: bool) -> None:
    if volume.status == VolumeStatus.IN_USE and not force:
        raise exceptions.Invalid(
            f'volume {volume.id} is in use: you must use the force flag to '
            'back it up', code=errors.BACKUP_NEEDS_FORCE,
            blockers=[f'status {volume.status}'],
            remedy='repeat the request with force: its clients go on '
                   'undisturbed')
    if volume.status not in (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE):
        raise exceptions.InvalidStatus(
            f'volume {volume.id} is {volume.status}',
            code=errors.VOLUME_BAD_STATUS,
            blockers=[f'status {volume.status}'],
            remedy='wait until it is available or in-use')
