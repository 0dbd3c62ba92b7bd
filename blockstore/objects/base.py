"""Versioned objects: what drivers get and what may cross RPC.

An object is made from a row; changing it changes no database.
"""

import typing

from oslo_versionedobjects import base
from oslo_versionedobjects import fields

_O = typing.TypeVar('_O', bound='BlockstoreObject')

String = fields.StringField
Text = fields.StringField
Integer = fields.IntegerField


class Registry(base.VersionedObjectRegistry):
    """The objects of this project, by name and version."""


class BlockstoreObject(base.VersionedObject):
    """Base of all objects."""

    OBJ_PROJECT_NAMESPACE = 'blockstore'
    OBJ_SERIAL_NAMESPACE = 'blockstore_object'

    @classmethod
    def from_row(cls: type[_O], row: typing.Any,
                 **overrides: typing.Any) -> _O:
        """Make an object from a row's columns of the same names."""
        return cls(**{name: overrides.get(name, getattr(row, name, None))
                      for name in cls.fields})


def optional() -> typing.Any:
    """A text that may be absent."""
    return fields.StringField(nullable=True)
