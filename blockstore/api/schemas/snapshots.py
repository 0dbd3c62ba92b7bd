"""What may be sent about snapshots."""

from blockstore.api import validation
from blockstore.api.schemas import common
from blockstore.lifecycle.snapshots import RESETTABLE

CREATE = validation.body('snapshot', validation.closed({
    **common.NAMES,
    'volume_id': common.OPTIONAL_UUID,
    'force': validation.nullable(validation.BOOLEAN),
    'metadata': validation.nullable(validation.METADATA),
}, required=('volume_id',)))
UPDATE = validation.body(
    'snapshot', validation.closed(common.NAMES, minProperties=1))

METADATA = common.metadata(validation.METADATA_NO_SLASH)
METADATA_KEY = common.metadata_key(validation.METADATA_NO_SLASH)

RESET_STATUS = common.action('os-reset_status', validation.closed({
    'status': {'type': 'string', 'maxLength': 32, 'pattern':
               '^(?i:' + '|'.join(sorted(RESETTABLE)) + ')$'},
}, required=('status',)))
FORCE_DELETE = common.action('os-force_delete')
