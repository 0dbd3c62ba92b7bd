"""A resource in plain words: what holds it, since when, what comes next.

>>> for sentence in explain.explain(tx, conf, volume_id):
...     print(sentence)
"""

from collections.abc import Iterator
import datetime
import typing

from oslo_config import cfg
from oslo_utils import timeutils

from blockstore import exceptions
from blockstore.db import attachments as db_attachments
from blockstore.db import backups as db_backups
from blockstore.db import clock
from blockstore.db import models
from blockstore.db import operations as db
from blockstore.db import rows
from blockstore.db import services as db_services
from blockstore.db import snapshots as db_snapshots
from blockstore.db.engine import Transaction
from blockstore.lifecycle.backups import BACKUPS
from blockstore.lifecycle.machine import Machine
from blockstore.lifecycle.snapshots import SNAPSHOTS
from blockstore.lifecycle.volumes import VOLUMES

_KINDS: tuple[tuple[type[typing.Any], Machine], ...] = (
    (models.Volume, VOLUMES), (models.Snapshot, SNAPSHOTS),
    (models.Backup, BACKUPS))
_BINARIES = {'volume': db_services.VOLUME, 'backup': db_services.BACKUP,
             'scheduler': db_services.SCHEDULER}
_BY_FORCE = 'by force'


def explain(tx: Transaction, conf: cfg.ConfigOpts, id_: str) -> list[str]:
    """Return sentences about a volume, snapshot, backup or operation.

    :raises NotFound: if there is none with this id.
    """
    operation = db.get(tx, id_)
    if operation is not None:
        told = _operation(tx, conf, operation, None)
        try:
            return [*told, *explain(tx, conf, operation.resource_id)]
        except exceptions.NotFound:
            return [*told, f'The {operation.resource_type} '
                    f'{operation.resource_id} that it was for is deleted.']
    for model, machine in _KINDS:
        row = typing.cast(typing.Any, rows.get(tx, model, id_))
        if row is not None:
            return [_status(machine, row), *_held(tx, machine, row),
                    *_work(tx, conf, machine, row)]
    raise exceptions.NotFound(
        f'there is no volume, snapshot, backup or operation {id_}, or it is '
        'deleted')


def age(since: datetime.datetime) -> str:
    """Return how long ago a time was, or how far ahead, for people."""
    seconds = int(abs((timeutils.utcnow() - since).total_seconds()))
    for size, unit in ((86400, 'd'), (3600, 'h'), (60, 'min')):
        if seconds >= 2 * size:
            return f'{seconds // size} {unit}'
    return f'{seconds} s'


def _status(machine: Machine, row: typing.Any) -> str:
    name = f' ({row.display_name})' if row.display_name else ''
    reason = f': {row.status_reason}' if row.status_reason else ''
    return (f'{machine.noun} {row.id}{name} of project {row.project_id} is '
            f'{row.status} for {age(row.status_changed_at)}{reason}.')


# What holds it.

def _held(tx: Transaction, machine: Machine, row: typing.Any,
          ) -> Iterator[str]:
    if machine is VOLUMES:
        yield from _volume_held(tx, row)
    elif machine is SNAPSHOTS:
        yield from _snapshot_held(tx, row)
    else:
        yield from _backup_holds(row)


def _volume_held(tx: Transaction, row: typing.Any) -> Iterator[str]:
    if row.backup_id:
        yield (f'Backup {row.backup_id} reads it; clients see the status '
               'backing-up. It may be attached, detached and extended, and '
               'deleted when the backup is over.')
    for attachment in db_attachments.of_volume(tx, row.id):
        yield (f'Attachment {attachment.id} ({attachment.attach_status}) '
               f'holds it for {attachment.attached_host or "no host yet"}, '
               f'instance {attachment.instance_uuid or "none"}.')
    snapshots = [snapshot for snapshot in db_snapshots.of_volume(tx, row.id)
                 if snapshot.purpose == 'user']
    if snapshots:
        yield (f'It has {len(snapshots)} snapshots; it can be deleted after '
               'them, or with cascade: '
               + ', '.join(snapshot.id for snapshot in snapshots[:5]) + '.')


def _snapshot_held(tx: Transaction, row: typing.Any) -> Iterator[str]:
    yield f'It is a snapshot of volume {row.volume_id}.'
    owner = db_backups.owner_of_snapshot(tx, row.id)
    if owner is not None:
        yield (f'Backup {owner.id} ({owner.status}) owns it and removes it '
               'when it is no longer needed.')


def _backup_holds(row: typing.Any) -> Iterator[str]:
    yield f'It is a backup of volume {row.volume_id}.'
    for what, id_ in (('temporary snapshot', row.temp_snapshot_id),
                      ('temporary volume', row.temp_volume_id),
                      ('snapshot that the next increment begins at,',
                       row.base_snapshot_id),
                      ('volume that is filled from it,',
                       row.restore_volume_id)):
        if id_:
            yield f'It holds the {what} {id_}.'
    if row.fail_reason:
        yield f'It failed: {row.fail_reason}.'


# Who works on it.

def _work(tx: Transaction, conf: cfg.ConfigOpts, machine: Machine,
          row: typing.Any) -> Iterator[str]:
    before: db.Row | None = None
    for operation in db.open_of(tx, row.id):
        yield from _operation(tx, conf, operation, before)
        before = before or operation
    if before is not None:
        return
    if row.status in machine.transient:
        yield (f'Nothing works on it. If that stays so, it is given an error '
               f'status {2 * conf.operations.lease:g} s after its last '
               'change.')
    else:
        yield 'Nothing works on it, and nothing is due.'
        moves = [f'{move.target} ({move.reason})' for move in machine.moves
                 if move.source == row.status
                 and _BY_FORCE not in move.reason]
        if moves:
            yield 'It may become: ' + ', '.join(moves) + '.'
    last = db.last_closed(tx, row.id)
    if last is not None and last.state == db.FAILED:
        yield (f'The last operation, {last.kind} {last.id}, failed '
               f'{age(last.finished_at or last.created_at)} ago: '
               f'{last.error_message} ({last.error_code}).')


def _operation(tx: Transaction, conf: cfg.ConfigOpts, row: db.Row,
               before: db.Row | None) -> Iterator[str]:
    """Tell of an operation.

    :param before: the older open operation on the same resource, if any.
    """
    yield (f'Operation {row.kind} {row.id} was asked for '
           f'{age(row.created_at)} ago (request {row.request_id}).'
           + _progress(row))
    if row.parent_id:
        yield f'It is a part of operation {row.parent_id}.'
    if row.state not in db.OPEN:
        yield f'It is over: {row.state}.' + (
            f' {row.error_message} ({row.error_code})'
            if row.error_code else '')
        return
    if row.cancel_requested:
        yield 'It was asked to stop, and will at its next check.'
    if before is not None:
        yield f'It waits until the operation {before.id} is over.'
    elif (row.lease_owner and row.lease_expires_at
          and row.lease_expires_at >= clock.read(tx)):
        yield (f'"{row.lease_owner}" works on it, attempt {row.attempt}. '
               f'Its lease is good for another {age(row.lease_expires_at)} '
               'and is renewed while it lives; if it dies, another takes '
               'over then.')
    else:
        yield from _waiting(tx, conf, row)


def _progress(row: db.Row) -> str:
    words = f' Step: {row.step}.' if row.step else ''
    if row.bytes_total:
        words += (f' {100 * (row.bytes_done or 0) // row.bytes_total} % of '
                  f'{row.bytes_total} bytes.')
    return words


def _waiting(tx: Transaction, conf: cfg.ConfigOpts, row: db.Row,
             ) -> Iterator[str]:
    """Tell who will take up an operation that nobody holds."""
    if row.lease_owner and row.lease_expires_at:
        yield (f'"{row.lease_owner}" has worked on it, but has given no sign '
               f'of life: its lease ended {age(row.lease_expires_at)} ago.')
    binary = _BINARIES.get(row.topic, row.topic)
    place = f' on {row.host}' if row.host else ''
    live = [service.host for service in db_services.live(
        tx, binary, conf.service.service_down_time)
        if row.host in (None, service.host)]
    if live:
        yield (f'{", ".join(live)} ({binary}) takes it up within '
               f'{conf.operations.poll_interval:g} s.')
    else:
        yield (f'No {binary}{place} is up and enabled: start one. Until '
               'then nothing happens.')
