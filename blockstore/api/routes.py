"""THE table: every URL of the API and what stands behind it.

How to add a noun (say ``widgets``):

1. ``policies/widgets.py``: ``list_rules()`` from ``base.rule(name, check,
   description, method, path)``; add ``'widgets'`` to ``policies.NOUNS``.
2. ``api/schemas/widgets.py``: one ``validation.Schema`` a body, mostly
   ``CREATE = validation.body('widget', validation.closed({'name':
   validation.NAME}, required=('name',)))``.
3. ``api/views/widgets.py``: pure functions, row → dict.  They take what they
   need of the request as arguments (``req.microversion``, ``req.links``);
   times through ``views.common.time``.
4. ``api/handlers/widgets.py``: plain functions ``show(req, widget_id)`` that
   return a dict, None for an empty answer, or a ``response.Response`` when
   they need a header or a code of their own.  ``req`` offers ``context``,
   ``services``, ``microversion`` (compare with a pair: ``>= (3, 31)``),
   ``body_json`` (already checked), ``query()``, ``flag(name)``,
   ``can(rule)``, ``require(rule)``, ``links``, ``app_conf``.  Lists go
   through :mod:`blockstore.api.paging`.  Never catch what services raise.
5. Rows here.  A parameter in the path has the name of the handler's
   argument.  The same path may have several rows with different versions (or
   different schemas at different versions); outside of all of them it is a
   404.  An action row has ``action='os-…'``; its schema describes the whole
   body, ``{'os-…': …}``.

The unit test of this table checks that every rule exists, every handler
takes what its path gives, and every row can be reached.
"""

from collections.abc import Callable
import dataclasses
from typing import Any

from blockstore.api import microversions
from blockstore.api import validation
from blockstore.api.handlers import versions
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


# Whole paths, answered to anybody.
ROOTS = (
    Row('GET', '/', versions.choices, PUBLIC, 300),
    Row('GET', '/v3', versions.redirect, PUBLIC, 302),
    Row('GET', '/v3/', versions.show, PUBLIC),
)

TABLE: tuple[Row, ...] = (
)
