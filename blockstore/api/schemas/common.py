"""Fragments and bodies that several nouns share."""

from typing import Any

from blockstore.api import validation

# The names that every client may use; the display_… ones are the older.
NAMES: dict[str, Any] = {
    'name': validation.NAME,
    'description': validation.DESCRIPTION,
    'display_name': validation.NAME,
    'display_description': validation.DESCRIPTION,
}
OPTIONAL_UUID = validation.nullable(validation.UUID)
# What is stored of a connector; the rest is between client and driver.
_CONNECTOR: dict[str, Any] = {
    'type': 'object',
    'properties': {
        'host': validation.STRING_255_OR_NULL,
        'mountpoint': validation.STRING_255_OR_NULL,
        'mode': {'type': ['string', 'null'], 'enum': ['rw', 'ro', None]},
    }}
CONNECTOR = {**_CONNECTOR, 'minProperties': 1}
OPTIONAL_CONNECTOR = validation.nullable(_CONNECTOR)
# Clients of old send a string, which says nothing.
LOOSE_CONNECTOR = {**_CONNECTOR, 'type': ['object', 'string', 'null']}


def metadata(map_: dict[str, Any]) -> validation.Schema:
    """Describe a body with all of a resource's metadata."""
    return validation.body('metadata', map_)


def metadata_key(map_: dict[str, Any]) -> validation.Schema:
    """Describe a body with one key of a resource's metadata."""
    return validation.body(
        'meta', {**map_, 'minProperties': 1, 'maxProperties': 1})


def action(name: str, content: dict[str, Any] | None = None,
           ) -> validation.Schema:
    """Describe the body of an action; without content, any value will do."""
    return validation.body(
        name, validation.ANYTHING if content is None else content)
