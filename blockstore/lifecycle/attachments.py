"""Attachments as operations leave them, and what they say of their volume.

An attachment has its row before a driver opens its way in, and the row goes
only after the driver has closed it.  Operations do that, and because they
are on the attachment, they come one after the other:

* ``attachment.connect`` opens the way in and then waits, at the step
  ``answer``, for the caller who asked for it.  A caller that does not come
  within a lease is gone: the way in is closed again, as if it had never been
  asked for.
* ``attachment.disconnect`` closes it, and removes the row.

``attachment.mend`` makes the way in what the row says: what an attachment may
have left that is gone, or is no longer connected, is closed, and what a
client has is open.
"""

import typing

from blockstore.context import RequestContext
from blockstore.db import attachments as db
from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction
from blockstore.lifecycle import operations
from blockstore.lifecycle import transitions
from blockstore.lifecycle.volumes import AttachStatus
from blockstore.lifecycle.volumes import by_attachments
from blockstore.lifecycle.volumes import CONNECTED
from blockstore.lifecycle.volumes import VOLUMES
from blockstore.lifecycle.volumes import VolumeStatus

Connector = typing.Mapping[str, typing.Any]
CONNECT, DISCONNECT = 'attachment.connect', 'attachment.disconnect'
MEND = 'attachment.mend'
#: What a connection changes in the row, and a failed one gives back.
ASKED = ('connector', 'attached_host', 'mountpoint', 'attach_mode')


def settle(tx: Transaction, volume_id: str) -> None:
    """Give a volume the status that its attachments say."""
    # Held first: whoever else changes its attachments must have ended.
    volume = rows.get(tx, models.Volume, volume_id, lock=True)
    if volume is None:
        return
    statuses = {row.attach_status for row in db.of_volume(tx, volume_id)}
    status, attach_status = by_attachments(statuses)
    values = {'attach_status': attach_status}
    # A long operation (extending …) keeps its own status, and ends it.
    sources = VOLUMES.sources(status) & {VolumeStatus.AVAILABLE, *CONNECTED}
    if status == volume.status or not transitions.try_move(
            tx, VOLUMES, models.Volume, volume_id, status, sources=sources,
            **values):
        rows.update(tx, models.Volume, volume_id, values)
    if not statuses:
        rows.delete_metadata(tx, models.VolumeAdminMetadata, volume_id,
                             'attached_mode')


def remove(tx: Transaction, volume_id: str, id_: str) -> None:
    """Mark an attachment as gone, and settle its volume."""
    rows.get(tx, models.Volume, volume_id, lock=True)
    if db.remove(tx, id_):
        settle(tx, volume_id)


def mend(tx: Transaction, context: RequestContext, volume: models.Volume,
         attachment_id: str) -> str | None:
    """Start to make, for sure, an attachment's way in what its row says.

    :returns: the operation, or None for a volume without a back end.
    """
    if volume.host is None:
        return None
    return operations.start(
        tx, context, MEND, attachment_id, topic='volume',
        host=volume.host.partition('#')[0], project_id=volume.project_id,
        arguments={'volume_id': volume.id})


def undo_connect(tx: Transaction, context: RequestContext,
                 operation: typing.Any, *, opened: bool = True) -> None:
    """Leave an attachment as it was before ``attachment.connect``.

    One that was made for this goes; one that was connected before stays so.

    :param opened: whether the driver may have been asked already.
    """
    arguments, id_ = operation.arguments, operation.resource_id
    volume = rows.get(tx, models.Volume, arguments['volume_id'], lock=True)
    row = rows.get(tx, models.Attachment, id_, lock=True)
    former = arguments['former']
    if row is not None and row.attach_status == AttachStatus.DETACHING:
        # Whoever deletes it comes next, and closes what is open.
        return
    if row is not None and former is None:
        db.remove(tx, id_)
    elif row is not None:
        rows.update(tx, models.Attachment, id_, {
            **former, **({} if former['connector']
                         else {'connection_info': None})})
    if volume is not None:
        settle(tx, volume.id)
        if opened:
            mend(tx, context, volume, id_)


def answer(info: dict[str, typing.Any], connector: Connector,
           ) -> dict[str, typing.Any]:
    """Add what every connection answer carries."""
    data = dict(info['data'])
    data.setdefault('access_mode', connector.get('mode') or 'rw')
    for key, value in (('qos_specs', None), ('encrypted', False),
                       ('cacheable', False), ('enforce_multipath', False)):
        data.setdefault(key, value)
    return {**info, 'data': data,
            'enforce_multipath': data['enforce_multipath']}
