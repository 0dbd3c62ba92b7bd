"""What comes from outside is checked against JSON schemas, made at import.

The dialect is Draft 4 with two differences that clients rely on: bounds of
numbers also hold for strings of digits, and ``format`` is checked.  The
constants below are the building blocks that HTTP and RPC share.

>>> Schema({'type': 'object', 'properties': {'size': SIZE}}).problem(
...     {'size': 0})
'size: 0 is less than 1'
"""

from collections.abc import Iterator
import re
from typing import Any

import jsonschema
from jsonschema import exceptions as schema_exceptions
from jsonschema import validators
from oslo_utils import uuidutils

MAX_INT = 2 ** 31 - 1
_SHOWN = 128

_formats = jsonschema.FormatChecker(formats=())


def _is_uuid(value: object) -> bool:
    """Hexadecimal digits with or without dashes, as columns hold it."""
    return not isinstance(value, str) or (
        len(value) <= 36 and uuidutils.is_uuid_like(value))


def _is_name(value: object) -> bool:
    """At most 255 characters besides the white space around them."""
    return not isinstance(value, str) or (
        len(value.strip()) <= 255 and value.strip().isprintable())


def _is_name_non_empty(value: object) -> bool:
    return not isinstance(value, str) or (
        bool(value.strip()) and _is_name(value))


def _is_text(value: object) -> bool:
    """Printable characters, and line breaks."""
    return not isinstance(value, str) or all(
        char.isprintable() or char in '\r\n\t' for char in value)


for _name, _check in (('uuid', _is_uuid), ('name', _is_name),
                      ('name_non_empty', _is_name_non_empty),
                      ('text', _is_text)):
    _formats.checks(_name)(_check)


def _as_number(instance: Any) -> int | float | None:
    if isinstance(instance, bool):
        return None
    if isinstance(instance, int | float):
        return instance
    if isinstance(instance, str) and re.fullmatch(
            r'-?[0-9]{1,18}', instance, re.ASCII):
        return int(instance)
    return None


def _minimum(validator: Any, bound: float, instance: Any, schema: Any,
             ) -> Iterator[schema_exceptions.ValidationError]:
    number = _as_number(instance)
    if number is not None and number < bound:
        yield schema_exceptions.ValidationError(
            f'{instance!r} is less than {bound}')


def _maximum(validator: Any, bound: float, instance: Any, schema: Any,
             ) -> Iterator[schema_exceptions.ValidationError]:
    number = _as_number(instance)
    if number is not None and number > bound:
        yield schema_exceptions.ValidationError(
            f'{instance!r} is more than {bound}')


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any,
             ) -> Iterator[schema_exceptions.ValidationError]:
    """Like jsonschema's, but ``$`` does not let a line break through."""
    if isinstance(instance, str) and not re.search(
            pattern.replace('$', r'\Z'), instance, re.ASCII):
        yield schema_exceptions.ValidationError(
            f'{instance[:_SHOWN]!r} does not match {pattern!r}')


_Validator = validators.extend(
    jsonschema.Draft4Validator,
    {'minimum': _minimum, 'maximum': _maximum, 'pattern': _pattern})


class Schema:
    """One compiled JSON schema."""

    def __init__(self, document: dict[str, Any]) -> None:
        _Validator.check_schema(document)
        self.document = document
        self._validator = _Validator(document, format_checker=_formats)

    def problem(self, value: Any) -> str | None:
        """Say what is wrong first, and with which field; None if nothing."""
        error = schema_exceptions.best_match(
            self._validator.iter_errors(value))
        if error is None:
            return None
        where = '.'.join(str(part)[:_SHOWN] for part in error.path)
        message = error.message
        if len(message) > 4 * _SHOWN:
            message = message[:4 * _SHOWN] + '…'
        return f'{where}: {message}' if where else message


def closed(properties: dict[str, Any], required: tuple[str, ...] = (),
           **further: Any) -> dict[str, Any]:
    """Describe an object with these keys and no other."""
    document: dict[str, Any] = {
        'type': 'object', 'properties': properties,
        'additionalProperties': False, **further}
    if required:
        document['required'] = list(required)
    return document


def nullable(fragment: dict[str, Any]) -> dict[str, Any]:
    """Also allow null."""
    kinds = fragment['type']
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    changed = {**fragment, 'type': list(dict.fromkeys([*kinds, 'null']))}
    if 'enum' in changed:
        changed['enum'] = [*changed['enum'], None]
    return changed


UUID = {'type': 'string', 'format': 'uuid'}
NAME = {'type': ['string', 'null'], 'format': 'name'}
NAME_REQUIRED = {'type': 'string', 'format': 'name_non_empty'}
DESCRIPTION = {'type': ['string', 'null'], 'maxLength': 255,
               'format': 'text'}
STRING_255 = {'type': 'string', 'minLength': 1, 'maxLength': 255,
              'format': 'text'}
STRING_255_OR_NULL = {'type': ['string', 'null'], 'maxLength': 255,
                      'format': 'text'}
HOST = {'type': 'string', 'minLength': 1, 'maxLength': 255,
        'pattern': r'^[a-zA-Z0-9-._#@:/+\[\]]*$'}
BOOLEAN = {'type': 'boolean'}
SIZE = {'type': 'integer', 'minimum': 1, 'maximum': MAX_INT}
ZONE = {'type': 'string', 'minLength': 1, 'maxLength': 255,
        'format': 'text'}
METADATA = {
    'type': 'object', 'additionalProperties': False,
    'patternProperties': {
        r'^[a-zA-Z0-9-_:. /]{1,255}\Z': {
            'type': 'string', 'maxLength': 255, 'format': 'text'}}}
METADATA_NO_SLASH = {
    'type': 'object', 'additionalProperties': False,
    'patternProperties': {
        r'^[a-zA-Z0-9-_:. ]{1,255}\Z': {
            'type': 'string', 'maxLength': 255, 'format': 'text'}}}
ANYTHING: dict[str, Any] = {}
