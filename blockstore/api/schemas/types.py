"""What may be sent about volume types."""

from typing import Any

from blockstore.api import validation
from blockstore.api.schemas import common

_IS_PUBLIC = 'os-volume-type-access:is_public'
_EXTRA_SPECS: dict[str, Any] = {
    'type': 'object', 'additionalProperties': False,
    'patternProperties': {
        r'^[a-zA-Z0-9-_:. ]{1,255}\Z': {
            'type': ['string', 'null'], 'maxLength': 255,
            'format': 'text'}}}

CREATE = validation.body('volume_type', validation.closed({
    'name': validation.NAME_REQUIRED,
    'description': validation.DESCRIPTION,
    'extra_specs': validation.nullable(_EXTRA_SPECS),
    _IS_PUBLIC: validation.BOOLEAN,
}, required=('name',)))
UPDATE = validation.body('volume_type', validation.closed({
    'name': validation.nullable(validation.NAME_REQUIRED),
    'description': validation.DESCRIPTION,
    'is_public': validation.BOOLEAN,
}, minProperties=1))
EXTRA_SPECS = validation.body(
    'extra_specs', {**_EXTRA_SPECS, 'minProperties': 1})
EXTRA_SPEC = validation.Schema(
    {**_EXTRA_SPECS, 'minProperties': 1, 'maxProperties': 1})

SET_DEFAULT = validation.body('default_type', validation.closed(
    {'volume_type': validation.NAME_REQUIRED}, required=('volume_type',)))

_PROJECT = validation.closed({'project': validation.STRING_255},
                             required=('project',))
ADD_PROJECT = common.action('addProjectAccess', _PROJECT)
REMOVE_PROJECT = common.action('removeProjectAccess', _PROJECT)
