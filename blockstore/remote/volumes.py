"""What other services may ask of a volume service, besides connections."""

import dataclasses

from oslo_config import cfg
import oslo_messaging as messaging

from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import services as db_services
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction
from blockstore.objects.snapshot import SnapshotInfo
from blockstore.objects.volume import VolumeInfo
from blockstore.remote import base
from blockstore.rpc import versions
from blockstore.rpc.clients import Clients
from blockstore.rpc.methods import volume as methods
from blockstore.scheduler import base as scheduling
from blockstore.scheduler.places import Places
from blockstore.services import manageable
from blockstore.services.manageable import Reference
from blockstore.services.volume_creation import Placed


class VolumeRequests(base.Requests):
    """Volumes and snapshots; see :mod:`blockstore.rpc.methods.volume`.

    :param host: the back end that new volumes go to: ``host@backend``.
    """

    SERVICE = 'volume'
    METHODS = methods.METHODS
    target = messaging.Target(version=versions.RPC['volume'])

    def __init__(self, conf: cfg.ConfigOpts, database: Database,
                 clients: Clients, host: str) -> None:
        super().__init__(conf, database, clients)
        self._host = host
        self._places = Places(conf)

    # Volumes.

    def create_volume(self, context: RequestContext, size: int | None = None,
                      name: str | None = None,
                      description: str | None = None,
                      volume_type: str | None = None,
                      metadata: dict[str, str] | None = None,
                      snapshot_id: str | None = None,
                      source_volid: str | None = None,
                      backup_id: str | None = None,
                      operation_id: str | None = None) -> base.Answer:
        """Make a volume on this back end."""
        return self._create_volume(context, operation_id, {
            'size': size, 'name': name, 'description': description,
            'volume_type': volume_type, 'metadata': metadata,
            'snapshot_id': snapshot_id, 'source_volid': source_volid,
            'backup_id': backup_id}, place=self._here)

    def _here(self, tx: Transaction, wanted: scheduling.Request,
              source_host: str | None) -> Placed:
        if source_host is not None and (
                source_host.partition('#')[0] != self._host):
            raise exceptions.Invalid(
                f'the source is on {source_host}, not on {self._host}',
                blockers=[source_host],
                remedy='ask the back end of the source, or a scheduler')
        service = db_services.get(tx, self._host, db_services.VOLUME)
        return Placed(
            source_host or self._places.choose(tx, wanted, self._host),
            service.availability_zone if service else None)

    def delete_volume(self, context: RequestContext, volume_id: str,
                      cascade: bool | None = None,
                      operation_id: str | None = None) -> base.Answer:
        """Remove a volume."""
        return self._once(
            context, operation_id, 'volume.delete',
            {'volume_id': volume_id, 'cascade': bool(cascade)},
            lambda services: services.volumes.delete(
                context, volume_id, cascade=bool(cascade)))

    def extend_volume(self, context: RequestContext, volume_id: str,
                      new_size: int, allow_in_use: bool | None = None,
                      operation_id: str | None = None) -> base.Answer:
        """Grow a volume."""
        return self._once(
            context, operation_id, 'volume.extend',
            {'volume_id': volume_id, 'new_size': new_size,
             'allow_in_use': bool(allow_in_use)},
            lambda services: services.volumes.extend(
                context, volume_id, new_size, bool(allow_in_use)))

    def revert_to_snapshot(self, context: RequestContext, volume_id: str,
                           snapshot_id: str,
                           operation_id: str | None = None) -> base.Answer:
        """Take a volume back to its latest snapshot."""
        return self._once(
            context, operation_id, 'volume.revert',
            {'volume_id': volume_id, 'snapshot_id': snapshot_id},
            lambda services: services.volumes.revert(
                context, volume_id, snapshot_id))

    def get_volume(self, context: RequestContext, volume_id: str,
                   ) -> VolumeInfo:
        """Return a volume."""
        return self._volume(context, volume_id)

    # Snapshots.

    def create_snapshot(self, context: RequestContext, volume_id: str,
                        name: str | None = None,
                        description: str | None = None,
                        metadata: dict[str, str] | None = None,
                        allow_in_use: bool | None = None,
                        operation_id: str | None = None) -> base.Answer:
        """Take a snapshot."""
        return self._once(
            context, operation_id, 'snapshot.create',
            {'volume_id': volume_id, 'name': name,
             'description': description, 'metadata': metadata,
             'allow_in_use': bool(allow_in_use)},
            lambda services: services.snapshots.create(
                context, volume_id, name, description, metadata,
                bool(allow_in_use)))

    def delete_snapshot(self, context: RequestContext, snapshot_id: str,
                        operation_id: str | None = None) -> base.Answer:
        """Remove a snapshot."""
        return self._once(
            context, operation_id, 'snapshot.delete',
            {'snapshot_id': snapshot_id},
            lambda services: services.snapshots.delete(context, snapshot_id))

    def get_snapshot(self, context: RequestContext, snapshot_id: str,
                     ) -> SnapshotInfo:
        """Return a snapshot."""
        return SnapshotInfo.of(
            self._services.snapshots.get(context, snapshot_id))

    # What stands on the back end.

    def manage_volume(self, context: RequestContext, reference: Reference,
                      name: str | None = None,
                      description: str | None = None,
                      volume_type: str | None = None,
                      metadata: dict[str, str] | None = None,
                      bootable: bool | None = None,
                      operation_id: str | None = None) -> base.Answer:
        """Take an object over as a volume."""
        spec = manageable.VolumeSpec(
            host=self._host, reference=reference, name=name,
            description=description, volume_type=volume_type,
            bootable=bool(bootable), metadata=metadata or {})
        return self._once(
            context, operation_id, 'volume.manage', dataclasses.asdict(spec),
            lambda services: services.manageables.manage_volume(
                context, spec))

    def unmanage_volume(self, context: RequestContext, volume_id: str,
                        operation_id: str | None = None) -> base.Answer:
        """Let a volume go."""
        return self._once(
            context, operation_id, 'volume.unmanage',
            {'volume_id': volume_id},
            lambda services: services.manageables.unmanage_volume(
                context, volume_id))

    def manage_snapshot(self, context: RequestContext, volume_id: str,
                        reference: Reference, name: str | None = None,
                        description: str | None = None,
                        metadata: dict[str, str] | None = None,
                        operation_id: str | None = None) -> base.Answer:
        """Take an object over as a snapshot."""
        spec = manageable.SnapshotSpec(
            volume_id=volume_id, reference=reference, name=name,
            description=description, metadata=metadata or {})
        return self._once(
            context, operation_id, 'snapshot.manage',
            dataclasses.asdict(spec),
            lambda services: services.manageables.manage_snapshot(
                context, spec))

    def unmanage_snapshot(self, context: RequestContext, snapshot_id: str,
                          operation_id: str | None = None) -> base.Answer:
        """Let a snapshot go."""
        return self._once(
            context, operation_id, 'snapshot.unmanage',
            {'snapshot_id': snapshot_id},
            lambda services: services.manageables.unmanage_snapshot(
                context, snapshot_id))

    def _shows(self) -> base.Shows:
        return {'snapshot': self.get_snapshot}
