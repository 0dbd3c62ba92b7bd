"""What the handlers of several nouns share."""

from collections.abc import Mapping
from typing import Any

from blockstore.api import faults
from blockstore.api.request import boolean
from blockstore.api.request import Request

_NAMES = (('name', 'display_name'), ('description', 'display_description'))


def names(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the name and the description that are in a body.

    The keys are the database's.  ``name`` wins over ``display_name``; white
    space around either is dropped.
    """
    found: dict[str, Any] = {}
    for modern, stored in _NAMES:
        for key in (modern, stored):
            if key in content:
                text = content[key]
                found[stored] = text.strip() if text is not None else None
                break
    return found


def flag(content: Mapping[str, Any], name: str) -> bool:
    """Return a boolean of a body; what is missing or null is False."""
    value = content.get(name)
    return value is not None and boolean(value, name)


def may_disconnect_servers(req: Request) -> bool:
    """Tell whether the caller may take a volume away from a server.

    Without Keystone there are no tokens of services to tell by.
    """
    return (req.app_conf.auth.strategy != 'keystone'
            or req.can('volume:disconnect_server'))


def one_key(values: Mapping[str, str], key: str) -> dict[str, Any]:
    """Show one key of a resource's metadata, or raise a 404."""
    if key not in values:
        raise faults.NoSuchPage(f'there is no metadata key {key[:255]!r}')
    return {'meta': {key: values[key]}}


def changed_key(req: Request, key: str) -> dict[str, str]:
    """Return the one key that a body changes: that of the URL, or a 400."""
    values: dict[str, str] = req.body_json['meta']
    if list(values) != [key]:
        raise faults.BadRequest(
            'the key in the body is not the one in the URL')
    return values
