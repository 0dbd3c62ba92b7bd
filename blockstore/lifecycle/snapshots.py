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
    MANAGING = 'managing'              # being taken over from the back end
    ERROR_MANAGING = 'error_managing'  # could not be taken over
    ERROR_MANAGING_DELETING = 'error_managing_deleting'  # its row goes
    UNMANAGING = 'unmanaging'          # being let go, with its bytes


_S = SnapshotStatus
DELETABLE = (_S.AVAILABLE, _S.ERROR)
# Whose bytes are not ours, or no longer: they are never removed with the row.
FOREIGN = (_S.MANAGING, _S.ERROR_MANAGING, _S.ERROR_MANAGING_DELETING,
           _S.UNMANAGING)
_OURS = tuple(one for one in _S if one not in FOREIGN)

SNAPSHOTS = Machine('snapshot', SnapshotStatus, moves(
    (_S.CREATING, _S.AVAILABLE, 'the driver took it'),
    (_S.CREATING, _S.ERROR, 'the driver could not take it'),
    (_S.AVAILABLE, _S.BACKING_UP, 'a backup reads it'),
    (_S.BACKING_UP, _S.AVAILABLE, 'the backup is over'),
    (_S.AVAILABLE, _S.RESTORING, 'its volume goes back to it'),
    (_S.RESTORING, _S.AVAILABLE, 'its volume has gone back, or could not'),
    (DELETABLE, _S.DELETING, 'asked to be removed'),
    ((*_OURS, _S.UNMANAGING), _S.DELETING,
     'removed by force or with its owner'),
    (_S.DELETING, _S.AVAILABLE, 'the back end refused: busy'),
    (_S.DELETING, _S.ERROR_DELETING, 'the driver could not remove it'),
    # Taken over and let go.
    (_S.MANAGING, _S.AVAILABLE, 'taken over'),
    (_S.MANAGING, _S.ERROR_MANAGING, 'it could not be taken over'),
    (_S.ERROR_MANAGING, _S.ERROR_MANAGING_DELETING, 'asked to be removed'),
    (FOREIGN, _S.ERROR_MANAGING_DELETING, 'removed by force'),
    (_S.ERROR_MANAGING_DELETING, _S.ERROR_MANAGING,
     'the driver could not let it go'),
    (DELETABLE, _S.UNMANAGING, 'asked to be let go'),
    *((_S.UNMANAGING, one, 'the back end cannot let it go')
      for one in DELETABLE),
    (_S.UNMANAGING, _S.ERROR_DELETING, 'the driver could not let it go'),
), transient=frozenset({
    _S.CREATING, _S.BACKING_UP, _S.RESTORING, _S.DELETING, _S.MANAGING,
    _S.ERROR_MANAGING_DELETING, _S.UNMANAGING}))

# What an administrator may set.
RESETTABLE = frozenset({
    'error', 'available', 'creating', 'deleting', 'deleted', 'updating',
    'error_deleting', 'unmanaging', 'backing-up', 'restoring'})
