"""What a volume service may be asked about manage and unmanage."""

from typing import Any

from blockstore import errors
from blockstore import validation
from blockstore.rpc.methods import base

SINCE = '1.3'
REFERENCE: dict[str, Any] = {'type': ['string', 'object']}
_REFERENCE_OR_NULL: dict[str, Any] = {'type': ['string', 'object', 'null']}
_VOLUME = base.required('volume_id', validation.UUID, 'Which volume.')
_SNAPSHOT = base.required('snapshot_id', validation.UUID, 'Which snapshot.')
_BAD = (errors.MANAGE_INVALID_REFERENCE, errors.MANAGE_ALREADY_MANAGED)
_DRIVER = (errors.CAPABILITY_MISSING, errors.DRIVER_FAILED)
_STRINGS = {'type': 'array', 'items': {'type': 'string'}}
_PAGE = (
    base.required('marker', {'type': ['object', 'null']},
                  'The ``reference`` of the last entry that was seen.'),
    base.required('limit', {'type': ['integer', 'null'], 'minimum': 0},
                  'How many at most; null: all.'),
    base.required('offset', {'type': 'integer', 'minimum': 0},
                  'How many to pass over.'),
    base.required('sort_keys', _STRINGS, '``reference`` or ``size``.'),
    base.required('sort_dirs', _STRINGS, '``asc`` or ``desc``, for each.'))
_ENTRIES = ('a list of ``reference``, ``size``, ``safe_to_manage``, '
            '``reason_not_safe``, ``cinder_id``, ``extra_info``')


_VOLUME_ACCEPTED = (
    '``operation`` (``OperationInfo``) and ``volume`` (``VolumeInfo``)')
_SNAPSHOT_ACCEPTED = (
    '``operation`` (``OperationInfo``) and ``snapshot`` (``SnapshotInfo``)')

METHODS = (
    base.Method(
        'get_manageable_volumes', 'List the volumes that stand on the back '
        'end, whether they are managed or not.', _PAGE, _ENTRIES, _DRIVER,
        SINCE),
    base.Method(
        'get_manageable_snapshots', 'List the snapshots that stand on the '
        'back end, whether they are managed or not.', _PAGE,
        _ENTRIES + ' and ``source_reference``', _DRIVER, SINCE),
    base.Method(
        'measure_volume', 'Tell what managing a volume would find; changes '
        'nothing.',
        (base.required('reference', REFERENCE, 'What stands there.'),),
        'the size in GiB', (*_BAD, *_DRIVER), SINCE),
    base.Method(
        'measure_snapshot', 'Tell what managing a snapshot would find; '
        'changes nothing.',
        (_VOLUME, base.required('reference', _REFERENCE_OR_NULL,
                                'What stands there.')),
        'the size in GiB', (*_BAD, *_DRIVER), SINCE),
    base.Method(
        'manage_volume', 'Take an object of this back end over as a volume.',
        (base.required('reference', REFERENCE, 'What stands there.'),
         base.NAME, base.DESCRIPTION, base.TYPE, base.METADATA,
         base.optional('bootable', validation.BOOLEAN,
                       'Whether a machine can boot from it.'),
         base.OPERATION_ID),
        _VOLUME_ACCEPTED,
        (errors.NOT_FOUND, errors.QUOTA_EXCEEDED, errors.DRIVER_NOT_READY,
         errors.CAPABILITY_MISSING, errors.TYPE_DEFAULT_MISSING,
         errors.OPERATION_TAKEN), SINCE),
    base.Method(
        'unmanage_volume', 'Let a volume go; its bytes stay.',
        (_VOLUME, base.OPERATION_ID), _VOLUME_ACCEPTED,
        (errors.NOT_FOUND, errors.BELONGS_TO_BACKUP,
         errors.VOLUME_BAD_STATUS, errors.VOLUME_ATTACHED,
         errors.VOLUME_BACKING_UP, errors.VOLUME_BUSY,
         errors.VOLUME_HAS_SNAPSHOTS, errors.CAPABILITY_MISSING,
         errors.OPERATION_TAKEN), SINCE),
    base.Method(
        'manage_snapshot', 'Take an object over as a snapshot of a volume.',
        (_VOLUME, base.required('reference', _REFERENCE_OR_NULL,
                                'What stands there.'),
         base.NAME, base.DESCRIPTION,
         base.optional('metadata', validation.METADATA_NO_SLASH,
                       'Keys and values.'), base.OPERATION_ID),
        _SNAPSHOT_ACCEPTED,
        (errors.NOT_FOUND, errors.BELONGS_TO_BACKUP,
         errors.VOLUME_BAD_STATUS, errors.VOLUME_NOT_PLACED,
         errors.QUOTA_EXCEEDED, errors.DRIVER_NOT_READY,
         errors.CAPABILITY_MISSING, errors.OPERATION_TAKEN), SINCE),
    base.Method(
        'unmanage_snapshot', 'Let a snapshot go; its bytes stay.',
        (_SNAPSHOT, base.OPERATION_ID), _SNAPSHOT_ACCEPTED,
        (errors.NOT_FOUND, errors.BELONGS_TO_BACKUP,
         errors.SNAPSHOT_BAD_STATUS, errors.SNAPSHOT_HAS_DEPENDENTS,
         errors.CAPABILITY_MISSING, errors.OPERATION_TAKEN), SINCE),
)
