"""How volumes come to be: what is wanted, and from what.

A new volume's row, its quota, its place if that is known already, and the
operation that makes it are written in one transaction.
"""

from collections.abc import Callable
import dataclasses
import typing

from oslo_utils import uuidutils

from blockstore import errors
from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import models
from blockstore.db import rows
from blockstore.db import types as db_types
from blockstore.db import volumes as db
from blockstore.db.engine import Transaction
from blockstore.lifecycle import quotas
from blockstore.lifecycle.snapshots import SnapshotStatus
from blockstore.lifecycle.volumes import VolumeStatus
from blockstore.scheduler import base as scheduling
from blockstore.services import base
from blockstore.services import restores
from blockstore.services import types
from blockstore.services import zones


class Placed(typing.NamedTuple):
    """Where a new volume will be: ``host@backend#pool``, and its zone."""

    host: str
    zone: str | None


#: Chooses the place of a new volume in the transaction that takes it, from
#: what is wanted and the host of its source; without one a scheduler does.
Place = Callable[[Transaction, scheduling.Request, str | None], Placed]


@dataclasses.dataclass(frozen=True)
class VolumeSpec:
    """What a caller wants a new volume to be; sizes in GiB."""

    size: int | None = None
    name: str | None = None
    description: str | None = None
    volume_type: str | None = None
    metadata: typing.Mapping[str, str] = dataclasses.field(
        default_factory=dict)
    snapshot_id: str | None = None
    source_volid: str | None = None
    backup_id: str | None = None
    availability_zone: str | None = None
    scheduler_hints: typing.Mapping[str, typing.Any] = dataclasses.field(
        default_factory=dict)
    place: Place | None = None


@dataclasses.dataclass(frozen=True)
class _Source:
    """Where a new volume's bytes come from."""

    size: int = 1
    host: str | None = None
    zone: str | None = None
    volume_type_id: str | None = None
    what: str = ''
    bootable: bool = False


class VolumeCreation(base.UseCases):
    """The use cases that make volumes."""

    def create(self, context: RequestContext, spec: VolumeSpec,
               ) -> typing.Any:
        """Ask for a new volume; return it with status ``creating``."""
        id_ = uuidutils.generate_uuid()
        with self.database.write() as tx:
            self._insert(tx, context, id_, spec)
            if spec.backup_id:
                self._restore_into(tx, context, id_, spec.backup_id)
            return db.detail(tx, context, id_)

    def insert_for_restore(self, tx: Transaction, context: RequestContext,
                           backup: models.Backup, name: str) -> str:
        """Add a new volume that a restore will fill; return its id."""
        id_ = uuidutils.generate_uuid()
        self._insert(tx, context, id_, VolumeSpec(
            size=backup.size, name=name, backup_id=backup.id))
        return id_

    def _insert(self, tx: Transaction, context: RequestContext, id_: str,
                spec: VolumeSpec) -> None:
        source = self._source(tx, context, spec)
        size = spec.size or source.size
        if size < source.size:
            raise exceptions.Invalid(
                f'a volume of {size} GiB cannot hold {source.what}, which has '
                f'{source.size} GiB', code=errors.VOLUME_TOO_SMALL,
                blockers=[source.what],
                remedy=f'ask for at least {source.size} GiB')
        volume_type = types.resolve(
            tx, self.conf, context, spec.volume_type or source.volume_type_id)
        type_id = volume_type.id if volume_type else None
        project_id = base.project_of(context)
        if spec.availability_zone is not None:
            zones.check(tx, spec.availability_zone)
            zones.check_same(spec.availability_zone, source.zone, source.what)
        self.admit(tx, project_id)
        quotas.reserve(tx, self.conf, project_id, volumes=1,
                       gigabytes=size, volume_size=size,
                       volume_type_id=type_id)
        specs = (db_types.specs_of(tx, [type_id]).get(type_id, {})
                 if type_id else {})
        place = Placed(source.host, source.zone) if source.host else None
        if spec.place is not None:
            place = spec.place(tx, scheduling.Request(
                size=size, extra_specs=specs,
                availability_zone=spec.availability_zone), source.host)
        host, zone = place or (None, source.zone)
        rows.insert(
            tx, models.Volume, id=id_, project_id=project_id,
            user_id=context.user_id, display_name=spec.name,
            display_description=spec.description, size=size,
            status=VolumeStatus.CREATING, volume_type_id=type_id,
            availability_zone=spec.availability_zone or zone,
            snapshot_id=spec.snapshot_id, source_volid=spec.source_volid,
            host=host, bootable=source.bootable,
            multiattach=specs.get('multiattach') == '<is> True')
        rows.set_metadata(tx, models.VolumeMetadata, id_, spec.metadata)
        self.clients.launch(
            tx, context, 'volume.create', id_,
            topic='volume' if host else 'scheduler',
            host=host.partition('#')[0] if host else None,
            project_id=project_id,
            arguments={'to_restore': bool(spec.backup_id)})

    def _source(self, tx: Transaction, context: RequestContext,
                spec: VolumeSpec) -> _Source:
        given = [name for name in ('snapshot_id', 'source_volid', 'backup_id')
                 if getattr(spec, name)]
        if len(given) > 1:
            raise exceptions.Invalid(
                'a volume has one source, not ' + ' and '.join(given))
        if spec.snapshot_id:
            return self._from_snapshot(tx, context, spec.snapshot_id)
        if spec.source_volid:
            return self._from_volume(tx, context, spec.source_volid)
        if spec.backup_id:
            backup = base.require(tx, context, models.Backup, 'backup',
                                  spec.backup_id, lock=True)
            return _Source(size=backup.size, what=f'backup {backup.id}')
        if not spec.size:
            raise exceptions.Invalid(
                'size is required for a volume without a source',
                remedy='give size in GiB')
        return _Source()

    def _from_snapshot(self, tx: Transaction, context: RequestContext,
                       id_: str) -> _Source:
        snapshot = base.require(tx, context, models.Snapshot, 'snapshot', id_,
                                lock=True)
        if snapshot.status != SnapshotStatus.AVAILABLE:
            raise exceptions.InvalidStatus(
                f'snapshot {id_} is {snapshot.status}',
                code=errors.SNAPSHOT_BAD_STATUS,
                blockers=[f'status {snapshot.status}'],
                remedy='wait until the snapshot is available')
        parent = base.found(rows.get(tx, models.Volume, snapshot.volume_id),
                            'volume', snapshot.volume_id)
        return _Source(size=snapshot.volume_size, host=parent.host,
                       zone=parent.availability_zone,
                       volume_type_id=snapshot.volume_type_id,
                       what=f'snapshot {id_}', bootable=parent.bootable)

    def _from_volume(self, tx: Transaction, context: RequestContext,
                     id_: str) -> _Source:
        volume = base.require(tx, context, models.Volume, 'volume', id_,
                              lock=True)
        if volume.status not in (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE):
            raise exceptions.InvalidStatus(
                f'source volume {id_} is {volume.status}',
                code=errors.VOLUME_BAD_STATUS,
                blockers=[f'status {volume.status}'],
                remedy='wait until it is available or in-use')
        return _Source(size=volume.size, host=volume.host,
                       zone=volume.availability_zone,
                       volume_type_id=volume.volume_type_id,
                       what=f'volume {id_}', bootable=volume.bootable)

    def _restore_into(self, tx: Transaction, context: RequestContext,
                      id_: str, backup_id: str) -> None:
        restores.launch(tx, self.clients, context, backup_id, id_, new=True)
