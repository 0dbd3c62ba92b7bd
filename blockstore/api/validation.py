"""Bodies are checked against JSON schemas, compiled once at import.

The dialect and the building blocks are those of :mod:`blockstore.validation`;
in HTTP, numbers and booleans may also come as strings.

>>> SCHEMA = Schema({'type': 'object', 'properties': {'size': SIZE}})
>>> SCHEMA.check({'size': '0'})
Traceback (most recent call last):
blockstore.api.faults.BadRequest: size: '0' is less than 1
"""

from collections.abc import Mapping
from typing import Any

from blockstore import validation
from blockstore.api import faults
from blockstore.api import request


class Schema(validation.Schema):
    """One compiled JSON schema."""

    def check(self, value: Any) -> None:
        """Raise a 400 fault that names the first field that is wrong."""
        problem = self.problem(value)
        if problem is not None:
            raise faults.BadRequest(problem)


def body(key: str, content: dict[str, Any],
         further: Mapping[str, Any] | None = None) -> Schema:
    """Compile the schema of a body whose content stands under one key.

    :param further: schemas of other top keys that may be there.
    """
    return Schema(closed({key: content, **(further or {})}, (key,)))


closed = validation.closed
nullable = validation.nullable
MAX_INT = validation.MAX_INT
UUID = validation.UUID
NAME = validation.NAME
NAME_REQUIRED = validation.NAME_REQUIRED
DESCRIPTION = validation.DESCRIPTION
STRING_255 = validation.STRING_255
STRING_255_OR_NULL = validation.STRING_255_OR_NULL
HOST = validation.HOST
METADATA = validation.METADATA
METADATA_NO_SLASH = validation.METADATA_NO_SLASH
ANYTHING = validation.ANYTHING
BOOLEAN = {'type': ['boolean', 'string'],
           'enum': [True, False, *request.TRUE_STRINGS,
                    *request.FALSE_STRINGS]}
SIZE = {'type': ['integer', 'string'], 'pattern': '^[0-9]+$',
        'minimum': 1, 'maximum': MAX_INT, 'maxLength': 10}
