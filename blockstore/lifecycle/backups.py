"""The statuses of a backup."""

import enum

from blockstore.lifecycle.machine import Machine
from blockstore.lifecycle.machine import moves


class BackupStatus(enum.StrEnum):
    """Where a backup stands; each line says what it means."""

    CREATING = 'creating'              # bytes are being copied
    AVAILABLE = 'available'            # complete in the store
    RESTORING = 'restoring'            # a volume is being filled from it
    DELETING = 'deleting'              # being removed
    ERROR = 'error'                    # could not be made; see fail_reason
    ERROR_DELETING = 'error_deleting'  # could not be removed


_S = BackupStatus
DELETABLE = (_S.AVAILABLE, _S.ERROR)

BACKUPS = Machine('backup', BackupStatus, moves(
    (_S.CREATING, _S.AVAILABLE, 'complete in the store'),
    (_S.CREATING, _S.ERROR, 'a step failed; see fail_reason'),
    (_S.AVAILABLE, _S.RESTORING, 'a volume is filled from it'),
    (_S.RESTORING, _S.AVAILABLE, 'the restore is over'),
    (DELETABLE, _S.DELETING, 'asked to be removed'),
    (tuple(_S), _S.DELETING, 'removed by force'),
    (_S.DELETING, _S.ERROR_DELETING, 'the store could not remove it'),
), transient=frozenset({_S.CREATING, _S.RESTORING, _S.DELETING}))

# What an administrator may set.
RESETTABLE = frozenset({'available', 'error'})
