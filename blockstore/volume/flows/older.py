"""Opening and closing connections for the older calls.

:mod:`blockstore.lifecycle.connections` tells what their operations are.
"""

from blockstore import exceptions
from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction
from blockstore.lifecycle import connections
from blockstore.lifecycle.operations import Claim
from blockstore.volume.flows import attachments
from blockstore.volume.flows import base


class Open(base.Handler):
    """``connection.open``: open the argument ``connector``'s way in."""

    def run(self, claim: Claim) -> None:
        """Open it, and leave the answer to the caller."""
        attachments.check_wanted(claim)
        arguments = claim.operation.arguments
        info = attachments.connect(self, claim, arguments['volume_id'],
                                   arguments['connector'])
        with self.database.write() as tx:
            claim.leave_for(tx, arguments['caller'], opened=True, info=info)

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Close what may be open, unless the client had it before."""
        volume_id = claim.operation.arguments['volume_id']
        connector = claim.operation.arguments['connector']
        volume = rows.get(tx, models.Volume, volume_id)
        if volume is not None and not connections.in_use(tx, volume_id,
                                                         connector):
            connections.close(tx, claim.context, volume, connector)


class Close(base.Handler):
    """``connection.close``: close the argument ``connector``'s way in.

    Without a connector all that are open are closed.
    """

    def run(self, claim: Claim) -> None:
        """Close it; closed is success."""
        arguments = claim.operation.arguments
        volume = self.volume(arguments['volume_id'])
        if volume is not None:
            self.driver.terminate_connection(
                base.as_volume(volume), arguments['connector'],
                force=arguments['force'])
        self.end(claim)

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Nothing more: the caller is told, and asks again."""
