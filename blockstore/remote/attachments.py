"""What other services may ask of a volume service about attachments.

With these alone a compute service attaches and detaches volumes.  What has
to be opened or closed on the back end is done in the thread of the call: a
caller never waits for another call to this service.
"""

from oslo_config import cfg
from oslo_db import exception as db_exception
import oslo_messaging as messaging

from blockstore import errors
from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db.engine import Database
from blockstore.objects.attachment import AttachmentInfo
from blockstore.rpc import versions
from blockstore.rpc.clients import Clients
from blockstore.services.container import Services


class AttachmentRequests:
    """Attachments; see :mod:`blockstore.rpc.methods.attachments`.

    :param host: the back end whose volumes these are: ``host@backend``.
    """

    target = messaging.Target(version=versions.RPC['volume'])

    def __init__(self, conf: cfg.ConfigOpts, database: Database,
                 clients: Clients, host: str) -> None:
        services = Services(conf, database, clients)
        self._host = host
        self._attachments = services.attachments
        self._volumes = services.volumes

    def create_attachment(self, context: RequestContext, volume_id: str,
                          instance_uuid: str | None = None,
                          mode: str | None = None,
                          attachment_id: str | None = None,
                          ) -> AttachmentInfo:
        """Promise a volume to a client."""
        self._check_here(context, volume_id)
        try:
            made = self._attachments.create(
                context, volume_id, instance_uuid, mode=mode,
                id_=attachment_id)
        except (exceptions.BlockstoreError,
                db_exception.DBDuplicateEntry) as error:
            # It may have been made by the same call, which came before.
            made = self._known(context, attachment_id)
            if made is None and isinstance(error,
                                           exceptions.BlockstoreError):
                raise
            if made is None or (volume_id, instance_uuid) != (
                    made.volume_id, made.instance_uuid):
                raise _taken(attachment_id) from error
        return AttachmentInfo.of(made)

    def update_attachment(self, context: RequestContext, attachment_id: str,
                          connector: dict[str, object]) -> AttachmentInfo:
        """Open the way in."""
        return AttachmentInfo.of(self._attachments.update(
            context, attachment_id, connector))

    def complete_attachment(self, context: RequestContext,
                            attachment_id: str) -> AttachmentInfo:
        """Say that the client is connected."""
        self._attachments.complete(context, attachment_id)
        return self.get_attachment(context, attachment_id)

    def delete_attachment(self, context: RequestContext, attachment_id: str,
                          ) -> None:
        """Close the way in; gone is success."""
        if self._known(context, attachment_id) is not None:
            self._attachments.delete(context, attachment_id)

    def get_attachment(self, context: RequestContext, attachment_id: str,
                       ) -> AttachmentInfo:
        """Return an attachment."""
        return AttachmentInfo.of(self._attachments.get(
            context, attachment_id))

    def _known(self, context: RequestContext, id_: str | None,
               ) -> AttachmentInfo | None:
        if id_ is None:
            return None
        try:
            row: AttachmentInfo = self._attachments.get(context, id_)
        except exceptions.NotFound:
            return None
        return row

    def _check_here(self, context: RequestContext, volume_id: str) -> None:
        host = self._volumes.get(context, volume_id).host
        if host is not None and host.partition('#')[0] != self._host:
            raise exceptions.Invalid(
                f'volume {volume_id} is on {host}, not on {self._host}',
                blockers=[host], remedy='ask the back end of the volume')


def _taken(id_: str | None) -> exceptions.Conflict:
    return exceptions.Conflict(
        f'the attachment id {id_} stands for another attachment',
        code=errors.OPERATION_TAKEN, blockers=[f'attachment {id_}'],
        remedy='use a new UUID for each attachment')
