"""How pools and the abilities of back ends look."""

from collections.abc import Mapping
from typing import Any

_NAMESPACE = 'OS::Storage::Capabilities::'
_TEXTS = ('vendor_name', 'volume_backend_name', 'pool_name',
          'driver_version', 'storage_protocol', 'display_name',
          'description', 'visibility')

# Key of the driver's stats: what it means, for people.
_PROPERTIES = {
    'thin_provisioning_support': (
        'thin_provisioning', 'Thin provisioning',
        'Volumes take the room that was written.'),
    'multiattach': ('multiattach', 'Multiattach',
                    'A volume may be attached several times.'),
    'online_extend_support': (
        'online_extend', 'Online extend',
        'A volume may be extended while it is attached.'),
}


def summary(pool: Any) -> dict[str, Any]:
    """Show a pool in short."""
    return {'name': pool.name}


def detail(pool: Any) -> dict[str, Any]:
    """Show a pool and what it has."""
    return {'name': pool.name, 'capabilities': pool.capabilities}


def capabilities(host: str, stats: Mapping[str, Any]) -> dict[str, Any]:
    """Show what a back end is able to do.

    ``properties`` has one entry for each ability that its driver declares.
    """
    shown: dict[str, Any] = {'namespace': _NAMESPACE + host}
    shown.update((name, stats.get(name)) for name in _TEXTS)
    shown['replication_targets'] = []
    shown['properties'] = {
        name: _property(title, words)
        for key, (name, title, words) in _PROPERTIES.items()
        if stats.get(key)}
    for name in stats.get('capabilities') or ():
        shown['properties'].setdefault(name, _property(
            name.replace('_', ' ').capitalize(),
            f'The driver declares {name}.'))
    return shown


def _property(title: str, description: str) -> dict[str, str]:
    return {'title': title, 'description': description, 'type': 'boolean'}
