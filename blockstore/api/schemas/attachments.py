"""What may be sent about attachments."""

from typing import Any

from blockstore.api import validation
from blockstore.api.schemas import common

_CREATE: dict[str, Any] = {
    'volume_uuid': validation.UUID,
    'instance_uuid': common.OPTIONAL_UUID,
    'connector': common.OPTIONAL_CONNECTOR,
}
CREATE = validation.body('attachment', validation.closed(
    _CREATE, required=('volume_uuid',)))
CREATE_MODE = validation.body('attachment', validation.closed(
    {**_CREATE, 'mode': {'type': ['string', 'null'],
                         'enum': ['rw', 'ro', None]}},
    required=('volume_uuid',)))
UPDATE = validation.body('attachment', validation.closed(
    {'connector': common.CONNECTOR}, required=('connector',)))
COMPLETE = common.action('os-complete')
