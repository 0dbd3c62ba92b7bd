"""Connections of the older calls, which know no attachment beforehand.

``os-initialize_connection`` and ``os-terminate_connection`` are operations on
the connection itself, ``connection.open`` and ``connection.close``, whose id
is made of the volume and of what tells the client from others.  So those of
one client come one after the other, and nobody else waits for them.
"""

import typing
import uuid

from blockstore.context import RequestContext
from blockstore.db import attachments as db_attachments
from blockstore.db import models
from blockstore.db import operations as db
from blockstore.db.engine import Transaction
from blockstore.lifecycle import operations

OPEN, CLOSE = 'connection.open', 'connection.close'
Connector = typing.Mapping[str, typing.Any]


def id_of(volume_id: str, connector: Connector | None) -> str:
    """Return the id of a client's connection (None: of all together)."""
    client = '*' if connector is None else (
        connector.get('attachment_id') or connector.get('host') or '')
    return str(uuid.uuid5(uuid.UUID(volume_id), str(client)))


def in_use(tx: Transaction, volume_id: str, connector: Connector) -> bool:
    """Tell whether a client has this connection, as far as is known."""
    return bool(wanted(tx, volume_id, connector))


def wanted(tx: Transaction, volume_id: str, connector: Connector,
           ) -> list[dict[str, typing.Any]]:
    """Return how a client is connected: one connector, or none."""
    last = db.last_done(tx, id_of(volume_id, connector), (OPEN, CLOSE))
    if last is not None and last.kind == OPEN:
        return [last.arguments['connector']]
    if is_attached(tx, volume_id, connector.get('host')):
        return [dict(connector)]
    return []


def is_attached(tx: Transaction, volume_id: str, host: str | None) -> bool:
    """Tell whether a host has a volume by the older calls."""
    return host is not None and any(
        row.connector is None and row.attached_host == host
        for row in db_attachments.of_volume(tx, volume_id))


def close(tx: Transaction, context: RequestContext, volume: models.Volume,
          connector: Connector) -> str | None:
    """Start to close a connection for sure; return the operation."""
    if volume.host is None:
        return None
    return operations.start(
        tx, context, CLOSE, id_of(volume.id, connector), topic='volume',
        host=volume.host.partition('#')[0], project_id=volume.project_id,
        arguments={'volume_id': volume.id, 'connector': dict(connector),
                   'force': True})
