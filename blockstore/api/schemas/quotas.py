"""What may be sent about quotas."""

from typing import Any

from blockstore.api import validation

_LIMIT: dict[str, Any] = {
    'type': ['integer', 'string'], 'pattern': r'^-?[0-9]{1,10}$',
    'minimum': -1, 'maximum': validation.MAX_INT}
# Clients send back the id that they were shown; it is not looked at.
_LIMITS: dict[str, Any] = {
    'type': 'object', 'properties': {'id': {}, 'tenant_id': {}},
    'additionalProperties': _LIMIT}

UPDATE = validation.body('quota_set', _LIMITS)
UPDATE_CLASS = validation.body('quota_class_set', _LIMITS)
