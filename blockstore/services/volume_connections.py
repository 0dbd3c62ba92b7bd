"""How volumes come to be connected: the parts that all ways share.

A connection has an intent row (the attachment) before a driver opens it, and
the row goes only after the driver has closed it; the volume's own status
follows from its attachments.
"""

from collections.abc import Iterable
import typing

from oslo_config import cfg
from oslo_utils import timeutils
from oslo_utils import uuidutils

from blockstore import errors
from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import attachments as db
from blockstore.db import models
from blockstore.db import retry
from blockstore.db import rows
from blockstore.db import services as db_services
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction
from blockstore.lifecycle import attachments
from blockstore.lifecycle import connections
from blockstore.lifecycle import transitions
from blockstore.lifecycle.volumes import AttachStatus
from blockstore.lifecycle.volumes import VOLUMES
from blockstore.lifecycle.volumes import VolumeStatus
from blockstore.rpc.clients import Clients
from blockstore.services import base
from blockstore.services import immediate

Connector = dict[str, typing.Any]
_S = VolumeStatus


class VolumeConnections(base.UseCases):
    """The actions of a volume that connect and disconnect it."""

    def __init__(self, conf: cfg.ConfigOpts, database: Database,
                 clients: Clients) -> None:
        super().__init__(conf, database, clients)
        self._immediate = immediate.Immediate(conf, database, clients)

    def reserve(self, context: RequestContext, id_: str) -> None:
        """Promise a volume to a caller that will attach it."""
        with self.database.write() as tx:
            volume = lock_for_attach(tx, context, id_)
            check_readable_meanwhile(tx, self.conf, volume)
            sources = [_S.AVAILABLE]
            if volume.multiattach:
                sources.append(_S.IN_USE)
            transitions.move(tx, VOLUMES, models.Volume, id_, _S.ATTACHING,
                             sources=sources)

    def unreserve(self, context: RequestContext, id_: str) -> None:
        """Take the promise back; does nothing if there is none."""
        with self.database.write() as tx:
            volume = base.require(tx, context, models.Volume, 'volume', id_,
                                  lock=True)
            if volume.status == _S.ATTACHING:
                attachments.settle(tx, id_)

    def begin_detaching(self, context: RequestContext, id_: str) -> None:
        """Announce that a volume is about to be detached."""
        with self.database.write() as tx:
            volume = base.require(tx, context, models.Volume, 'volume', id_,
                                  lock=True)
            if volume.attach_status != AttachStatus.ATTACHED:
                raise exceptions.InvalidStatus(
                    f'volume {id_} is not attached',
                    code=errors.VOLUME_BAD_STATUS,
                    blockers=[f'attach status {volume.attach_status}'],
                    remedy='attach it first')
            transitions.move(tx, VOLUMES, models.Volume, id_, _S.DETACHING,
                             sources=(_S.IN_USE,))

    def roll_detaching(self, context: RequestContext, id_: str) -> None:
        """Take the announcement back; does nothing if there is none."""
        with self.database.write() as tx:
            base.require(tx, context, models.Volume, 'volume', id_)
            transitions.try_move(tx, VOLUMES, models.Volume, id_, _S.IN_USE,
                                 sources=(_S.DETACHING,),
                                 reason='a client keeps it')

    def attach(self, context: RequestContext, id_: str, mountpoint: str,
               instance_uuid: str | None, host_name: str | None,
               mode: str | None = None) -> str:
        """Note that a client is connected; return the attachment's id."""
        with self.database.write() as tx:
            volume = lock_for_attach(tx, context, id_)
            mode = mode_for(tx, id_, mode)
            present = db.of_volume(tx, id_)
            for row in present:
                if _same_client(row, instance_uuid, host_name):
                    return row.id
            if present and not volume.multiattach:
                raise exceptions.InvalidStatus(
                    f'volume {id_} is attached already',
                    code=errors.VOLUME_ATTACHED,
                    blockers=[f'attachment {row.id}' for row in present],
                    remedy='detach it first')
            check_readable_meanwhile(tx, self.conf, volume)
            if volume.status != _S.IN_USE or not volume.multiattach:
                transitions.move(
                    tx, VOLUMES, models.Volume, id_, _S.IN_USE,
                    sources=(_S.AVAILABLE, _S.ATTACHING, _S.RESERVED),
                    reason='a client is connected',
                    attach_status=AttachStatus.ATTACHED)
            attachment_id = uuidutils.generate_uuid()
            rows.insert(
                tx, models.Attachment, id=attachment_id, volume_id=id_,
                project_id=volume.project_id, instance_uuid=instance_uuid,
                attached_host=host_name, mountpoint=mountpoint,
                attach_mode=mode, attach_time=timeutils.utcnow(),
                attach_status=AttachStatus.ATTACHED)
            rows.set_metadata(tx, models.VolumeAdminMetadata, id_, {
                'attached_mode': mode})
            self.clients.tell_both(tx, context, 'volume.attach', 'volume',
                                   id_)
            return attachment_id

    def detach(self, context: RequestContext, id_: str,
               attachment_id: str | None = None,
               of_servers: bool = True) -> None:
        """Note that a client has let go.

        :param of_servers: whether it may be a server.
        """
        with self.database.write() as tx:
            volume = base.require(tx, context, models.Volume, 'volume', id_,
                                  lock=True)
            present = db.of_volume(tx, id_)
            if attachment_id is None and len(present) > 1:
                raise exceptions.Invalid(
                    f'volume {id_} has {len(present)} attachments',
                    blockers=[f'attachment {row.id}' for row in present],
                    remedy='name the attachment to detach')
            chosen = [row for row in present
                      if attachment_id in (None, row.id)]
            if attachment_id is not None and not chosen:
                raise exceptions.NotFound(
                    f'attachment {attachment_id} could not be found')
            if not of_servers:
                refuse_servers(chosen)
            for row in chosen:
                self._drop(tx, context, volume, row)
            attachments.settle(tx, id_)

    def force_detach(self, context: RequestContext, id_: str,
                     attachment_id: str | None,
                     connector: Connector | None) -> None:
        """Close a connection and note that its client is gone.

        Without a connector and an attachment, all connections are closed.
        """
        if connector is not None or attachment_id is None:
            self._terminate(context, id_, connector, force=True)
        self.detach(context, id_, attachment_id)

    def initialize_connection(self, context: RequestContext, id_: str,
                              connector: Connector) -> dict[str, typing.Any]:
        """Open a way in and return what a client connects with."""
        with self.database.write() as tx:
            volume = base.require(tx, context, models.Volume, 'volume', id_,
                                  lock=True)
            if volume.status == _S.MAINTENANCE:
                raise exceptions.InvalidStatus(
                    f'volume {id_} is in maintenance',
                    code=errors.VOLUME_BAD_STATUS)
            check_readable_meanwhile(tx, self.conf, volume)
            if mode_for(tx, id_, connector.get('mode')) == 'ro':
                connector = {**connector, 'mode': 'ro'}
            asked = self._immediate.ask(
                tx, context, connections.OPEN,
                connections.id_of(id_, connector), volume,
                {'volume_id': id_, 'connector': connector})
        with self._immediate.waiting(asked):
            try:
                info: dict[str, typing.Any] = self._immediate.run(
                    context, asked).facts['info']
            except exceptions.Unavailable:
                self._give_up(asked)
                raise
            if self._fetch(context, asked):
                return info
        raise immediate.too_late(f'volume {id_}')

    @retry.whole
    def _fetch(self, context: RequestContext, asked: immediate.Asked,
               ) -> bool:
        with self.database.write() as tx:
            return self._immediate.fetch(tx, context, asked)

    @retry.whole
    def _give_up(self, asked: immediate.Asked) -> None:
        with self.database.write() as tx:
            self._immediate.give_up(tx, asked)

    def terminate_connection(self, context: RequestContext, id_: str,
                             connector: Connector | None,
                             of_servers: bool = True) -> None:
        """Close a way in; a promise that stands is taken back."""
        if not of_servers:
            with self.database.read() as tx:
                base.require(tx, context, models.Volume, 'volume', id_)
                refuse_servers(db.of_volume(tx, id_))
        self._terminate(context, id_, connector, force=False)
        self.unreserve(context, id_)

    def _terminate(self, context: RequestContext, id_: str,
                   connector: Connector | None, force: bool) -> None:
        with self.database.write() as tx:
            volume = base.require(tx, context, models.Volume, 'volume', id_)
            if volume.host is None:
                return
            asked = self._immediate.ask(
                tx, context, connections.CLOSE,
                connections.id_of(id_, connector), volume,
                {'volume_id': id_, 'connector': connector, 'force': force})
        self._immediate.run(context, asked)

    def set_bootable(self, context: RequestContext, id_: str, flag: bool,
                     ) -> None:
        """Mark whether a machine can boot from the volume."""
        with self.database.write() as tx:
            base.require(tx, context, models.Volume, 'volume', id_)
            rows.update(tx, models.Volume, id_, {'bootable': flag})

    def set_readonly(self, context: RequestContext, id_: str, flag: bool,
                     ) -> None:
        """Mark a detached volume as read-only for coming attachments."""
        with self.database.write() as tx:
            volume = base.require(tx, context, models.Volume, 'volume', id_,
                                  lock=True)
            if volume.status != _S.AVAILABLE:
                raise exceptions.InvalidStatus(
                    f'volume {id_} is {volume.status}, not available',
                    code=errors.VOLUME_BAD_STATUS,
                    blockers=[f'status {volume.status}'],
                    remedy='detach it first')
            rows.set_metadata(tx, models.VolumeAdminMetadata, id_,
                              {'readonly': str(flag)})

    def _drop_attachments(self, tx: Transaction, context: RequestContext,
                          volume: models.Volume) -> None:
        for row in db.of_volume(tx, volume.id):
            self._drop(tx, context, volume, row)
        rows.delete_metadata(tx, models.VolumeAdminMetadata, volume.id,
                             'attached_mode')

    def _drop(self, tx: Transaction, context: RequestContext,
              volume: models.Volume, row: models.Attachment) -> None:
        """Remove an attachment; what a driver opened for it is closed."""
        db.remove(tx, row.id)
        self.clients.tell_both(tx, context, 'volume.detach', 'volume',
                               volume.id)
        if row.connector:
            close_later(tx, self.clients, context, volume, row.id)
        elif row.attached_host and not connections.is_attached(
                tx, volume.id, row.attached_host):
            # A client of the older calls that has not closed it itself.
            _ring_later(tx, self.clients, context, volume, connections.close(
                tx, context, volume, {'host': row.attached_host}))


def lock_for_attach(tx: Transaction, context: RequestContext, id_: str,
                    ) -> models.Volume:
    """Return a volume that may get one more attachment, held."""
    volume = base.require(tx, context, models.Volume, 'volume', id_,
                          lock=True)
    if volume.status.startswith('error'):
        raise exceptions.InvalidStatus(
            f'volume {id_} is {volume.status} and cannot be attached',
            code=errors.VOLUME_BAD_STATUS,
            blockers=[f'status {volume.status}'],
            remedy='see its messages; delete it, or reset its status')
    return volume


def refuse_servers(attachments: Iterable[models.Attachment]) -> None:
    """Refuse to take a volume away from a server that uses it.

    The server would go on writing to a device that may be another's soon.
    Only the compute service knows when it has let go.
    """
    used = [row for row in attachments if row.instance_uuid and (
        row.connector or row.attach_status == AttachStatus.ATTACHED)]
    if used:
        raise exceptions.Conflict(
            f'a server uses volume {used[0].volume_id}',
            code=errors.ATTACHMENT_OF_SERVER,
            blockers=[f'server {row.instance_uuid}' for row in used],
            remedy='detach the volume from the server through the compute '
                   'service')


def mode_for(tx: Transaction, id_: str, asked: str | None) -> str:
    """Return how a client may connect: to a read-only volume, to read.

    :param asked: ``rw``, ``ro``, or None for what the volume allows.
    :raises exceptions.Invalid: it wants to write, and must not.
    """
    kept = rows.metadata(tx, models.VolumeAdminMetadata, [id_])
    if kept.get(id_, {}).get('readonly') != 'True':
        return asked or 'rw'
    if asked == 'rw':
        raise exceptions.Invalid(
            f'volume {id_} is read-only and cannot be attached to write',
            code=errors.VOLUME_READ_ONLY, blockers=['readonly'],
            remedy='attach it with mode ro, or take the flag away')
    return 'ro'


def check_readable_meanwhile(tx: Transaction, conf: typing.Any,
                             volume: models.Volume) -> None:
    """Refuse writers while a backup reads the volume's own bytes.

    Only where the back end cannot keep the bytes stable for a reader; a
    backup through a temporary snapshot or volume never gets in the way.
    """
    if volume.backup_id is None or volume.previous_status != _S.AVAILABLE:
        return
    if 'stable_reads' in (_capabilities(tx, volume) or ()):
        return
    raise exceptions.InvalidStatus(
        f'volume {volume.id} is being read by backup {volume.backup_id}',
        code=errors.VOLUME_BACKING_UP,
        blockers=[f'backup {volume.backup_id}'],
        remedy='wait until the backup has ended')


def _capabilities(tx: Transaction, volume: models.Volume,
                  ) -> list[str] | None:
    """Return what a volume's driver declares; None before it has reported."""
    service = db_services.get(tx, base.owner(volume), db_services.VOLUME)
    if service is None or service.capabilities is None:
        return None
    return list(service.capabilities.get('capabilities', ()))


def require_capability(tx: Transaction, volume: models.Volume, name: str,
                       ) -> None:
    """Raise Unsupported if the driver is known not to have a capability.

    A driver that has not reported yet decides when the work comes to it.
    """
    declared = _capabilities(tx, volume)
    if declared is not None and name not in declared:
        raise exceptions.Unsupported(
            f'the back end of volume {volume.id} cannot do this: its driver '
            f'does not declare {name}', blockers=[base.owner(volume)],
            remedy='use a volume type whose back end can')


def close_later(tx: Transaction, clients: Clients, context: RequestContext,
                volume: models.Volume, attachment_id: str) -> None:
    """Close, durably, what may be open for an attachment that is gone."""
    _ring_later(tx, clients, context, volume,
                attachments.mend(tx, context, volume, attachment_id))


def _ring_later(tx: Transaction, clients: Clients, context: RequestContext,
                volume: models.Volume, operation_id: str | None) -> None:
    if operation_id is not None:
        tx.after_commit(lambda: clients.ring(
            context, 'volume', base.owner(volume), operation_id))


def _same_client(row: models.Attachment, instance_uuid: str | None,
                 host_name: str | None) -> bool:
    return (row.instance_uuid is not None
            and row.instance_uuid == instance_uuid) or (
                row.instance_uuid is None and row.attached_host is not None
                and row.attached_host == host_name)
