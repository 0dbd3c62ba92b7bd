"""The statuses of a volume.

``backing-up`` is not among them: a backup holds a volume through
``volumes.backup_id`` and the API shows it to old clients (R-111).
"""

import enum

from blockstore.lifecycle.machine import Machine
from blockstore.lifecycle.machine import moves


class VolumeStatus(enum.StrEnum):
    """Where a volume stands; each line says what it means."""

    CREATING = 'creating'              # its bytes are being made
    AVAILABLE = 'available'            # whole, and attached to nobody
    RESERVED = 'reserved'              # promised to an attachment
    ATTACHING = 'attaching'            # a client is connecting
    IN_USE = 'in-use'                  # at least one client is connected
    DETACHING = 'detaching'            # a client is letting go
    MAINTENANCE = 'maintenance'        # locked by an administrator
    EXTENDING = 'extending'            # growing
    REVERTING = 'reverting'            # going back to a snapshot
    RESTORING = 'restoring-backup'     # being filled from a backup
    DELETING = 'deleting'              # being removed
    ERROR = 'error'                    # could not be made
    ERROR_DELETING = 'error_deleting'  # could not be removed
    ERROR_EXTENDING = 'error_extending'  # could not grow; bytes are safe
    ERROR_RESTORING = 'error_restoring'  # holds part of a backup
    MANAGING = 'managing'              # being taken over from the back end
    ERROR_MANAGING = 'error_managing'  # could not be taken over
    ERROR_MANAGING_DELETING = 'error_managing_deleting'  # its row goes
    UNMANAGING = 'unmanaging'          # being let go, with its bytes
    ERROR_UNMANAGING = 'error_unmanaging'  # could not be let go


class AttachStatus(enum.StrEnum):
    """Where one attachment, or a volume as a whole, stands."""

    RESERVED = 'reserved'              # promised, no connector yet
    ATTACHING = 'attaching'            # connected, not yet confirmed
    ATTACHED = 'attached'              # in use
    DETACHING = 'detaching'            # letting go
    DETACHED = 'detached'              # not connected
    ERROR_ATTACHING = 'error_attaching'  # could not be connected
    ERROR_DETACHING = 'error_detaching'  # could not be let go
    DELETED = 'deleted'                # the attachment is gone


_S = VolumeStatus
DELETABLE = (_S.AVAILABLE, _S.ERROR, _S.ERROR_RESTORING, _S.ERROR_EXTENDING)
# Whose bytes are not ours, or no longer: they are never removed with the row.
FOREIGN = (_S.MANAGING, _S.ERROR_MANAGING, _S.ERROR_MANAGING_DELETING,
           _S.UNMANAGING)
UNMANAGEABLE = (*DELETABLE, _S.ERROR_UNMANAGING)
_OURS = tuple(one for one in _S if one not in FOREIGN)
CONNECTED = (_S.RESERVED, _S.ATTACHING, _S.IN_USE, _S.DETACHING)

VOLUMES = Machine('volume', VolumeStatus, moves(
    # Birth.
    (_S.CREATING, _S.AVAILABLE, 'the driver made it'),
    (_S.CREATING, _S.ERROR, 'no back end or a driver failure'),
    (_S.CREATING, _S.RESTORING, 'made, to be filled from a backup'),
    # Attachments move freely among the connected statuses.
    ((_S.AVAILABLE, _S.IN_USE, _S.ATTACHING, _S.DETACHING), _S.RESERVED,
     'an attachment was promised'),
    ((_S.AVAILABLE, _S.IN_USE, _S.RESERVED, _S.DETACHING), _S.ATTACHING,
     'a client connects'),
    ((_S.AVAILABLE, _S.RESERVED, _S.ATTACHING, _S.DETACHING), _S.IN_USE,
     'a client is connected'),
    ((_S.IN_USE, _S.RESERVED, _S.ATTACHING), _S.DETACHING,
     'a client lets go'),
    (CONNECTED, _S.AVAILABLE, 'the last client is gone'),
    # Long operations.
    ((_S.AVAILABLE, _S.IN_USE), _S.EXTENDING, 'asked to grow'),
    (_S.EXTENDING, _S.AVAILABLE, 'grown'),
    (_S.EXTENDING, _S.IN_USE, 'grown while connected'),
    (_S.EXTENDING, _S.ERROR_EXTENDING, 'the driver could not grow it'),
    (_S.AVAILABLE, _S.REVERTING, 'asked to go back to a snapshot'),
    (_S.REVERTING, _S.AVAILABLE, 'gone back'),
    (_S.REVERTING, _S.ERROR, 'the driver could not go back'),
    (_S.AVAILABLE, _S.RESTORING, 'asked to be filled from a backup'),
    (_S.RESTORING, _S.AVAILABLE, 'filled and proven'),
    (_S.RESTORING, _S.ERROR_RESTORING, 'filling failed'),
    # End.
    (DELETABLE, _S.DELETING, 'asked to be removed'),
    (_OURS, _S.DELETING, 'removed by force'),
    (_S.DELETING, _S.AVAILABLE, 'the back end refused: busy'),
    (_S.DELETING, _S.ERROR_DELETING, 'the driver could not remove it'),
    # Taken over and let go.
    (_S.MANAGING, _S.AVAILABLE, 'taken over'),
    (_S.MANAGING, _S.ERROR_MANAGING, 'it could not be taken over'),
    (_S.ERROR_MANAGING, _S.ERROR_MANAGING_DELETING, 'asked to be removed'),
    (FOREIGN, _S.ERROR_MANAGING_DELETING, 'removed by force'),
    (_S.ERROR_MANAGING_DELETING, _S.ERROR_MANAGING,
     'the driver could not let it go'),
    (UNMANAGEABLE, _S.UNMANAGING, 'asked to be let go'),
    *((_S.UNMANAGING, one, 'the back end cannot let it go')
      for one in DELETABLE),
    (_S.UNMANAGING, _S.ERROR_UNMANAGING, 'the driver could not let it go'),
), transient=frozenset({
    _S.CREATING, _S.EXTENDING, _S.REVERTING, _S.RESTORING, _S.DELETING,
    _S.MANAGING, _S.ERROR_MANAGING_DELETING, _S.UNMANAGING}))

# What an administrator may set.
RESETTABLE = frozenset({
    'creating', 'available', 'deleting', 'error', 'error_deleting',
    'error_managing', 'managing', 'attaching', 'in-use', 'detaching',
    'maintenance', 'restoring-backup', 'error_restoring', 'reserved',
    'awaiting-transfer', 'backing-up', 'error_backing-up',
    'error_extending', 'downloading', 'uploading', 'retyping', 'extending'})

# What each attachment status says about the volume as a whole; the first
# one that any attachment has decides.
_BY_ATTACHMENT = (
    (AttachStatus.ATTACHED, _S.IN_USE),
    (AttachStatus.ATTACHING, _S.ATTACHING),
    (AttachStatus.DETACHING, _S.DETACHING),
    (AttachStatus.RESERVED, _S.RESERVED))


def by_attachments(statuses: 'set[str]') -> tuple[str, str]:
    """Return a volume's status and attach status from its attachments'."""
    for attach_status, status in _BY_ATTACHMENT:
        if attach_status in statuses:
            return str(status), str(attach_status)
    return str(_S.AVAILABLE), str(AttachStatus.DETACHED)
