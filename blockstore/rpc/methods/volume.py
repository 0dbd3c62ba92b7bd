"""What a volume service may be asked."""

from blockstore import errors
from blockstore import validation
from blockstore.rpc.methods import attachments
from blockstore.rpc.methods import base
from blockstore.rpc.methods import manageable

# The daemons name the operation that they connect for: it must be theirs.
_CONNECTOR = {'type': 'object', 'properties': {'operation': {
    'type': ['object', 'null'], 'required': ['id', 'owner']}}}
_FORCE = base.optional('force', validation.BOOLEAN,
                       'Close it also if a client may still use it.')
_VOLUME = base.required('volume_id', validation.UUID, 'Which volume.')
_SNAPSHOT = base.required('snapshot_id', validation.UUID, 'Which snapshot.')
_DRIVER = (errors.NOT_FOUND, errors.DRIVER_FAILED, errors.DRIVER_NOT_READY,
           errors.LEASE_LOST)
_ACCEPTED = '``operation`` (``OperationInfo``) and '
_VOLUME_ACCEPTED = _ACCEPTED + '``volume`` (``VolumeInfo``)'
_SNAPSHOT_ACCEPTED = _ACCEPTED + '``snapshot`` (``SnapshotInfo``)'

_RUN = base.Method(
    'run_operation',
    'Do an operation now, and answer when it has ended, well or not. For the '
    'daemons: an attachment that a client waits for.',
    (base.required('operation_id', {'type': 'string'}, 'Which.'),),
    'nothing', (errors.OPERATION_TIMED_OUT,))

_CONNECTIONS = (
    base.Method(
        'initialize_connection', 'Make a volume reachable for a client.',
        (_VOLUME, base.required(
            'connector', _CONNECTOR, 'Who will connect: ``host``, ``mode`` '
            '(``rw`` or ``ro``) and what the back end needs.')),
        '``driver_volume_type`` and ``data``: how to connect', _DRIVER,
        since='1.0'),
    base.Method(
        'terminate_connection', 'Close a way to a volume; closed is fine.',
        (_VOLUME, base.required(
            'connector', validation.nullable(_CONNECTOR),
            'The same as before; null closes all of them.'), _FORCE),
        'nothing', (*_DRIVER, errors.VOLUME_BUSY), since='1.0'),
    base.Method(
        'initialize_connection_snapshot',
        'Make a snapshot reachable for a client, to read.',
        (_SNAPSHOT, base.required('connector', _CONNECTOR,
                                  'Who will connect.')),
        '``driver_volume_type`` and ``data``: how to connect',
        (*_DRIVER, errors.CAPABILITY_MISSING), since='1.0'),
    base.Method(
        'terminate_connection_snapshot',
        'Close a way to a snapshot; closed is fine.',
        (_SNAPSHOT, base.required('connector', validation.nullable(_CONNECTOR),
                                  'The same as before; null: all.'), _FORCE),
        'nothing', (*_DRIVER, errors.CAPABILITY_MISSING,
                    errors.SNAPSHOT_BUSY), since='1.0'),
    base.Method(
        'get_extents', 'List the parts of a snapshot that hold, or may hold, '
        'data.',
        (_SNAPSHOT,
         base.Argument('base_snapshot_id',
                       validation.nullable(validation.UUID),
                       'List only what changed since this older snapshot '
                       'of the volume; null: what is allocated.', True),
         base.required('offset', {'type': 'integer', 'minimum': 0},
                       'Where to begin, in bytes.'),
         base.required('length', {'type': 'integer', 'minimum': 0},
                       'How much to look at, in bytes.')),
        'a list of offset, length and whether it reads as zeros',
        (*_DRIVER, errors.CAPABILITY_MISSING), since='1.0'),
    base.Method(
        'get_capabilities', 'Tell what the back end is and can.', (),
        "the driver's stats, with ``capabilities``, a list of names",
        (errors.DRIVER_FAILED, errors.DRIVER_NOT_READY), since='1.0'),
)

_VOLUMES = (
    base.Method(
        'create_volume', 'Make a volume on this back end. A source must be '
        'on it too. The scheduler has a method of the same name that '
        'chooses the back end.',
        (*base.CREATE_ARGUMENTS, base.OPERATION_ID), _VOLUME_ACCEPTED,
        (*base.CREATE_ERRORS, errors.NO_VALID_BACKEND)),
    base.Method(
        'delete_volume', 'Remove a volume.',
        (_VOLUME, base.optional('cascade', validation.BOOLEAN,
                                'Its snapshots too.'), base.OPERATION_ID),
        _VOLUME_ACCEPTED,
        (errors.NOT_FOUND, errors.BELONGS_TO_BACKUP,
         errors.VOLUME_BAD_STATUS, errors.VOLUME_ATTACHED,
         errors.VOLUME_BACKING_UP, errors.VOLUME_BUSY,
         errors.VOLUME_HAS_SNAPSHOTS, errors.SNAPSHOT_BAD_STATUS,
         errors.OPERATION_TAKEN)),
    base.Method(
        'extend_volume', 'Grow a volume.',
        (_VOLUME, base.required('new_size', validation.SIZE,
                                'In GiB, more than it has.'),
         base.optional('allow_in_use', validation.BOOLEAN,
                       'Also while a client is connected.'),
         base.OPERATION_ID),
        _VOLUME_ACCEPTED,
        (errors.NOT_FOUND, errors.BELONGS_TO_BACKUP,
         errors.VOLUME_BAD_STATUS, errors.VOLUME_TOO_SMALL,
         errors.VOLUME_BACKING_UP, errors.QUOTA_EXCEEDED,
         errors.CAPABILITY_MISSING, errors.VOLUME_NOT_PLACED,
         errors.OPERATION_TAKEN)),
    base.Method(
        'revert_to_snapshot', 'Take a volume back to its latest snapshot.',
        (_VOLUME, _SNAPSHOT, base.OPERATION_ID), _VOLUME_ACCEPTED,
        (errors.NOT_FOUND, errors.BELONGS_TO_BACKUP,
         errors.VOLUME_BAD_STATUS, errors.SNAPSHOT_BAD_STATUS,
         errors.SNAPSHOT_NOT_LATEST, errors.CAPABILITY_MISSING,
         errors.VOLUME_NOT_PLACED, errors.OPERATION_TAKEN)),
    base.Method('get_volume', 'Show a volume.', (_VOLUME,),
                '``VolumeInfo``', (errors.NOT_FOUND,)),
)

_SNAPSHOTS = (
    base.Method(
        'create_snapshot', 'Take a snapshot of a volume.',
        (_VOLUME, base.NAME, base.DESCRIPTION,
         base.optional('metadata', validation.METADATA_NO_SLASH,
                       'Keys and values.'),
         base.optional('allow_in_use', validation.BOOLEAN,
                       'Also while a client is connected.'),
         base.OPERATION_ID),
        _SNAPSHOT_ACCEPTED,
        (errors.NOT_FOUND, errors.BELONGS_TO_BACKUP,
         errors.VOLUME_BAD_STATUS, errors.VOLUME_NOT_PLACED,
         errors.QUOTA_EXCEEDED, errors.OPERATION_TAKEN)),
    base.Method(
        'delete_snapshot', 'Remove a snapshot.',
        (_SNAPSHOT, base.OPERATION_ID), _SNAPSHOT_ACCEPTED,
        (errors.NOT_FOUND, errors.BELONGS_TO_BACKUP,
         errors.SNAPSHOT_BAD_STATUS, errors.SNAPSHOT_HAS_DEPENDENTS,
         errors.OPERATION_TAKEN)),
    base.Method('get_snapshot', 'Show a snapshot.', (_SNAPSHOT,),
                '``SnapshotInfo``', (errors.NOT_FOUND,)),
)

METHODS = base.table(
    (base.DUE, _RUN, *_VOLUMES, *_SNAPSHOTS, *attachments.ATTACHMENTS,
     *manageable.METHODS, *base.FOLLOW, *_CONNECTIONS))
