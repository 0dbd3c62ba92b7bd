"""One line of the table of :mod:`blockstore.api.routes`."""

from collections.abc import Callable
import dataclasses
from typing import Any

from blockstore.api import microversions
from blockstore.api import validation
from blockstore.api.microversions import Version

# The rule of a row that needs no caller.
PUBLIC = ''


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    :param path: below the version and the project, with ``{parameters}``.
    :param policy: the rule that must hold before the handler is called.
    :param code: the HTTP status of success.
    :param schema: of the body; None when the row takes no body.
    :param action: the body's only top key, for ``POST …/action``.
    """

    method: str
    path: str
    handler: Callable[..., Any]
    policy: str
    code: int = 200
    schema: validation.Schema | None = None
    min: Version = microversions.MIN
    max: Version = microversions.MAX
    action: str | None = None
