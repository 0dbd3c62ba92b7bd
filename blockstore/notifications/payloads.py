"""What a notification says of its resource.

The fields are those that consumers of the Block Storage service know, times
and all.  Each is named here: what is not named is not sent, so that neither
the way to a volume's bytes nor what opens it can ever be in a payload.

>>> payloads.of(tx, 'volume', volume_id)
{'tenant_id': …, 'volume_id': …, 'status': 'available', …}
"""

from collections.abc import Callable
import datetime
import typing

from blockstore.db import attachments as db_attachments
from blockstore.db import backups as db_backups
from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction
from blockstore.lifecycle import statuses

Payload = dict[str, typing.Any]


class Described(typing.NamedTuple):
    """A resource as it is told of.

    :ivar hidden: it is not a user's, so nobody is told.
    :ivar host: the service that it belongs to, if any.
    """

    payload: Payload
    hidden: bool
    host: str | None


def of(tx: Transaction, noun: str, id_: str) -> Described | None:
    """Describe a resource, be it marked as deleted or not."""
    return _NOUNS[noun](tx, id_)


def _volume(tx: Transaction, id_: str) -> Described | None:
    row = rows.even_deleted(tx, models.Volume, id_)
    if row is None:
        return None
    return Described({
        'tenant_id': row.project_id,
        'user_id': row.user_id,
        'host': row.host,
        'availability_zone': row.availability_zone,
        'volume_id': row.id,
        'volume_type': row.volume_type_id,
        'display_name': row.display_name,
        'launched_at': _time(row.launched_at),
        'created_at': _time(row.created_at),
        'deleted_at': _time(row.deleted_at),
        'status': row.status,
        'snapshot_id': row.snapshot_id,
        'source_volid': row.source_volid,
        'size': row.size,
        'replication_status': row.replication_status,
        'replication_extended_status': None,
        'replication_driver_data': None,
        'bootable': row.bootable,
        'metadata': _metadata(tx, models.VolumeMetadata, id_),
        'volume_attachment': [_attachment(one) for one in
                              db_attachments.of_volume(tx, id_)],
    }, row.purpose != 'user', _service(row.host))


def _attachment(row: models.Attachment) -> Payload:
    return {'id': row.id,
            'volume_id': row.volume_id,
            'instance_uuid': row.instance_uuid,
            'attached_host': row.attached_host,
            'mountpoint': row.mountpoint,
            'attach_mode': row.attach_mode,
            'attach_status': row.attach_status,
            'attach_time': _time(row.attach_time),
            'detach_time': _time(row.detach_time)}


def _snapshot(tx: Transaction, id_: str) -> Described | None:
    row = rows.even_deleted(tx, models.Snapshot, id_)
    if row is None:
        return None
    volume = rows.even_deleted(tx, models.Volume, row.volume_id)
    return Described({
        'tenant_id': row.project_id,
        'user_id': row.user_id,
        'availability_zone': volume.availability_zone if volume else None,
        'volume_id': row.volume_id,
        'volume_size': row.volume_size,
        'volume_type': row.volume_type_id,
        'snapshot_id': row.id,
        'display_name': row.display_name,
        'created_at': _time(row.created_at),
        'status': statuses.SHOWN.get(row.status, row.status),
        # A string, or nothing: so consumers have always been told.
        'deleted': 'True' if row.deleted else '',
        'deleted_at': _time(row.deleted_at),
        'metadata': _metadata(tx, models.SnapshotMetadata, id_),
    }, row.purpose != 'user', _service(volume.host if volume else None))


def _backup(tx: Transaction, id_: str) -> Described | None:
    row = rows.even_deleted(tx, models.Backup, id_)
    if row is None:
        return None
    return Described({
        'tenant_id': row.project_id,
        'user_id': row.user_id,
        'availability_zone': row.availability_zone,
        'backup_id': row.id,
        'host': row.host,
        'display_name': row.display_name,
        'created_at': _time(row.created_at),
        'deleted_at': _time(row.deleted_at),
        'data_timestamp': _time(row.data_timestamp),
        'status': row.status,
        'volume_id': row.volume_id,
        'size': row.size,
        'object_count': row.object_count,
        'container': row.container,
        'service': row.service,
        'fail_reason': row.fail_reason,
        'parent_id': row.parent_id,
        'is_incremental': row.parent_id is not None,
        'num_dependent_backups': len(db_backups.built_on(tx, id_)),
        'snapshot_id': row.snapshot_id,
        'metadata': _metadata(tx, models.BackupMetadata, id_),
    }, False, row.host)


_NOUNS: dict[str, Callable[[Transaction, str], Described | None]] = {
    'volume': _volume, 'snapshot': _snapshot, 'backup': _backup}


def _metadata(tx: Transaction, model: type[models.Base], id_: str,
              ) -> dict[str, str]:
    return rows.metadata(tx, model, [id_]).get(id_, {})


def _service(host: str | None) -> str | None:
    """Return the service of ``host@backend#pool``."""
    return None if host is None else host.partition('#')[0]


def _time(value: datetime.datetime | None) -> str:
    """Return a time with its zone, as events are ordered by."""
    return '' if value is None else value.isoformat() + '+00:00'
