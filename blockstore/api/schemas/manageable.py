"""What may be sent to manage and unmanage."""

from typing import Any

from blockstore.api import validation
from blockstore.api.schemas import common

# Facts of one object, all of them short: who sends more means something else.
_FACT: dict[str, Any] = {
    'type': ['string', 'integer', 'boolean', 'null'], 'maxLength': 255,
    'format': 'text'}
_REFERENCE: dict[str, Any] = {
    'type': ['string', 'object'], 'maxLength': 255, 'format': 'text',
    'maxProperties': 16, 'additionalProperties': _FACT}
_HOST = validation.nullable(validation.HOST)

VOLUME = validation.body('volume', validation.closed({
    **common.NAMES,
    'host': _HOST,
    'cluster': _HOST,
    'ref': _REFERENCE,
    'volume_type': validation.STRING_255_OR_NULL,
    'availability_zone': validation.STRING_255_OR_NULL,
    'bootable': validation.nullable(validation.BOOLEAN),
    'metadata': validation.nullable(validation.METADATA),
}, required=('ref',)))
# The id may also be the volume's name on the back end.
SNAPSHOT = validation.body('snapshot', validation.closed({
    **common.NAMES,
    'host': _HOST,
    'volume_id': validation.STRING_255,
    'ref': validation.nullable(_REFERENCE),
    'metadata': validation.nullable(validation.METADATA_NO_SLASH),
}, required=('volume_id', 'ref')))
UNMANAGE_VOLUME = common.action('os-unmanage')
UNMANAGE_SNAPSHOT = common.action('os-unmanage', {
    'type': ['object', 'null']})
