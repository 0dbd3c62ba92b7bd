"""What may be sent about volumes."""

from typing import Any

from blockstore.api import validation
from blockstore.api.schemas import common
from blockstore.lifecycle.volumes import AttachStatus
from blockstore.lifecycle.volumes import RESETTABLE

_OPTIONAL_STRING = validation.STRING_255_OR_NULL

_CREATE: dict[str, Any] = {
    **common.NAMES,
    'size': validation.nullable(validation.SIZE),
    'volume_type': _OPTIONAL_STRING,
    'metadata': validation.nullable(validation.METADATA),
    'snapshot_id': common.OPTIONAL_UUID,
    'source_volid': common.OPTIONAL_UUID,
    'backup_id': common.OPTIONAL_UUID,
    'imageRef': _OPTIONAL_STRING,
    'image_id': _OPTIONAL_STRING,
    'availability_zone': {'type': ['string', 'null'], 'minLength': 1,
                          'maxLength': 255, 'format': 'text'},
    'consistencygroup_id': common.OPTIONAL_UUID,
    'group_id': _OPTIONAL_STRING,
    'multiattach': validation.nullable(validation.BOOLEAN),
}
_HINTS = {'OS-SCH-HNT:scheduler_hints': {'type': ['object', 'null']}}

# Before 3.53 a key that is not known is ignored.
CREATE = validation.body(
    'volume', {'type': 'object', 'properties': _CREATE}, _HINTS)
CREATE_CLOSED = validation.body(
    'volume', validation.closed(_CREATE), _HINTS)

_UPDATE: dict[str, Any] = {
    **common.NAMES, 'metadata': validation.nullable(validation.METADATA)}
UPDATE = validation.body('volume', validation.closed(_UPDATE))
UPDATE_SOMETHING = validation.body(
    'volume', validation.closed(_UPDATE, minProperties=1))

METADATA = common.metadata(validation.METADATA)
METADATA_KEY = common.metadata_key(validation.METADATA)

_MODE = {'type': 'string', 'enum': ['rw', 'ro']}

ATTACH = common.action('os-attach', validation.closed({
    'mountpoint': validation.STRING_255,
    'instance_uuid': common.OPTIONAL_UUID,
    'host_name': _OPTIONAL_STRING,
    'mode': _MODE,
}, required=('mountpoint',), anyOf=[
    {'required': ['instance_uuid']}, {'required': ['host_name']}]))
DETACH = common.action('os-detach', validation.nullable(validation.closed({
    'attachment_id': common.OPTIONAL_UUID})))
FORCE_DETACH = common.action(
    'os-force_detach', validation.nullable(validation.closed({
        'attachment_id': common.OPTIONAL_UUID,
        'connector': common.LOOSE_CONNECTOR})))
INITIALIZE = common.action('os-initialize_connection', validation.closed({
    'connector': common.CONNECTOR}, required=('connector',)))
TERMINATE = common.action('os-terminate_connection', validation.closed({
    'connector': common.LOOSE_CONNECTOR}, required=('connector',)))
EXTEND = common.action('os-extend', validation.closed({
    'new_size': validation.SIZE}, required=('new_size',)))
# A volume that is set to deleting would wait for nobody.
RESET_STATUS = common.action('os-reset_status', validation.closed({
    'status': {'type': ['string', 'null'],
               'enum': [*sorted(RESETTABLE - {'deleting'}), None]},
    'attach_status': {'type': ['string', 'null'],
                      'enum': [*(str(one) for one in AttachStatus), None]},
    'migration_status': {
        'type': ['string', 'null'],
        'enum': ['migrating', 'error', 'success', 'completing', 'none',
                 'starting', None]},
}, minProperties=1))
REVERT = common.action('revert', validation.closed({
    'snapshot_id': common.OPTIONAL_UUID}))
SET_BOOTABLE = common.action('os-set_bootable', validation.closed({
    'bootable': validation.BOOLEAN}, required=('bootable',)))
SET_READONLY = common.action('os-update_readonly_flag', validation.closed({
    'readonly': validation.BOOLEAN}, required=('readonly',)))
RESERVE = common.action('os-reserve')
UNRESERVE = common.action('os-unreserve')
BEGIN_DETACHING = common.action('os-begin_detaching')
ROLL_DETACHING = common.action('os-roll_detaching')
FORCE_DELETE = common.action('os-force_delete')
