"""The last safety net: nothing stays in a transitional status for ever.

Operations end their own statuses, whatever is killed.  The reaper looks for
rows that have a transitional status without any open operation, for longer
than two leases, and gives them an honest error status with a reason.  It also
removes, again and again until it works, what the service had made for itself
and could not remove when it was no longer needed.
"""

import datetime
import typing

from oslo_config import cfg
from oslo_log import log as logging
from oslo_utils import timeutils

from blockstore import context as contexts
from blockstore import metrics
from blockstore.db import messages as db_messages
from blockstore.db import models
from blockstore.db import notifications as db_notifications
from blockstore.db import operations as db_operations
from blockstore.db import retry
from blockstore.db import rows
from blockstore.db import stuck
from blockstore.db import volumes as db_volumes
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction
from blockstore.lifecycle import operations
from blockstore.lifecycle import transitions
from blockstore.lifecycle.backups import BACKUPS
from blockstore.lifecycle.machine import Machine
from blockstore.lifecycle.snapshots import SNAPSHOTS
from blockstore.lifecycle.volumes import VOLUMES

LOG = logging.getLogger(__name__)
REASON = 'no operation was left to end it'

_FOREIGN = {'managing': 'error_managing',
            'error_managing_deleting': 'error_managing'}
# Where a row goes that nobody works on, by its status.
_ENDS: dict[str, dict[str, str]] = {
    'volume': {'creating': 'error', 'extending': 'error_extending',
               'reverting': 'error', 'restoring-backup': 'error_restoring',
               'deleting': 'error_deleting', **_FOREIGN,
               'unmanaging': 'error_unmanaging'},
    'snapshot': {'creating': 'error', 'backing-up': 'available',
                 'restoring': 'available', 'deleting': 'error_deleting',
                 **_FOREIGN, 'unmanaging': 'error_deleting'},
    'backup': {'creating': 'error', 'restoring': 'available',
               'deleting': 'error_deleting'},
}


class Reaper:
    """Looks through all rows; any number of reapers may run."""

    def __init__(self, conf: cfg.ConfigOpts, database: Database) -> None:
        self._age = 2 * conf.operations.lease
        self._told = conf.observability.notification_kept
        self._kept = datetime.timedelta(days=conf.operations.kept_days)
        self._database = database

    @retry.whole
    def look(self) -> int:
        """End what is stuck; return how many rows were.

        Also forgets user messages, notifications and closed operations that
        are too old.
        """
        volumes = rows.table(models.Volume)
        snapshots = rows.table(models.Snapshot)
        with self._database.write() as tx:
            db_messages.delete_expired(tx)
            _not_told(tx, db_notifications.delete_older(tx, self._told))
            db_operations.delete_closed(
                tx, timeutils.utcnow() - self._kept)
            return sum((
                self._end(tx, VOLUMES, models.Volume,
                          stuck.restored_from(volumes.c.id)),
                self._end(tx, SNAPSHOTS, models.Snapshot,
                          stuck.backed_up(snapshots.c.id),
                          stuck.worked_on_with(snapshots.c.volume_id)),
                self._end(tx, BACKUPS, models.Backup),
                self._release(tx),
                self._remove(tx, SNAPSHOTS, models.Snapshot,
                             'temp_snapshot_id', 'base_snapshot_id'),
                self._remove(tx, VOLUMES, models.Volume, 'temp_volume_id')))

    def _end(self, tx: Transaction, machine: Machine,
             model: type[models.Base], *covered_by: stuck.Condition) -> int:
        ends = _ENDS[machine.noun]
        found = stuck.unowned(tx, model, list(ends), self._age, *covered_by)
        ended = [row for row in found if transitions.try_move(
            tx, machine, model, row.id, ends[row.status],
            sources=(row.status,), reason=REASON)]
        for row in ended:
            LOG.error('%s %s was stuck in %s: %s', machine.noun, row.id,
                      row.status, REASON)
        return _counted(tx, machine.noun, 'stuck', len(ended))

    def _remove(self, tx: Transaction, machine: Machine,
                model: type[models.Base], *names: str) -> int:
        """Start to remove what no backup needs any more."""
        found = stuck.leftovers(tx, model, self._age, *names)
        for row in found:
            LOG.warning('%s %s (%s) was left over by a backup: removing it',
                        machine.noun, row.id, row.status)
            transitions.try_move(tx, machine, model, row.id, 'deleting',
                                 reason='left over by a backup')
            self._start(tx, f'{machine.noun}.delete', row)
        return _counted(tx, machine.noun, 'left over', len(found))

    def _start(self, tx: Transaction, kind: str, row: typing.Any) -> None:
        volume_id = row.id if kind == 'volume.delete' else row.volume_id
        volume = rows.get(tx, models.Volume, volume_id)
        if volume is not None and volume.host is not None:
            operations.start(
                tx, contexts.for_service(), kind, row.id, topic='volume',
                host=volume.host.partition('#')[0],
                project_id=row.project_id)

    def _release(self, tx: Transaction) -> int:
        held = stuck.held_in_vain(tx)
        for row in held:
            LOG.error('volume %s was held by backup %s, which is over',
                      row.id, row.backup_id)
            db_volumes.release_from_backup(tx, row.id, row.backup_id,
                                           'error_backing-up')
        return _counted(tx, 'volume', 'held', len(held))


def _counted(tx: Transaction, noun: str, reason: str, number: int) -> int:
    if number:
        tx.after_commit(
            lambda: metrics.ORPHANS.labels(noun, reason).inc(number))
    return number


def _not_told(tx: Transaction, number: int) -> None:
    def count() -> None:
        metrics.NOTIFICATIONS_FAILED.labels('too old').inc(number)
        LOG.error('%d notifications could not be sent for too long: nobody '
                  'is told of them', number)

    if number:
        tx.after_commit(count)
