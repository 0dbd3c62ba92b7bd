"""What other services may ask of a backup service."""

import oslo_messaging as messaging

from blockstore.context import RequestContext
from blockstore.objects.backup import BackupInfo
from blockstore.remote import base
from blockstore.rpc import versions
from blockstore.rpc.methods import backup as methods
from blockstore.services.backups import BackupSpec


class BackupRequests(base.Requests):
    """Backups and restores; see :mod:`blockstore.rpc.methods.backup`."""

    SERVICE = 'backup'
    METHODS = methods.METHODS
    target = messaging.Target(version=versions.RPC['backup'])

    def create_backup(self, context: RequestContext, volume_id: str,
                      snapshot_id: str | None = None,
                      name: str | None = None,
                      description: str | None = None,
                      metadata: dict[str, str] | None = None,
                      container: str | None = None,
                      incremental: bool | None = None,
                      force: bool | None = None,
                      availability_zone: str | None = None,
                      operation_id: str | None = None) -> base.Answer:
        """Back a volume, or one of its snapshots, up."""
        spec = BackupSpec(
            volume_id=volume_id, snapshot_id=snapshot_id, name=name,
            description=description, metadata=metadata or {},
            container=container, incremental=bool(incremental),
            force=bool(force), availability_zone=availability_zone)
        return self._once(
            context, operation_id, 'backup.create', vars(spec),
            lambda services: services.backups.create(context, spec))

    def restore_backup(self, context: RequestContext, backup_id: str,
                       volume_id: str | None = None, name: str | None = None,
                       operation_id: str | None = None) -> base.Answer:
        """Fill a volume, given or new, from a backup."""
        return self._once(
            context, operation_id, 'backup.restore',
            {'backup_id': backup_id, 'volume_id': volume_id, 'name': name},
            lambda services: services.backups.restore(
                context, backup_id, volume_id, name))

    def delete_backup(self, context: RequestContext, backup_id: str,
                      force: bool | None = None,
                      operation_id: str | None = None) -> base.Answer:
        """Remove a backup."""
        return self._once(
            context, operation_id, 'backup.delete',
            {'backup_id': backup_id, 'force': bool(force)},
            lambda services: services.backups.delete(
                context, backup_id, force=bool(force)))

    def get_backup(self, context: RequestContext, backup_id: str,
                   ) -> BackupInfo:
        """Return a backup."""
        return BackupInfo.of(self._services.backups.get(context, backup_id))

    def _shows(self) -> base.Shows:
        return {'backup': self.get_backup}
