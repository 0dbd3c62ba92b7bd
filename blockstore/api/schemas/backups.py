"""What may be sent about backups."""

from typing import Any

from blockstore.api import validation
from blockstore.api.schemas import common
from blockstore.lifecycle.backups import RESETTABLE

# The display_… names are those that the specification asks for.
_CREATE: dict[str, Any] = {
    **common.NAMES,
    'volume_id': validation.UUID,
    'container': validation.STRING_255_OR_NULL,
    'incremental': validation.nullable(validation.BOOLEAN),
    'force': validation.nullable(validation.BOOLEAN),
    'snapshot_id': common.OPTIONAL_UUID,
}
_METADATA = {'metadata': validation.nullable(validation.METADATA)}
_ZONE = {'availability_zone': {
    'type': ['string', 'null'], 'minLength': 1, 'maxLength': 255,
    'format': 'text'}}


def _create(**further: Any) -> validation.Schema:
    return validation.body('backup', validation.closed(
        {**_CREATE, **further}, required=('volume_id',)))


CREATE = _create()
CREATE_METADATA = _create(**_METADATA)
CREATE_ZONE = _create(**_METADATA, **_ZONE)

UPDATE = validation.body(
    'backup', validation.closed(common.NAMES, minProperties=1))
UPDATE_METADATA = validation.body('backup', validation.closed(
    {**common.NAMES, **_METADATA}, minProperties=1))

RESTORE = validation.body('restore', validation.nullable(validation.closed({
    'volume_id': common.OPTIONAL_UUID,
    'name': validation.NAME,
})))

RESET_STATUS = common.action('os-reset_status', validation.closed({
    'status': {'type': 'string', 'enum': sorted(RESETTABLE)},
}, required=('status',)))
FORCE_DELETE = common.action('os-force_delete')
