"""Restores: filling a volume from a backup, however it was asked for."""

from blockstore.context import RequestContext
from blockstore.db import models
from blockstore.db.engine import Transaction
from blockstore.lifecycle import transitions
from blockstore.lifecycle.backups import BACKUPS
from blockstore.lifecycle.backups import BackupStatus
from blockstore.rpc.clients import Clients
from blockstore.services import base


def launch(tx: Transaction, clients: Clients, context: RequestContext,
           backup_id: str, volume_id: str, *, new: bool) -> None:
    """Hold a backup for a restore and start it.

    :param new: the volume is being made for this and reads as zeros.
    :raises exceptions.InvalidStatus: the backup is not available.
    """
    backup = base.require(tx, context, models.Backup, 'backup', backup_id)
    transitions.move(tx, BACKUPS, models.Backup, backup_id,
                     BackupStatus.RESTORING, restore_volume_id=volume_id)
    clients.launch(
        tx, context, 'backup.restore', backup_id, topic='backup', host=None,
        project_id=backup.project_id,
        arguments={'volume_id': volume_id, 'new': new})
