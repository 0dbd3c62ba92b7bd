"""What the service offers: zones, extensions and filters.

An extension was once a part of the API that could be missing.  Clients still
ask for the names; this is the list of the parts that are here.
"""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

_UPDATED = '2023-08-31T00:00:00+00:00'

# alias: (name, what it is)
EXTENSIONS = {
    'OS-SCH-HNT': ('SchedulerHints', 'Hints for the choice of a back end.'),
    'backups': ('Backups', 'Backups of volumes.'),
    'capabilities': ('Capabilities', 'What back ends are able to do.'),
    'os-admin-actions': ('AdminActions', 'Actions of administrators.'),
    'os-availability-zone': ('AvailabilityZones', 'Availability zones.'),
    'os-extended-services': ('ExtendedServices', 'Why services are off.'),
    'os-extended-snapshot-attributes': (
        'ExtendedSnapshotAttributes', 'Progress and project of snapshots.'),
    'os-quota-class-sets': ('QuotaClasses', 'Limits of all projects.'),
    'os-quota-sets': ('Quotas', 'Limits of one project.'),
    'os-services': ('Services', 'The services that run.'),
    'os-snapshot-actions': ('SnapshotActions', 'Actions on snapshots.'),
    'os-types-extra-specs': ('TypesExtraSpecs', 'What types ask for.'),
    'os-types-manage': ('TypesManage', 'Volume types are made and removed.'),
    'os-used-limits': ('UsedLimits', 'Usage beside the limits.'),
    'os-vol-host-attr': ('VolumeHostAttribute', 'The host of a volume.'),
    'os-vol-mig-status-attr': (
        'VolumeMigStatusAttribute', 'The migration status of a volume.'),
    'os-vol-tenant-attr': (
        'VolumeTenantAttribute', 'The project of a volume.'),
    'os-volume-actions': ('VolumeActions', 'Actions on volumes.'),
    'os-volume-type-access': ('VolumeTypeAccess', 'Private volume types.'),
    'scheduler-stats': ('Scheduler_stats', 'The pools of the scheduler.'),
}


def extension(alias: str) -> dict[str, Any]:
    """Show an extension."""
    name, description = EXTENSIONS[alias]
    return {'name': name, 'alias': alias, 'description': description,
            'updated': _UPDATED, 'links': []}


def zones(available: Mapping[str, bool]) -> list[dict[str, Any]]:
    """Show the availability zones."""
    return [{'zoneName': name, 'zoneState': {'available': is_available}}
            for name, is_available in available.items()]


def resource_filters(lines: Sequence[str], resource: str | None = None,
                     ) -> list[dict[str, Any]]:
    """Show the filters of each resource, or of one.

    :param lines: ``resource:filter,filter…``.
    """
    shown = []
    for line in lines:
        name, _, filters = line.partition(':')
        if resource in (None, name.strip()):
            shown.append({
                'resource': name.strip(),
                'filters': [word.strip() for word in filters.split(',')
                            if word.strip()]})
    return shown
