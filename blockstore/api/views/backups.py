"""How backups look."""

from typing import Any

from blockstore.api.links import Links
from blockstore.api.microversions import Version
from blockstore.api.views.common import time

_PROJECT = Version(3, 18)
_METADATA = Version(3, 43)
_USER = Version(3, 56)
_KEY = Version(3, 64)


def summary(row: Any, links: Links) -> dict[str, Any]:
    """Show a backup in short."""
    return {'id': row.id, 'name': row.display_name,
            'links': links.of('backups', row.id)}


def detail(row: Any, links: Links, version: Version, *, owner: bool,
           ) -> dict[str, Any]:
    """Show all of a backup.

    No backup ever depends on another one: each restores alone.

    :param owner: with its project and its user.
    """
    shown = {
        'id': row.id,
        'status': row.status,
        'size': row.size,
        'object_count': row.object_count,
        'availability_zone': row.availability_zone,
        'container': row.container,
        'created_at': time(row.created_at),
        'updated_at': time(row.updated_at),
        'name': row.display_name,
        'description': row.display_description,
        'fail_reason': row.fail_reason,
        'volume_id': row.volume_id,
        'links': links.of('backups', row.id),
        'is_incremental': row.parent_id is not None,
        'has_dependent_backups': False,
        'snapshot_id': row.snapshot_id,
        'data_timestamp': time(row.data_timestamp),
    }
    if owner and version >= _PROJECT:
        shown['os-backup-project-attr:project_id'] = row.project_id
    if version >= _METADATA:
        shown['metadata'] = row.metadata_map
    if owner and version >= _USER:
        shown['user_id'] = row.user_id
    if version >= _KEY and row.encryption_key_id is not None:
        shown['encryption_key_id'] = row.encryption_key_id
    return shown


def restored(answer: Any) -> dict[str, Any]:
    """Show what a restore fills."""
    return {'restore': {'backup_id': answer.backup_id,
                        'volume_id': answer.volume_id,
                        'volume_name': answer.volume_name}}
