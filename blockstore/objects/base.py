"""Versioned objects: what drivers get and what may cross RPC.

An object is made from a row; changing it changes no database.  On the wire it
carries its name and version.  A new minor version only adds fields, and a
reader leaves out what it does not know:

>>> unpack(pack({'volume': info}))['volume'].size
1
"""

from collections.abc import Mapping
import typing

from oslo_versionedobjects import base
from oslo_versionedobjects import fields

_O = typing.TypeVar('_O', bound='BlockstoreObject')

String = fields.StringField
Boolean = fields.BooleanField
Strings = fields.DictOfStringsField
Names = fields.ListOfStringsField
Text = fields.StringField
Integer = fields.IntegerField


Shapes = Mapping[str, str]
_ANY: Shapes = {}
_NAMESPACE = 'blockstore_object'
_NAME = f'{_NAMESPACE}.name'
_VERSION = f'{_NAMESPACE}.version'
_DATA = f'{_NAMESPACE}.data'


class Registry(base.VersionedObjectRegistry):
    """The objects of this project, by name and version."""


class BlockstoreObject(base.VersionedObject):
    """Base of all objects."""

    OBJ_PROJECT_NAMESPACE = 'blockstore'
    OBJ_SERIAL_NAMESPACE = _NAMESPACE
    #: The fields that came after the first version, and when.
    ADDED: typing.ClassVar[dict[str, str]] = {}

    def obj_make_compatible(self, primitive: dict[str, typing.Any],
                            target_version: str) -> None:
        """Leave out what an older version does not have."""
        super().obj_make_compatible(primitive, target_version)
        for name, since in self.ADDED.items():
            if _version(since) > _version(target_version):
                primitive.pop(name, None)

    @classmethod
    def obj_from_primitive(cls, primitive: dict[str, typing.Any],
                           context: typing.Any = None) -> typing.Any:
        """Rebuild an object, also one of a newer minor version."""
        return super().obj_from_primitive(_as_known(primitive), context)

    @classmethod
    def from_row(cls: type[_O], row: typing.Any,
                 **overrides: typing.Any) -> _O:
        """Make an object from a row's columns of the same names."""
        return cls(**{name: overrides.get(name, getattr(row, name, None))
                      for name in cls.fields})


def pack(value: typing.Any, known: Shapes = _ANY) -> typing.Any:
    """Make plain JSON of what holds objects.

    :param known: which version of an object its receiver knows, by the
        object's name; others are sent as they are.
    """
    if isinstance(value, BlockstoreObject):
        return value.obj_to_primitive(
            target_version=known.get(value.obj_name()))
    if isinstance(value, dict):
        return {key: pack(one, known) for key, one in value.items()}
    if _may_hold_objects(value):
        return [pack(one, known) for one in value]
    return value


def unpack(value: typing.Any) -> typing.Any:
    """Make objects again of what :func:`pack` made."""
    if isinstance(value, dict):
        if _NAME in value:
            return BlockstoreObject.obj_from_primitive(value)
        return {key: unpack(one) for key, one in value.items()}
    if _may_hold_objects(value):
        return [unpack(one) for one in value]
    return value


def _may_hold_objects(value: typing.Any) -> bool:
    # Long lists of numbers (extents) are passed on as they are.
    return isinstance(value, list) and bool(value) and isinstance(
        value[0], dict | BlockstoreObject)


def _as_known(primitive: dict[str, typing.Any]) -> dict[str, typing.Any]:
    """Leave out what a newer minor version has added."""
    known = Registry.obj_classes().get(primitive[_NAME])
    if not known:
        return primitive
    ours = known[0]
    theirs = _version(primitive[_VERSION])
    if theirs[0] != _version(ours.VERSION)[0] or (
            theirs <= _version(ours.VERSION)):
        return primitive
    data = {name: value for name, value in primitive[_DATA].items()
            if name in ours.fields}
    return {**primitive, _VERSION: ours.VERSION, _DATA: data}


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split('.'))


def optional() -> typing.Any:
    """A text that may be absent."""
    return fields.StringField(nullable=True)


def optional_number() -> typing.Any:
    """A whole number that may be absent."""
    return fields.IntegerField(nullable=True)


def time() -> typing.Any:
    """A moment, UTC, that may be absent."""
    return fields.DateTimeField(tzinfo_aware=False, nullable=True)


class Facts(fields.FieldType[typing.Any]):
    """Any JSON: what a driver says of itself."""

    @staticmethod
    def coerce(obj: typing.Any, attr: str, value: typing.Any) -> typing.Any:
        """Take it as it is."""
        return value


def facts() -> typing.Any:
    """A map of anything."""
    return fields.Field(Facts())
