"""Closing connections that a backup, or an older call, left open.

These are operations, not calls, so that they happen for sure: whoever fails
starts them in the transaction that notes the failure.  Nobody else remembers
such a connection, so a driver that fails is asked again.
"""

from collections.abc import Iterator
import contextlib
import typing

from blockstore import exceptions
from blockstore.db.engine import Transaction
from blockstore.lifecycle.operations import Claim
from blockstore.volume.drivers import base as drivers
from blockstore.volume.flows import base

TRIES = 3


class DisconnectVolume(base.Handler):
    """``volume.disconnect``: close the argument ``connector``'s way in."""

    def run(self, claim: Claim) -> None:
        """Close it; closed is success."""
        row = self.volume(claim.operation.resource_id)
        if row is not None:
            with trying(claim):
                self.driver.terminate_connection(
                    base.as_volume(row), _connector(claim), force=True)
        self.end(claim)

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Nothing more: the operation itself tells what failed."""


class DisconnectSnapshot(base.Handler):
    """``snapshot.disconnect``: close a way to a snapshot."""

    def run(self, claim: Claim) -> None:
        """Close it; closed is success."""
        row = self.snapshot(claim.operation.resource_id)
        if row is not None:
            with trying(claim):
                disconnect_snapshot(self.driver, claim,
                                    base.as_snapshot(row), _connector(claim))
        self.end(claim)

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Nothing more: the operation itself tells what failed."""


def disconnect_snapshot(driver: drivers.Driver, claim: Claim,
                        snapshot: drivers.Snapshot,
                        connector: drivers.Connector | None) -> None:
    """Close ways to a snapshot (None: all) and remove its export."""
    if drivers.has(driver, drivers.AttachesSnapshots):
        driver.terminate_connection_snapshot(snapshot, connector, force=True)
        driver.remove_export_snapshot(claim.context, snapshot)


@contextlib.contextmanager
def trying(claim: Claim) -> Iterator[None]:
    """Have the operation tried again if the driver fails."""
    try:
        yield
    except exceptions.DriverError as error:
        if claim.operation.attempt < TRIES:
            raise exceptions.TryLater(error.message) from error
        raise


def _connector(claim: Claim) -> dict[str, typing.Any]:
    connector: dict[str, typing.Any] = claim.operation.arguments['connector']
    return connector
