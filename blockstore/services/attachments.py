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
                # A call that was not answered may have opened it all the
                # same.
                self._forget(context, id_, close=True)
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
        if mode is not None:
            connections.mode_for(tx, volume_id, mode)
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
            row, volume = self._hold(tx, context, id_)
            self._check_connectable(tx, row, volume)
            mode = connections.mode_for(
                tx, volume.id, connector.get('mode') or row.attach_mode)
            rows.update(tx, models.Attachment, id_, {
                'connector': connector,
                'attached_host': connector.get('host'),
                'mountpoint': connector.get('mountpoint')})
            self.clients.tell(tx, context, 'volume.attach.start', 'volume',
                              volume.id)
        asked = {**connector, 'attachment_id': id_, 'mode': mode}
        try:
            opened = self.clients.volume.initialize_connection(
                context, connections.owner(volume), volume.id, asked)
        except exceptions.BlockstoreError as error:
            with self.database.write() as tx:
                self._tell_error(tx, context, 'volume.attach.error',
                                 volume.id, error)
            raise
        info = connections.connection_info(opened, asked)
        with self.database.write() as tx:
            connected = self._note_connection(tx, context, volume, id_, {
                'attach_mode': mode, 'connection_info': info})
        if not connected:
            raise exceptions.NotFound(
                f'attachment {id_} was deleted meanwhile')
        return self.get(context, id_)

    def _note_connection(self, tx: Transaction, context: RequestContext,
                         volume: models.Volume, id_: str,
                         values: dict[str, typing.Any]) -> bool:
        """Note an open connection; False if it was deleted meanwhile."""
        rows.get(tx, models.Volume, volume.id, lock=True)
        columns = rows.table(models.Attachment).c
        if rows.update(
                tx, models.Attachment, id_, {
                    **values, 'attach_status': AttachStatus.ATTACHING,
                    'attach_time': timeutils.utcnow()},
                columns.deleted.is_(False),
                columns.attach_status != AttachStatus.DETACHING.value):
            connections.settle(tx, volume.id)
            self.clients.tell(tx, context, 'volume.attach.end', 'volume',
                              volume.id)
            return True
        # Whoever deleted it may have closed it before it was open.
        connections.close_later(tx, self.clients, context, volume, id_)
        return False

    def _hold(self, tx: Transaction, context: RequestContext, id_: str,
              ) -> tuple[models.Attachment, models.Volume]:
        """Return an attachment and its volume, both held.

        The volume first, as everywhere: in another order two callers could
        wait for each other.
        """
        row = base.require(tx, context, models.Attachment, 'attachment', id_)
        volume = base.require(tx, context, models.Volume, 'volume',
                              row.volume_id, lock=True)
        return base.require(tx, context, models.Attachment, 'attachment', id_,
                            lock=True), volume

    def _check_connectable(self, tx: Transaction, row: models.Attachment,
                           volume: models.Volume) -> None:
        if volume.status.startswith('error'):
            raise exceptions.Conflict(
                f'volume {volume.id} is {volume.status}',
                code=errors.VOLUME_BAD_STATUS,
                blockers=[f'status {volume.status}'],
                remedy='see its messages; delete it, or reset its status')
        _refuse_detaching(row)
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
            row, _ = self._hold(tx, context, id_)
            _refuse_detaching(row)
            rows.update(tx, models.Attachment, id_,
                        {'attach_status': AttachStatus.ATTACHED})
            connections.settle(tx, row.volume_id)

    def delete(self, context: RequestContext, id_: str) -> typing.Any:
        """Disconnect a client; return the volume's other attachments."""
        with self.database.write() as tx:
            row, volume = self._hold(tx, context, id_)
            # Who is just connecting it sees that and closes it again.
            rows.update(tx, models.Attachment, id_,
                        {'attach_status': AttachStatus.DETACHING})
            if row.connector:
                self.clients.tell(tx, context, 'volume.detach.start',
                                  'volume', volume.id)
        if row.connector:
            try:
                self._disconnect(context, row, volume)
            except exceptions.BlockstoreError as error:
                with self.database.write() as tx:
                    rows.update(tx, models.Attachment, id_,
                                {'attach_status': row.attach_status})
                    self._tell_error(tx, context, 'volume.detach.error',
                                     volume.id, error)
                raise
        return self._forget(context, id_)

    def _disconnect(self, context: RequestContext, row: models.Attachment,
                    volume: models.Volume) -> None:
        if volume.host is not None:
            self.clients.volume.terminate_connection(
                context, volume.host, volume.id,
                {**(row.connector or {}), 'attachment_id': row.id})

    def _tell_error(self, tx: Transaction, context: RequestContext,
                    type_: str, volume_id: str,
                    error: exceptions.BlockstoreError) -> None:
        self.clients.tell(tx, context, type_, 'volume', volume_id,
                          error_code=error.code, message=error.message)

    def _forget(self, context: RequestContext, id_: str, close: bool = False,
                ) -> typing.Any:
        with self.database.write() as tx:
            row, volume = self._hold(tx, context, id_)
            db.remove(tx, id_)
            if row.connector and not close:
                self.clients.tell(tx, context, 'volume.detach.end', 'volume',
                                  row.volume_id)
            if close:
                connections.close_later(tx, self.clients, context, volume,
                                        id_)
            connections.settle(tx, row.volume_id)
            return db.of_volume(tx, row.volume_id)


def _refuse_detaching(row: models.Attachment) -> None:
    if row.attach_status == AttachStatus.DETACHING:
        raise exceptions.Conflict(
            f'attachment {row.id} is being deleted',
            code=errors.ATTACHMENT_BAD_STATUS,
            blockers=[f'status {row.attach_status}'],
            remedy='delete it, and create another one')
