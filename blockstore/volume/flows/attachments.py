"""Opening and closing the ways in of attachments.

:mod:`blockstore.lifecycle.attachments` tells how the two fit together.
"""

import typing

from blockstore import errors
from blockstore import exceptions
from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction
from blockstore.lifecycle import attachments
from blockstore.lifecycle import operations
from blockstore.lifecycle.operations import Claim
from blockstore.lifecycle.volumes import AttachStatus
from blockstore.volume.flows import base

Connector = dict[str, typing.Any]


class Connect(base.Handler):
    """``attachment.connect``: open the argument ``connector``'s way in.

    Arguments: ``volume_id``, ``connector``, ``caller`` (who fetches the
    answer) and ``former`` (what the row had before; None if the attachment
    was made for this).
    """

    def run(self, claim: Claim) -> None:
        """Open it, and leave the answer to the caller."""
        check_wanted(claim)
        arguments = claim.operation.arguments
        info = connect(self, claim, arguments['volume_id'],
                       arguments['connector'])
        id_ = claim.operation.resource_id
        columns = rows.table(models.Attachment).c
        with self.database.write() as tx:
            if not rows.update(
                    tx, models.Attachment, id_, {'connection_info': info},
                    columns.deleted.is_(False),
                    columns.attach_status != AttachStatus.DETACHING.value):
                raise operations.unwanted()
            claim.leave_for(tx, arguments['caller'], opened=True)

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Leave all as it was; what may be open is closed."""
        attachments.undo_connect(tx, claim.context, claim.operation)


class Disconnect(base.Handler):
    """``attachment.disconnect``: close the argument ``connector``'s way in.

    Arguments: ``volume_id``, ``connector`` and ``old_status``, which an
    attachment gets back that could not be let go.
    """

    def run(self, claim: Claim) -> None:
        """Close it, and remove the row; closed and gone are success."""
        arguments = claim.operation.arguments
        volume = self.volume(arguments['volume_id'])
        if volume is not None:
            self.driver.terminate_connection(base.as_volume(volume),
                                             arguments['connector'])
        with self.database.write() as tx:
            attachments.remove(tx, arguments['volume_id'],
                               claim.operation.resource_id)
            claim.finish(tx)

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Let the client keep it."""
        columns = rows.table(models.Attachment).c
        rows.update(
            tx, models.Attachment, claim.operation.resource_id,
            {'attach_status': claim.operation.arguments['old_status']},
            columns.deleted.is_(False),
            columns.attach_status == AttachStatus.DETACHING.value)


def check_wanted(claim: Claim) -> None:
    """Raise if nobody waits for what would be opened."""
    if claim.facts.get('opened'):
        raise exceptions.Unavailable(
            'whoever asked for the connection has not come for it',
            code=errors.CONNECTION_NOT_FETCHED, remedy='ask for it again')
    if claim.operation.cancel_requested:
        raise operations.unwanted()


def connect(handler: base.Handler, claim: Claim, volume_id: str,
            connector: Connector) -> dict[str, typing.Any]:
    """Export a volume and open a way in; return what a client gets."""
    row = handler.volume(volume_id)
    if row is None:
        raise exceptions.NotFound(f'volume {volume_id} could not be found')
    volume, driver = base.as_volume(row), handler.driver
    driver.validate_connector(connector)
    changes = base.updates(driver.create_export(claim.context, volume,
                                                connector))
    if changes:
        with handler.database.write() as tx:
            rows.update(tx, models.Volume, volume_id, changes)
    return attachments.answer(
        driver.initialize_connection(volume, connector), connector)
