"""The filter that compares a volume type's extra specs with a back end.

Keys without a scope (``volume_backend_name``, ``multiattach``) and those of
the scope ``capabilities`` (``capabilities:storage_protocol``,
``capabilities:stable_reads``) are compared; other scopes are not for the
scheduler.  A key names a value that the driver reports, at any depth with
further colons, or one of its capabilities, which is then true.

Values: ``<is> True``, ``<in> part``, ``<or> a <or> b``, ``>= 5``, ``s== x``
and so on, or a plain value that must be equal.
"""

from collections.abc import Mapping
import typing

from oslo_utils import strutils

from blockstore.scheduler import base

_SCOPE = 'capabilities'
_IS = '<is>'


class CapabilitiesFilter(base.Filter):
    """Lets pass what fulfils every extra spec."""

    def refusal(self, request: base.Request, backend: base.Backend) -> str:
        """Return the first key that does not fit."""
        for key, wanted in sorted(request.extra_specs.items()):
            path = key.split(':')
            if len(path) > 1 and path.pop(0) != _SCOPE:
                continue
            found = _value(backend.stats, path)
            if not _fits(found, wanted):
                there = 'it has none' if found is None else f'it has {found}'
                return f'{key} = {wanted} is wanted and {there}'
        return ''


def _value(stats: Mapping[str, typing.Any], path: list[str]) -> typing.Any:
    if len(path) == 1 and path[0] in (stats.get('capabilities') or ()):
        return True
    value: typing.Any = stats
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _fits(found: typing.Any, wanted: str) -> bool:
    wanted = str(wanted).strip()
    if wanted.startswith(_IS):
        return bool(found) == strutils.bool_from_string(
            wanted.removeprefix(_IS).strip())
    if found is None:
        return False
    values = found if isinstance(found, list) else [found]
    return any(_matches(str(value), wanted) for value in values)


def _matches(value: str, wanted: str) -> bool:
    # Imported late: it brings a parser generator, and most daemons, which
    # import all filters, never match anything.
    from oslo_utils import specs_matcher
    try:
        return bool(specs_matcher.match(value, wanted))
    except (TypeError, ValueError):
        # A number is wanted and this is none.
        return False
