"""Where a backup reads from: the volume, a snapshot or a temporary object.

=====================  =====================  ===========================
asked for              snapshots attachable   otherwise
=====================  =====================  ===========================
a snapshot             that snapshot          temporary volume from it
volume, available      the volume             the volume
volume, in use         temporary snapshot     temporary volume (a clone)
=====================  =====================  ===========================

(R-101 to R-107.)  A temporary object has its row, and its name stands in the
backup's row, before the volume service is asked to make it (R-110).
"""

import typing

from oslo_log import log as logging
from oslo_utils import uuidutils

from blockstore import errors
from blockstore import exceptions
from blockstore.backup.flows.base import existing
from blockstore.backup.flows.base import Work
from blockstore.db import models
from blockstore.db import operations as db_operations
from blockstore.db import retry
from blockstore.db import rows
from blockstore.db import snapshots as db_snapshots
from blockstore.db.engine import Transaction
from blockstore.lifecycle import transitions
from blockstore.lifecycle.snapshots import SNAPSHOTS
from blockstore.lifecycle.snapshots import SnapshotStatus
from blockstore.lifecycle.volumes import VOLUMES
from blockstore.lifecycle.volumes import VolumeStatus
from blockstore.rpc.clients import Clients

LOG = logging.getLogger(__name__)
PURPOSE = 'backup'


class Source(typing.NamedTuple):
    """What is read: a snapshot, or else a volume."""

    volume_id: str
    snapshot_id: str | None = None


def choose(work: Work, abilities: dict[str, typing.Any]) -> str:
    """Return how to read: ``direct``, ``snapshot`` or ``volume``."""
    if work.backup.snapshot_id is None and (
            work.volume.previous_status == VolumeStatus.AVAILABLE):
        return 'direct'
    return 'snapshot' if abilities['backup_use_temp_snapshot'] else 'volume'


def prepare(work: Work, how: str) -> Source:
    """Make what must be made, and wait until it can be read."""
    if how == 'direct':
        return Source(work.volume.id)
    if how == 'snapshot' and work.backup.snapshot_id:
        return Source(work.volume.id, work.backup.snapshot_id)
    if how == 'snapshot':
        id_ = work.row().temp_snapshot_id or _intend_snapshot(work)
        _await(work, 'snapshot.create', id_)
        return Source(work.volume.id, id_)
    id_ = work.row().temp_volume_id or _intend_volume(work)
    _await(work, 'volume.create', id_)
    return Source(id_)


@retry.whole
def _intend_snapshot(work: Work) -> str:
    id_ = uuidutils.generate_uuid()
    with work.claim.write() as tx:
        volume = existing(tx, models.Volume, 'volume', work.volume.id)
        rows.insert(
            tx, models.Snapshot, id=id_, volume_id=volume.id,
            project_id=volume.project_id, user_id=work.backup.user_id,
            display_name=f'backup-snap-{volume.id}', purpose=PURPOSE,
            use_quota=False, status=SnapshotStatus.CREATING, progress='0%',
            volume_size=volume.size, volume_type_id=volume.volume_type_id)
        rows.update(tx, models.Backup, work.backup.id,
                    {'temp_snapshot_id': id_})
        _start(work, tx, 'snapshot.create', id_)
    return id_


@retry.whole
def _intend_volume(work: Work) -> str:
    id_ = uuidutils.generate_uuid()
    snapshot_id = work.backup.snapshot_id
    with work.claim.write() as tx:
        volume = existing(tx, models.Volume, 'volume', work.volume.id)
        rows.insert(
            tx, models.Volume, id=id_, project_id=volume.project_id,
            user_id=work.backup.user_id, host=volume.host,
            display_name=f'backup-vol-{volume.id}', purpose=PURPOSE,
            use_quota=False, status=VolumeStatus.CREATING,
            size=max(volume.size, work.backup.size),
            volume_type_id=volume.volume_type_id, snapshot_id=snapshot_id,
            source_volid=None if snapshot_id else volume.id)
        rows.update(tx, models.Backup, work.backup.id,
                    {'temp_volume_id': id_})
        _start(work, tx, 'volume.create', id_)
    return id_


def _start(work: Work, tx: Transaction, kind: str, id_: str) -> None:
    work.parts.clients.launch(
        tx, work.claim.context, kind, id_, topic='volume', host=work.owner,
        project_id=work.backup.project_id, parent_id=work.claim.id)


def _await(work: Work, kind: str, id_: str) -> None:
    with work.parts.database.read() as tx:
        operation = db_operations.child(tx, work.claim.id, kind, id_)
    if operation is None:
        raise exceptions.NotFound(f'the {kind} of {id_} is gone')
    ended = work.wait(operation.id)
    if ended.state != db_operations.DONE:
        raise exceptions.DriverError(
            f'{kind} of {id_} failed: {ended.error_message}',
            code=ended.error_code or errors.DRIVER_FAILED)


def connect(work: Work, source: Source) -> dict[str, typing.Any]:
    """Open a read-only way to the source's bytes."""
    direct = work.claim.facts['how'] == 'direct'
    work.take_connection(
        None if direct else lambda host: disconnect(work, source, host))
    client = work.parts.clients.volume
    connector = work.connector('ro', 'backup')
    if source.snapshot_id:
        return client.initialize_connection_snapshot(
            work.claim.context, work.owner, source.snapshot_id, connector)
    return client.initialize_connection(
        work.claim.context, work.owner, source.volume_id, connector)


def disconnect(work: Work, source: Source, host: str | None = None) -> None:
    """Close the way to the source's bytes; closed is success.

    :param host: whose way it is; this host's by default.
    """
    client = work.parts.clients.volume
    connector = work.connector('ro', 'backup', host)
    if source.snapshot_id:
        client.terminate_connection_snapshot(
            work.claim.context, work.owner, source.snapshot_id, connector)
    else:
        client.terminate_connection(
            work.claim.context, work.owner, source.volume_id, connector)


def disconnect_later(tx: Transaction, clients: Clients, claim: typing.Any,
                     backup: models.Backup, volume: models.Volume,
                     source: Source) -> None:
    """Start to close the way to the source's bytes; it happens for sure."""
    kind, id_ = (('snapshot.disconnect', source.snapshot_id)
                 if source.snapshot_id
                 else ('volume.disconnect', source.volume_id))
    clients.launch(
        tx, claim.context, kind, id_, topic='volume',
        host=(volume.host or '').partition('#')[0],
        project_id=backup.project_id, parent_id=claim.id,
        arguments={'connector': {'attachment_id': backup.id}})


def release(work: Work, keep_base: bool) -> None:
    """Remove the temporary object, or keep its snapshot as a base."""
    backup = work.row()
    with work.claim.write() as tx:
        if keep_base and backup.temp_snapshot_id:
            rows.update(tx, models.Backup, backup.id, {
                'base_snapshot_id': backup.temp_snapshot_id,
                'temp_snapshot_id': None})
            return
        started = clean_up(tx, work.parts.clients, work.claim, backup,
                           work.volume)
    for operation_id in started:
        if work.wait(operation_id).state != db_operations.DONE:
            # The backup is good, and its row goes on owning what is left.
            LOG.error('The temporary object of backup %s could not be '
                      'removed; that is tried again', backup.id)


def clean_up(tx: Transaction, clients: Clients, claim: typing.Any,
             backup: models.Backup, volume: models.Volume) -> list[str]:
    """Start to remove a backup's temporary objects; return the operations.

    From here on the operations' rows make sure that it happens; the backup's
    row names the objects until they are gone.
    """
    started = []
    for model, machine, noun, id_ in (
            (models.Snapshot, SNAPSHOTS, 'snapshot', backup.temp_snapshot_id),
            (models.Volume, VOLUMES, 'volume', backup.temp_volume_id)):
        if id_ is not None and transitions.try_move(
                tx, machine, model, id_, 'deleting',
                reason='its backup is over'):
            started.append(_remove(tx, clients, claim, f'{noun}.delete', id_,
                                   volume))
    return started


def drop_base(tx: Transaction, clients: Clients, claim: typing.Any,
              snapshot_id: str, volume: models.Volume) -> None:
    """Start to remove a base snapshot that the service itself had made."""
    snapshot = rows.get(tx, models.Snapshot, snapshot_id)
    if snapshot is None or snapshot.purpose != PURPOSE:
        return
    if transitions.try_move(tx, SNAPSHOTS, models.Snapshot, snapshot_id,
                            SnapshotStatus.DELETING,
                            reason='no backup builds on it any more'):
        _remove(tx, clients, claim, 'snapshot.delete', snapshot_id, volume)


def _remove(tx: Transaction, clients: Clients, claim: typing.Any, kind: str,
            id_: str, volume: models.Volume) -> str:
    return clients.launch(
        tx, claim.context, kind, id_, topic='volume',
        host=(volume.host or '').partition('#')[0],
        project_id=volume.project_id, parent_id=claim.id)


def base_of(work: Work, parent: models.Backup | None) -> str | None:
    """Return the parent's base snapshot if it can be compared with."""
    if parent is None or parent.base_snapshot_id is None:
        return None
    with work.parts.database.read() as tx:
        for row in db_snapshots.of_volume(tx, work.volume.id):
            if (row.id == parent.base_snapshot_id
                    and row.status == SnapshotStatus.AVAILABLE):
                return row.id
    return None
