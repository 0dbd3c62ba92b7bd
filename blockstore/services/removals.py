"""What keeps a volume from being removed, or let go."""

from blockstore import errors
from blockstore import exceptions
from blockstore.db import attachments
from blockstore.db import models
from blockstore.db import operations
from blockstore.db import snapshots as db_snapshots
from blockstore.db import volumes as db
from blockstore.db.engine import Transaction
from blockstore.lifecycle.volumes import FOREIGN


def check_unused(tx: Transaction, volume: models.Volume) -> None:
    """Refuse a volume that a client, a backup or a copy still needs."""
    present = attachments.of_volume(tx, volume.id)
    if present or volume.attach_status == 'attached':
        raise exceptions.InvalidStatus(
            f'volume {volume.id} is attached, or promised to a client',
            code=errors.VOLUME_ATTACHED,
            blockers=[f'attachment {row.id}' for row in present[:10]],
            remedy='detach it first, or delete its attachments')
    if volume.backup_id is not None:
        raise exceptions.InvalidStatus(
            f'volume {volume.id} is being backed up',
            code=errors.VOLUME_BACKING_UP,
            blockers=[f'backup {volume.backup_id}'],
            remedy='wait for the backup, or delete it by force')
    check_no_copies(tx, volume.id, f'volume {volume.id}')


def check_no_snapshots(tx: Transaction, volume: models.Volume,
                       remedy: str = 'delete the snapshots first, or delete '
                                     'with cascade') -> None:
    """Refuse a volume that has snapshots of a user."""
    blocking = [row.id for row in db_snapshots.of_volume(tx, volume.id)
                if row.purpose == 'user']
    if blocking:
        raise exceptions.InvalidStatus(
            f'volume {volume.id} has {len(blocking)} snapshots',
            code=errors.VOLUME_HAS_SNAPSHOTS,
            blockers=[f'snapshot {one}' for one in blocking[:10]],
            remedy=remedy)


def check_no_copies(tx: Transaction, id_: str, what: str) -> None:
    """Refuse what a volume is being made from."""
    making = db.sources(tx, id_)
    if making:
        raise exceptions.InvalidStatus(
            f'volumes are being made from {what}', code=errors.VOLUME_BUSY,
            blockers=[f'volume {one}' for one in making[:10]],
            remedy='wait until they are available')


def check_taken_over(tx: Transaction, volume: models.Volume) -> None:
    """Refuse to call the bytes of a volume foreign that the service made.

    They would be left behind when it is removed.
    """
    last = operations.last_closed(tx, volume.id)
    if volume.status in FOREIGN or (last is not None and last.kind in (
            'volume.manage', 'volume.release')):
        return
    raise exceptions.InvalidStatus(
        f'volume {volume.id} was not being taken over: its bytes would be '
        'left behind when it is deleted',
        code=errors.VOLUME_BAD_STATUS,
        blockers=[f'status {volume.status}'],
        remedy='reset it to error, or unmanage it to keep its bytes')
