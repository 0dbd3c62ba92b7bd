"""Attachments: one row for each connection of a volume."""

import typing

from oslo_utils import timeutils
from oslo_utils import uuidutils

from blockstore import errors
from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import attachments as db
from blockstore.db import listing
from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction
from blockstore.lifecycle import transitions
from blockstore.lifecycle.volumes import AttachStatus
from blockstore.lifecycle.volumes import VOLUMES
from blockstore.lifecycle.volumes import VolumeStatus
from blockstore.services import base
from blockstore.services import volume_connections as connections

Connector = dict[str, typing.Any]


class Attachments(base.UseCases):
    """The use cases of attachments."""

    def get(self, context: RequestContext, id_: str) -> typing.Any:
        """Return one attachment."""
        with self.database.read() as tx:
            return base.require(tx, context, models.Attachment, 'attachment',
                                id_)

    def list(self, context: RequestContext, query: listing.ListQuery,
             ) -> typing.Any:
        """Return one page of attachments."""
        with self.database.read() as tx:
            return listing.select(tx, context, models.Attachment, query)

    def create(self, context: RequestContext, volume_id: str,
               instance_uuid: str | None,
               connector: Connector | None = None, mode: str | None = None,
               ) -> typing.Any:
        """Promise a volume to a client, and connect it if it says how."""
        id_ = uuidutils.generate_uuid()
        with self.database.write() as tx:
            self._reserve(tx, context, id_, volume_id, instance_uuid, mode)
        if connector:
            try:
                return self.update(context, id_, connector)
            except exceptions.BlockstoreError:
                self._forget(context, id_)
                raise
        return self.get(context, id_)

    def _reserve(self, tx: Transaction, context: RequestContext, id_: str,
                 volume_id: str, instance_uuid: str | None,
                 mode: str | None) -> None:
        volume = connections.lock_for_attach(tx, context, volume_id)
        again = instance_uuid is not None and any(
            row.instance_uuid == instance_uuid
            for row in db.of_volume(tx, volume_id))
        in_use = volume.status in (VolumeStatus.IN_USE, VolumeStatus.RESERVED)
        if in_use and not (volume.multiattach or again):
            raise exceptions.InvalidStatus(
                f'volume {volume_id} is {volume.status}',
                code=errors.VOLUME_ATTACHED,
                blockers=[f'attachment {row.id}'
                          for row in db.of_volume(tx, volume_id)],
                remedy='delete the attachment first, or use a volume type '
                       'that allows several')
        connections.check_readable_meanwhile(tx, self.conf, volume)
        if not in_use:
            transitions.move(
                tx, VOLUMES, models.Volume, volume_id, VolumeStatus.RESERVED,
                sources=(VolumeStatus.AVAILABLE,),
                attach_status=AttachStatus.RESERVED)
        rows.insert(tx, models.Attachment, id=id_, volume_id=volume_id,
                    project_id=volume.project_id, instance_uuid=instance_uuid,
                    attach_status=AttachStatus.RESERVED, attach_mode=mode)

    def update(self, context: RequestContext, id_: str,
               connector: Connector) -> typing.Any:
        """Connect an attachment's client; return it with the way in."""
        with self.database.write() as tx:
            row = base.require(tx, context, models.Attachment, 'attachment',
                               id_, lock=True)
            volume = base.require(tx, context, models.Volume, 'volume',
                                  row.volume_id, lock=True)
            self._check_connectable(tx, row, volume)
            rows.update(tx, models.Attachment, id_, {
                'connector': connector,
                'attached_host': connector.get('host'),
                'mountpoint': connector.get('mountpoint')})
        mode = connector.get('mode') or row.attach_mode or 'rw'
        asked = {**connector, 'attachment_id': id_, 'mode': mode}
        info = connections.connection_info(
            self.clients.volume.initialize_connection(
                context, connections.owner(volume), volume.id, asked), asked)
        with self.database.write() as tx:
            if not rows.update(tx, models.Attachment, id_, {
                    'attach_status': AttachStatus.ATTACHING,
                    'attach_mode': mode, 'connection_info': info,
                    'attach_time': timeutils.utcnow()},
                    rows.table(models.Attachment).c.deleted.is_(False)):
                raise exceptions.NotFound(
                    f'attachment {id_} was deleted meanwhile')
            connections.settle(tx, volume.id)
        return self.get(context, id_)

    def _check_connectable(self, tx: Transaction, row: models.Attachment,
                           volume: models.Volume) -> None:
        if volume.status.startswith('error'):
            raise exceptions.Conflict(
                f'volume {volume.id} is {volume.status}',
                code=errors.VOLUME_BAD_STATUS)
        others = [other.id for other in db.of_volume(tx, volume.id)
                  if other.connector and other.id != row.id]
        if others and not volume.multiattach:
            raise exceptions.Conflict(
                f'volume {volume.id} is connected already',
                code=errors.VOLUME_ATTACHED,
                blockers=[f'attachment {other}' for other in others],
                remedy='delete that attachment first')

    def complete(self, context: RequestContext, id_: str) -> None:
        """Confirm that the client is connected."""
        with self.database.write() as tx:
            row = base.require(tx, context, models.Attachment, 'attachment',
                               id_, lock=True)
            rows.update(tx, models.Attachment, id_,
                        {'attach_status': AttachStatus.ATTACHED})
            connections.settle(tx, row.volume_id)

    def delete(self, context: RequestContext, id_: str) -> typing.Any:
        """Disconnect a client; return the volume's other attachments."""
        with self.database.read() as tx:
            row = base.require(tx, context, models.Attachment, 'attachment',
                               id_)
        if row.connector:
            self._disconnect(context, row)
        return self._forget(context, id_)

    def _disconnect(self, context: RequestContext, row: models.Attachment,
                    ) -> None:
        with self.database.read() as tx:
            volume = rows.get(tx, models.Volume, row.volume_id)
        if volume is not None and volume.host is not None:
            self.clients.volume.terminate_connection(
                context, volume.host, volume.id,
                {**(row.connector or {}), 'attachment_id': row.id})

    def _forget(self, context: RequestContext, id_: str) -> typing.Any:
        with self.database.write() as tx:
            row = base.require(tx, context, models.Attachment, 'attachment',
                               id_, lock=True)
            db.remove(tx, id_)
            connections.settle(tx, row.volume_id)
            return db.of_volume(tx, row.volume_id)
