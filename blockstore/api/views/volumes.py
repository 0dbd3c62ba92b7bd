"""How volumes look."""

from collections.abc import Callable
from typing import Any

from blockstore.api.links import Links
from blockstore.api.microversions import Version
from blockstore.api.views.common import status
from blockstore.api.views.common import time
from blockstore.lifecycle.volumes import AttachStatus
from blockstore.lifecycle.volumes import VolumeStatus

BACKING_UP = 'backing-up'
_BESIDE_BACKUP = frozenset({VolumeStatus.AVAILABLE, VolumeStatus.IN_USE})
_VISIBLE_ADMIN_KEYS = ('readonly', 'attached_mode')
Look = Callable[[Any], dict[str, Any]]


def shown_status(row: Any) -> str:
    """Return the status as clients know it.

    A backup does not hold a volume's status, but clients expect to see that
    one is under way (R-111).
    """
    if row.backup_id is not None and row.status in _BESIDE_BACKUP:
        return BACKING_UP
    return status(row.status)


def summaries(links: Links) -> Look:
    """Make the function that shows a volume in a short list."""
    self_, bookmark = links.prefixes('volumes')

    def look(row: Any) -> dict[str, Any]:
        return {'id': row.id, 'name': row.display_name, 'links': [
            {'rel': 'self', 'href': self_ + row.id},
            {'rel': 'bookmark', 'href': bookmark + row.id}]}

    return look


def details(links: Links, version: Version, *, is_admin: bool,
            attached_host: bool) -> Look:
    """Make the function that shows all of a volume.

    What depends on the request alone is decided here, once for a long list.

    :param attached_host: whether hosts of attachments are shown.
    """
    self_, bookmark = links.prefixes('volumes')
    newer = _newer(version, is_admin)

    def look(row: Any) -> dict[str, Any]:
        id_ = row.id
        attached = row.attachments
        shown = {
            'id': id_,
            'name': row.display_name,
            'description': row.display_description,
            'status': shown_status(row),
            'size': row.size,
            'availability_zone': row.availability_zone,
            'created_at': time(row.created_at),
            'updated_at': time(row.updated_at),
            'volume_type': row.type_name,
            'snapshot_id': row.snapshot_id,
            'source_volid': row.source_volid,
            'metadata': _metadata(row),
            'links': [{'rel': 'self', 'href': self_ + id_},
                      {'rel': 'bookmark', 'href': bookmark + id_}],
            'user_id': row.user_id,
            'bootable': 'true' if row.bootable else 'false',
            'encrypted': row.encryption_key_id is not None,
            'replication_status': row.replication_status,
            'consistencygroup_id': row.consistencygroup_id,
            'multiattach': row.multiattach,
            'attachments': [
                _attachment(one, attached_host) for one in attached
                if one.attach_status == AttachStatus.ATTACHED]
            if attached else [],
        }
        for add in newer:
            add(shown, row)
        return shown

    return look


def extended(look: Look, *, host: bool, tenant: bool, migration: bool,
             ) -> Look:
    """Add what show and the long list tell further, as policy allows."""

    def look_further(row: Any) -> dict[str, Any]:
        shown = look(row)
        if host:
            shown['os-vol-host-attr:host'] = row.host
        if tenant:
            shown['os-vol-tenant-attr:tenant_id'] = row.project_id
        if migration:
            shown['os-vol-mig-status-attr:migstat'] = row.migration_status
            shown['os-vol-mig-status-attr:name_id'] = None
        return shown

    return look_further


def _metadata(row: Any) -> dict[str, str]:
    kept = row.admin_metadata_map
    if not kept:
        shown: dict[str, str] = row.metadata_map
        return shown
    return {**row.metadata_map, **{
        key: kept[key] for key in _VISIBLE_ADMIN_KEYS if key in kept}}


def _attachment(row: Any, show_host: bool) -> dict[str, Any]:
    return {'id': row.volume_id,
            'attachment_id': row.id,
            'volume_id': row.volume_id,
            'server_id': row.instance_uuid,
            'host_name': row.attached_host if show_host else None,
            'device': row.mountpoint,
            'attached_at': time(row.attach_time)}


_Add = Callable[[dict[str, Any], Any], None]


def _field(name: str, column: str) -> _Add:
    def add(shown: dict[str, Any], row: Any) -> None:
        shown[name] = getattr(row, column)
    return add


def _add_cluster(shown: dict[str, Any], row: Any) -> None:
    shown['cluster_name'] = None


def _add_key(shown: dict[str, Any], row: Any) -> None:
    if row.encryption_key_id is not None:
        shown['encryption_key_id'] = row.encryption_key_id


# Version, whether for administrators only, and what is added.
_NEWER: tuple[tuple[Version, bool, _Add], ...] = (
    (Version(3, 0), True, _field('migration_status', 'migration_status')),
    (Version(3, 13), False, _field('group_id', 'group_id')),
    (Version(3, 21), True, _field('provider_id', 'provider_id')),
    (Version(3, 48), False, _field('shared_targets', 'shared_targets')),
    (Version(3, 48), False, _field('service_uuid', 'service_uuid')),
    (Version(3, 61), True, _add_cluster),
    (Version(3, 63), False, _field('volume_type_id', 'volume_type_id')),
    (Version(3, 64), False, _add_key),
    (Version(3, 65), False, _field('consumes_quota', 'use_quota')),
)


def _newer(version: Version, is_admin: bool) -> tuple[_Add, ...]:
    return tuple(add for since, admin_only, add in _NEWER
                 if version >= since and (is_admin or not admin_only))
