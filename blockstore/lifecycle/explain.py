"""A resource in plain words: what holds it, since when, what comes next.

What of it are services, and who is alive, is in :mod:`.explain_services`.

>>> for sentence in explain.explain(tx, conf, volume_id):
...     print(sentence)
"""

from collections.abc import Iterator
import typing

from oslo_config import cfg

from blockstore import exceptions
from blockstore.db import attachments as db_attachments
from blockstore.db import backups as db_backups
from blockstore.db import models
from blockstore.db import operations as db
from blockstore.db import rows
from blockstore.db import snapshots as db_snapshots
from blockstore.db.engine import Transaction
from blockstore.lifecycle import explain_services as services
from blockstore.lifecycle.backups import BACKUPS
from blockstore.lifecycle.machine import Machine
from blockstore.lifecycle.snapshots import SNAPSHOTS
from blockstore.lifecycle.volumes import AttachStatus
from blockstore.lifecycle.volumes import VOLUMES

_KINDS: tuple[tuple[type[typing.Any], Machine], ...] = (
    (models.Volume, VOLUMES), (models.Snapshot, SNAPSHOTS),
    (models.Backup, BACKUPS))
_BY_FORCE = 'by force'


def explain(tx: Transaction, conf: cfg.ConfigOpts, id_: str) -> list[str]:
    """Return sentences about a resource, an operation or a service.

    :param id_: the id of a volume, snapshot, backup, attachment or
        operation, or a host (``node1``, ``node1@fast``).
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
    attachment = rows.get(tx, models.Attachment, id_)
    if attachment is not None:
        return [*_attachment(tx, attachment),
                *_operations(tx, conf, attachment.id)]
    of_host = list(services.explain(tx, conf, id_))
    if of_host:
        return of_host
    raise exceptions.NotFound(
        f'there is no volume, snapshot, backup, attachment, operation or '
        f'host {id_}, or it is deleted')


def _status(machine: Machine, row: typing.Any) -> str:
    name = f' ({row.display_name})' if row.display_name else ''
    reason = f': {row.status_reason}' if row.status_reason else ''
    return (f'{machine.noun} {row.id}{name} of project {row.project_id} is '
            f'{row.status} for {services.age(row.status_changed_at)}{reason}.')


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


def _attachment(tx: Transaction, row: models.Attachment) -> Iterator[str]:
    """Tell of an attachment, and whose turn it is."""
    since = services.age(row.updated_at or row.created_at)
    yield (f'attachment {row.id} of project {row.project_id} is '
           f'{row.attach_status} for {since}. It attaches volume '
           f'{row.volume_id} to {row.attached_host or "no host yet"}, '
           f'instance {row.instance_uuid or "none"}.')
    if not db.open_of(tx, row.id):
        yield _TURNS.get(row.attach_status, "It is the client's.")


# Whose turn it is when nothing works on an attachment.
_TURNS: dict[str, str] = {
    AttachStatus.RESERVED: 'The client says next how it wants to connect. '
                           'If it never will, delete the attachment.',
    AttachStatus.ATTACHING: 'It is connected; the client confirms that next. '
                            'If it never will, delete the attachment.',
    AttachStatus.ATTACHED: 'It is in use, and nothing is due.',
    AttachStatus.DETACHING: 'Nothing closes it: delete it again.',
}


# Who works on it.

def _work(tx: Transaction, conf: cfg.ConfigOpts, machine: Machine,
          row: typing.Any) -> Iterator[str]:
    if db.open_of(tx, row.id):
        yield from _operations(tx, conf, row.id)
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
    yield from _last_failure(tx, row.id)


def _operations(tx: Transaction, conf: cfg.ConfigOpts, resource_id: str,
                ) -> Iterator[str]:
    """Tell of what is open on a resource, or else what failed last."""
    before: db.Row | None = None
    for operation in db.open_of(tx, resource_id):
        yield from _operation(tx, conf, operation, before)
        before = before or operation
    if before is None:
        yield from _last_failure(tx, resource_id)


def _last_failure(tx: Transaction, resource_id: str) -> Iterator[str]:
    last = db.last_closed(tx, resource_id)
    if last is not None and last.state == db.FAILED:
        remedy = last.facts.get('error', {}).get('remedy')
        yield (f'The last operation, {last.kind} {last.id}, failed '
               f'{services.age(last.finished_at or last.created_at)} ago: '
               f'{last.error_message} ({last.error_code}).'
               + (f' What to do: {remedy}.' if remedy else ''))


def _operation(tx: Transaction, conf: cfg.ConfigOpts, row: db.Row,
               before: db.Row | None) -> Iterator[str]:
    """Tell of an operation.

    :param before: the older open operation on the same resource, if any.
    """
    yield (f'Operation {row.kind} {row.id} was asked for '
           f'{services.age(row.created_at)} ago (request {row.request_id}).'
           + _progress(row))
    if row.parent_id:
        yield f'It is a part of operation {row.parent_id}.'
    if row.state not in db.OPEN:
        yield f'It is over: {row.state}.' + (
            f' {row.error_message} ({row.error_code})'
            if row.error_code else '')
        return
    for part in db.open_parts(tx, row.id):
        yield (f'It waits for its part {part.kind} {part.id} of '
               f'{part.resource_id}, or goes on beside it.')
    if row.cancel_requested:
        yield 'It was asked to stop, and will at its next check.'
    if before is not None:
        yield f'It waits until the operation {before.id} is over.'
    elif services.holds(tx, row):
        yield from services.holder(tx, conf, row)
    else:
        yield from services.waiting(tx, conf, row)


def _progress(row: db.Row) -> str:
    words = f' Step: {row.step}.' if row.step else ''
    if row.bytes_total:
        words += (f' {100 * (row.bytes_done or 0) // row.bytes_total} % of '
                  f'{row.bytes_total} bytes.')
    return words
