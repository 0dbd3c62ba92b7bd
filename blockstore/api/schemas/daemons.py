"""What may be sent about services."""

from typing import Any

from blockstore.api import validation

_SERVICE: dict[str, Any] = {'host': validation.HOST,
                            'binary': validation.STRING_255,
                            'service': validation.STRING_255}
_NAMED = [{'required': ['binary']}, {'required': ['service']}]

SWITCH = validation.Schema(validation.closed(
    _SERVICE, required=('host',), anyOf=_NAMED))
DISABLE_WITH_REASON = validation.Schema(validation.closed(
    {**_SERVICE, 'disabled_reason': validation.STRING_255},
    required=('host', 'disabled_reason'), anyOf=_NAMED))
