"""Attachments: one row for each connection of a volume."""

import typing

from oslo_config import cfg
from oslo_utils import timeutils
from oslo_utils import uuidutils

from blockstore import errors
from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import attachments as db
from blockstore.db import listing
from blockstore.db import models
from blockstore.db import operations as db_operations
from blockstore.db import retry
from blockstore.db import rows
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction
from blockstore.lifecycle import attachments
from blockstore.lifecycle import operations
from blockstore.lifecycle import transitions
from blockstore.lifecycle.volumes import AttachStatus
from blockstore.lifecycle.volumes import VOLUMES
from blockstore.lifecycle.volumes import VolumeStatus
from blockstore.rpc.clients import Clients
from blockstore.services import base
from blockstore.services import immediate
from blockstore.services import volume_connections as connections

Connector = dict[str, typing.Any]


class Attachments(base.UseCases):
    """The use cases of attachments."""

    def __init__(self, conf: cfg.ConfigOpts, database: Database,
                 clients: Clients) -> None:
        super().__init__(conf, database, clients)
        self._immediate = immediate.Immediate(conf, database, clients)

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
               id_: str | None = None) -> typing.Any:
        """Promise a volume to a client, and connect it if it says how.

        Both or nothing: an attachment that cannot be connected at once is
        not made.

        :param id_: the id that it shall have, which nobody has used.
        """
        id_ = id_ or uuidutils.generate_uuid()
        with self.database.write() as tx:
            self._reserve(tx, context, id_, volume_id, instance_uuid, mode)
            asked = (self._ask(tx, context, id_, connector, made=True)
                     if connector else None)
        if asked is None:
            return self.get(context, id_)
        row = self._connect(context, asked, volume_id)
        if row is None:
            raise immediate.too_late(f'volume {volume_id}')
        return row

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
        self._await_connect(context, id_)
        with self.database.write() as tx:
            asked = self._ask(tx, context, id_, connector, made=False)
        volume_id = self.get(context, id_).volume_id
        row = self._connect(context, asked, volume_id)
        if row is None:
            # Perhaps for being deleted.
            self.get(context, id_)
            raise immediate.too_late(f'attachment {id_}')
        return row

    def _await_connect(self, context: RequestContext, id_: str) -> None:
        """Wait for another request that is connecting this attachment."""
        with self.database.read() as tx:
            waiting = [row for row in db_operations.open_of(tx, id_)
                       if row.kind == attachments.CONNECT]
        for row in waiting:
            try:
                operations.wait(self.database, row.id,
                                timeout=2 * self.conf.operations.lease,
                                check=lambda: None)
            except exceptions.NotFound:
                continue

    def _ask(self, tx: Transaction, context: RequestContext, id_: str,
             connector: Connector, *, made: bool) -> immediate.Asked:
        """Note how a client wants to connect, and start to connect it.

        :param made: whether the attachment is made for this.
        """
        row, volume = self._hold(tx, context, id_)
        self._check_connectable(tx, row, volume)
        mode = connections.mode_for(
            tx, volume.id, connector.get('mode') or row.attach_mode)
        former = {name: getattr(row, name) for name in attachments.ASKED}
        rows.update(tx, models.Attachment, id_, {
            'connector': connector, 'attach_mode': mode,
            'attached_host': connector.get('host'),
            'mountpoint': connector.get('mountpoint')})
        return self._immediate.ask(
            tx, context, attachments.CONNECT, id_, volume, {
                'volume_id': volume.id, 'former': None if made else former,
                'connector': {**connector, 'attachment_id': id_,
                              'mode': mode}})

    def _connect(self, context: RequestContext, asked: immediate.Asked,
                 volume_id: str) -> typing.Any:
        """Have a client connected now; raise if that does not work.

        :returns: the attachment; None if it was closed again meanwhile.
        """
        with self._immediate.waiting(asked):
            try:
                self._immediate.run(context, asked)
            except exceptions.Unavailable:
                self._give_up(context, asked)
                raise
            return self._fetch(context, asked, volume_id)

    @retry.whole
    def _fetch(self, context: RequestContext, asked: immediate.Asked,
               volume_id: str) -> typing.Any:
        """Note that the way in is told of; None if it was closed again."""
        with self.database.write() as tx:
            rows.get(tx, models.Volume, volume_id, lock=True)
            if not self._immediate.fetch(tx, context, asked):
                return None
            rows.update(tx, models.Attachment, asked.resource_id, {
                'attach_status': AttachStatus.ATTACHING,
                'attach_time': timeutils.utcnow()})
            attachments.settle(tx, volume_id)
            self.clients.tell(tx, context, 'volume.attach.end', 'volume',
                              volume_id)
            return rows.get(tx, models.Attachment, asked.resource_id)

    @retry.whole
    def _give_up(self, context: RequestContext, asked: immediate.Asked,
                 ) -> None:
        """Undo a connection that did not come about in time.

        Here and now, if nobody has begun with it; otherwise whoever has it
        does, or takes it over.
        """
        with self.database.write() as tx:
            row = self._immediate.give_up(tx, asked)
            if row is not None:
                attachments.undo_connect(tx, context, row, opened=False)

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
            attachments.settle(tx, row.volume_id)

    def delete(self, context: RequestContext, id_: str,
               of_servers: bool = True) -> typing.Any:
        """Disconnect a client; return the volume's other attachments.

        Asked for again, it waits for what is under way already.

        :param of_servers: whether it may be one that a server uses.
        """
        with self.database.write() as tx:
            row, volume = self._hold(tx, context, id_)
            if not of_servers:
                connections.refuse_servers([row])
            asked = self._leave(tx, context, row, volume)
        if asked is not None:
            self._immediate.run(context, asked)
        with self.database.read() as tx:
            return db.of_volume(tx, row.volume_id)

    def _leave(self, tx: Transaction, context: RequestContext,
               row: models.Attachment, volume: models.Volume,
               ) -> immediate.Asked | None:
        """Start to disconnect; None if nothing was ever opened."""
        # Who is just connecting it sees that and closes it again.
        self._immediate.withdraw(tx, attachments.CONNECT, row.id)
        if row.connector is None or volume.host is None:
            attachments.remove(tx, volume.id, row.id)
            return None
        for waiting in db_operations.open_of(tx, row.id):
            if waiting.kind == attachments.DISCONNECT:
                return self._immediate.again(waiting)
        rows.update(tx, models.Attachment, row.id,
                    {'attach_status': AttachStatus.DETACHING})
        return self._immediate.ask(
            tx, context, attachments.DISCONNECT, row.id, volume, {
                'volume_id': volume.id, 'old_status': row.attach_status,
                'connector': {**row.connector, 'attachment_id': row.id}})


def _refuse_detaching(row: models.Attachment) -> None:
    if row.attach_status == AttachStatus.DETACHING:
        raise exceptions.Conflict(
            f'attachment {row.id} is being deleted',
            code=errors.ATTACHMENT_BAD_STATUS,
            blockers=[f'status {row.attach_status}'],
            remedy='delete it, and create another one')
