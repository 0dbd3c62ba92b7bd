"""Making the back end what the rows say, after a call that came late.

:mod:`blockstore.lifecycle.mending` tells when that is.  The drivers do most
of it by being idempotent: what came late and is wanted is there already.
"""

import typing

from blockstore import exceptions
from blockstore.db import attachments as db_attachments
from blockstore.db import models
from blockstore.db import operations as db_operations
from blockstore.db import rows
from blockstore.db.engine import Transaction
from blockstore.lifecycle import connections as older
from blockstore.lifecycle.operations import Claim
from blockstore.lifecycle.volumes import AttachStatus
from blockstore.volume.drivers import base as drivers
from blockstore.volume.flows import attachments
from blockstore.volume.flows import base
from blockstore.volume.flows import connections
from blockstore.volume.flows import nouns


class Mender(base.Handler):
    """What mending has in common; what cannot be mended is told."""

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Nothing more: the operation itself tells what failed."""

    def known(self, model: type[typing.Any], id_: str) -> typing.Any:
        """Return a row, also of what is deleted; None if it never was."""
        with self.database.read() as tx:
            return rows.even_deleted(tx, model, id_)

    def removed(self, *operations: tuple[str, str]) -> bool:
        """Tell whether one of these operations has removed something.

        :param operations: kind and resource id.
        """
        with self.database.read() as tx:
            return any(db_operations.last_done(tx, id_, (kind,)) is not None
                       for kind, id_ in operations)

    def let_go(self, claim: Claim, noun: nouns.Noun, row: typing.Any,
               ) -> bool:
        """Let go again of what was, or had to be; tell whether it was so.

        Its bytes are not ours: what came late must not have taken it, and
        nothing here may remove it.
        """
        if row is None or not (row.status in nouns.FAILED or (
                row.deleted
                and self.removed((f'{noun.name}.unmanage', row.id)))):
            return False
        if drivers.has(self.driver, noun.capability):
            with connections.trying(claim):
                noun.let_go(self.driver, claim.context, noun.view(row))
        return True

    def close(self, volume_id: str, connector: attachments.Connector | None,
              ) -> None:
        """Close a way in, even to a volume that is gone."""
        volume = self.known(models.Volume, volume_id)
        if volume is not None:
            self.driver.terminate_connection(
                base.as_volume(volume), connector, force=True)


class Volume(Mender):
    """``volume.mend``: remove again what was made after it was removed."""

    def run(self, claim: Claim) -> None:
        """Remove the volume if that is what was done last."""
        id_ = claim.operation.resource_id
        row = self.known(models.Volume, id_)
        if (not self.let_go(claim, nouns.VOLUME, row)
                and row is not None and row.deleted
                and self.removed(('volume.delete', id_))):
            with connections.trying(claim):
                base.remove_volume(self.driver, claim, base.as_volume(row))
        self.end(claim)


class Snapshot(Mender):
    """``snapshot.mend``: remove again what was made after it was removed."""

    def run(self, claim: Claim) -> None:
        """Remove the snapshot if that is what was done last."""
        id_ = claim.operation.resource_id
        row = self.known(models.Snapshot, id_)
        if (not self.let_go(claim, nouns.SNAPSHOT, row)
                and row is not None and row.deleted
                and self.removed(('snapshot.delete', id_),
                                 ('volume.delete', row.volume_id))):
            snapshot = base.as_snapshot(row)
            with connections.trying(claim):
                connections.disconnect_snapshot(
                    self.driver, claim, snapshot, None)
                self.driver.delete_snapshot(snapshot)
        self.end(claim)


class Attachment(Mender):
    """``attachment.mend``: open or closed, as its row says.

    Argument: ``volume_id``.
    """

    def run(self, claim: Claim) -> None:
        """Open the way in if a client has it, close it if nobody has."""
        id_ = claim.operation.resource_id
        volume_id = claim.operation.arguments['volume_id']
        with self.database.read() as tx:
            row = rows.get(tx, models.Attachment, id_)
        values = {}
        if row is None or row.connector is None or not row.connection_info:
            with connections.trying(claim):
                self.close(volume_id, {'attachment_id': id_})
        elif row.attach_status != AttachStatus.DETACHING:
            with connections.trying(claim):
                values['connection_info'] = attachments.connect(
                    self, claim, volume_id,
                    {**row.connector, 'attachment_id': id_,
                     'mode': row.attach_mode})
        # One that is just detached is closed by who comes next.
        with self.database.write() as tx:
            if values:
                rows.update(tx, models.Attachment, id_, values)
            claim.finish(tx)


class Connection(Mender):
    """``connection.mend``: open or closed, as the older calls left it.

    Arguments: ``volume_id``, and ``connector``; None for all of a volume's.
    """

    def run(self, claim: Claim) -> None:
        """Open what clients have; close what the one has not."""
        volume_id = claim.operation.arguments['volume_id']
        connector = claim.operation.arguments['connector']
        with self.database.read() as tx:
            wanted = list(_all_in_use(tx, volume_id) if connector is None
                          else older.wanted(tx, volume_id, connector))
        with connections.trying(claim):
            for one in wanted:
                attachments.connect(self, claim, volume_id, one)
            if connector is not None and not wanted:
                self.close(volume_id, connector)
        self.end(claim)


def _all_in_use(tx: Transaction, volume_id: str,
                ) -> typing.Iterator[dict[str, typing.Any]]:
    """Yield how the clients of a volume are connected, whatever the call."""
    for row in db_attachments.of_volume(tx, volume_id):
        if row.connector is not None and row.connection_info:
            yield {**row.connector, 'attachment_id': row.id,
                   'mode': row.attach_mode}
        elif row.attached_host is not None:
            yield from older.wanted(tx, volume_id,
                                    {'host': row.attached_host})
