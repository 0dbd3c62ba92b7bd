"""What a backup service may be asked."""

from blockstore import errors
from blockstore import validation
from blockstore.rpc.methods import base

_BACKUP = base.required('backup_id', validation.UUID, 'Which backup.')
_ACCEPTED = '``operation`` (``OperationInfo``) and ``backup`` (``BackupInfo``)'

METHODS = base.table((
    base.DUE,
    base.Method(
        'create_backup', 'Back a volume, or one of its snapshots, up.',
        (base.required('volume_id', validation.UUID, 'Which volume.'),
         base.optional('snapshot_id', validation.UUID,
                       'What this snapshot of it holds.'),
         base.NAME, base.DESCRIPTION, base.METADATA,
         base.optional('container', validation.STRING_255,
                       'A name for the place in the store.'),
         base.optional('incremental', validation.BOOLEAN,
                       'Read only what changed since the last backup.'),
         base.optional('force', validation.BOOLEAN,
                       'Also while a client is connected.'),
         base.ZONE, base.OPERATION_ID), _ACCEPTED,
        (errors.NOT_FOUND, errors.BELONGS_TO_BACKUP,
         errors.VOLUME_BAD_STATUS, errors.VOLUME_BACKING_UP,
         errors.SNAPSHOT_BAD_STATUS, errors.BACKUP_NEEDS_FORCE,
         errors.BACKUP_NO_PARENT, errors.BACKUP_NO_SERVICE,
         errors.QUOTA_EXCEEDED, errors.OPERATION_TAKEN)),
    base.Method(
        'restore_backup', 'Fill a volume, given or new, from a backup.',
        (_BACKUP,
         base.optional('volume_id', validation.UUID,
                       'Overwrite this volume; a new one otherwise.'),
         base.optional('name', validation.NAME, 'Of a new volume.'),
         base.OPERATION_ID),
        _ACCEPTED + ', and ``volume`` (``VolumeInfo``), which is filled',
        (errors.NOT_FOUND, errors.BELONGS_TO_BACKUP,
         errors.BACKUP_BAD_STATUS, errors.BACKUP_NO_SERVICE,
         errors.VOLUME_BAD_STATUS, errors.VOLUME_BACKING_UP,
         errors.VOLUME_TOO_SMALL, errors.QUOTA_EXCEEDED,
         errors.TYPE_DEFAULT_MISSING, errors.STATE_CHANGED,
         errors.OPERATION_TAKEN)),
    base.Method(
        'delete_backup', 'Remove a backup; all others still restore.',
        (_BACKUP, base.optional('force', validation.BOOLEAN,
                                'Whatever its status is; what runs on it is '
                                'stopped.'), base.OPERATION_ID), _ACCEPTED,
        (errors.NOT_FOUND, errors.BACKUP_BAD_STATUS, errors.BACKUP_BUILT_ON,
         errors.OPERATION_TAKEN)),
    base.Method('get_backup', 'Show a backup.', (_BACKUP,),
                '``BackupInfo``', (errors.NOT_FOUND,)),
    *base.FOLLOW,
))
