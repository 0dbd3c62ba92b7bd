"""The statuses of a snapshot."""

import enum

from blockstore.lifecycle.machine import Machine
from blockstore.lifecycle.machine import moves


class SnapshotStatus(enum.StrEnum):
    """Where a snapshot stands; each line says what it means."""

    CREATING = 'creating'              # being taken
    AVAILABLE = 'available'            # its bytes are frozen and readable
    BACKING_UP = 'backing-up'          # a backup reads it
    RESTORING = 'restoring'            # its volume is going back to it
    DELETING = 'deleting'              # being removed
    ERROR = 'error'                    # could not be taken
    ERROR_DELETING = 'error_deleting'  # could not be removed


_S = SnapshotStatus
DELETABLE = (_S.AVAILABLE, _S.ERROR)

SNAPSHOTS = Machine('snapshot', SnapshotStatus, moves(
    (_S.CREATING, _S.AVAILABLE, 'the driver took it'),
    (_S.CREATING, _S.ERROR, 'the driver could not take it'),
    (_S.AVAILABLE, _S.BACKING_UP, 'a backup reads it'),
    (_S.BACKING_UP, _S.AVAILABLE, 'the backup is over'),
    (_S.AVAILABLE, _S.RESTORING, 'its volume goes back to it'),
    (_S.RESTORING, _S.AVAILABLE, 'its volume has gone back, or could not'),
    (DELETABLE, _S.DELETING, 'asked to be removed'),
    (tuple(_S), _S.DELETING, 'removed by force or with its owner'),
    (_S.DELETING, _S.AVAILABLE, 'the back end refused: busy'),
    (_S.DELETING, _S.ERROR_DELETING, 'the driver could not remove it'),
), transient=frozenset({_S.CREATING, _S.BACKING_UP, _S.RESTORING,
                        _S.DELETING}))

# What an administrator may set.
RESETTABLE = frozenset({
    'error', 'available', 'creating', 'deleting', 'deleted', 'updating',
    'error_deleting', 'unmanaging', 'backing-up', 'restoring'})
