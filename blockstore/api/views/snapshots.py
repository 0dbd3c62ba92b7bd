"""How snapshots look."""

from typing import Any

from blockstore.api.microversions import Version
from blockstore.api.views.common import status
from blockstore.api.views.common import time

_GROUP = Version(3, 14)
_USER = Version(3, 41)
_QUOTA = Version(3, 65)
_PREFIX = 'os-extended-snapshot-attributes:'


def snapshot(row: Any, version: Version, extended: bool = False,
             ) -> dict[str, Any]:
    """Show a snapshot.

    :param extended: with the two keys that only show and the long list have.
    """
    shown = {
        'id': row.id,
        'name': row.display_name,
        'description': row.display_description,
        'volume_id': row.volume_id,
        'status': status(row.status),
        'size': row.volume_size,
        'metadata': row.metadata_map,
        'created_at': time(row.created_at),
        'updated_at': time(row.updated_at),
    }
    if version >= _GROUP:
        shown['group_snapshot_id'] = row.group_snapshot_id
    if version >= _USER:
        shown['user_id'] = row.user_id
    if version >= _QUOTA:
        shown['consumes_quota'] = row.use_quota
    if extended:
        shown[_PREFIX + 'progress'] = row.progress
        shown[_PREFIX + 'project_id'] = row.project_id
    return shown
