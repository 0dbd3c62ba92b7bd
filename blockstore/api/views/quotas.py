"""How limits and usage look."""

from collections.abc import Mapping
from typing import Any

# Key of /limits: resource whose limit, or whose use, it shows.
_MAX = {'maxTotalVolumes': 'volumes',
        'maxTotalVolumeGigabytes': 'gigabytes',
        'maxTotalSnapshots': 'snapshots',
        'maxTotalBackups': 'backups',
        'maxTotalBackupGigabytes': 'backup_gigabytes'}
_USED = {'totalVolumesUsed': 'volumes',
         'totalGigabytesUsed': 'gigabytes',
         'totalSnapshotsUsed': 'snapshots',
         'totalBackupsUsed': 'backups',
         'totalBackupGigabytesUsed': 'backup_gigabytes'}


def quota_set(standings: Mapping[str, Any], project_id: str | None = None, *,
              usage: bool = False) -> dict[str, Any]:
    """Show the limits of a project, with what is in use if asked."""
    shown: dict[str, Any] = {
        name: standing._asdict() if usage else standing.limit
        for name, standing in standings.items()}
    if project_id is not None:
        shown['id'] = project_id
    return {'quota_set': shown}


def quota_class(limits: Mapping[str, int], class_name: str | None = None,
                ) -> dict[str, Any]:
    """Show the limits of a quota class."""
    shown: dict[str, Any] = dict(limits)
    if class_name is not None:
        shown['id'] = class_name
    return {'quota_class_set': shown}


def limits(standings: Mapping[str, Any]) -> dict[str, Any]:
    """Show limits and usage in one; there are no rate limits."""
    absolute = {key: standings[name].limit for key, name in _MAX.items()}
    absolute.update({key: standings[name].in_use
                     for key, name in _USED.items()})
    return {'limits': {'rate': [], 'absolute': absolute}}
