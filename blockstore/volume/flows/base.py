"""What the volume operations share.

A handler reads the rows, does one outside effect through the driver, and
writes the result together with the end of the operation.  It may be run
again from the start at any time: rows that show the result already, or that
are gone, end it at once.
"""

from collections.abc import Sequence
import dataclasses
import typing

from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction
from blockstore.lifecycle import messages
from blockstore.lifecycle.operations import Claim
from blockstore.lifecycle.snapshots import SnapshotStatus
from blockstore.objects.snapshot import Snapshot
from blockstore.objects.volume import Volume
from blockstore.volume.drivers import base as drivers


@dataclasses.dataclass(frozen=True)
class Handler:
    """Base of the handlers of one back end's operations."""

    database: Database
    driver: drivers.Driver

    def volume(self, id_: str) -> models.Volume | None:
        """Return a volume's row, or None when it is gone."""
        with self.database.read() as tx:
            return rows.get(tx, models.Volume, id_)

    def snapshot(self, id_: str) -> models.Snapshot | None:
        """Return a snapshot's row, or None when it is gone."""
        with self.database.read() as tx:
            return rows.get(tx, models.Snapshot, id_)

    def end(self, claim: Claim) -> None:
        """Close an operation that has nothing (more) to do."""
        with self.database.write() as tx:
            claim.finish(tx)


def remove_volume(driver: drivers.Driver, claim: Claim,
                  volume: drivers.Volume) -> None:
    """Remove a volume, and every way to it, from the back end."""
    driver.terminate_connection(volume, None)
    driver.remove_export(claim.context, volume)
    driver.delete_volume(volume)


def tell(tx: Transaction, claim: Claim, action: messages.Action,
         detail: messages.Detail, blockers: Sequence[str] = ()) -> None:
    """Leave a user message about a failure, and about what blocks."""
    messages.add(tx, claim.context, claim.operation.project_id, action,
                 detail, claim.operation.resource_type,
                 claim.operation.resource_id, blockers=blockers)


def kept(row: models.Snapshot) -> str:
    """Return the status of a snapshot that the back end does not give up.

    One that was never taken is not available for having been busy.
    """
    return str(SnapshotStatus.AVAILABLE if row.progress == '100%'
               else SnapshotStatus.ERROR_DELETING)


def updates(answer: drivers.Updates | None) -> dict[str, typing.Any]:
    """Return the row updates that a driver answered."""
    return {key: value for key, value in (answer or {}).items()
            if key in ('provider_id', 'provider_location', 'provider_auth')}


def as_volume(row: models.Volume, **overrides: typing.Any,
              ) -> drivers.Volume:
    """Return a volume as drivers see it."""
    return typing.cast(drivers.Volume, Volume.from_row(row, **overrides))


def as_snapshot(row: models.Snapshot) -> drivers.Snapshot:
    """Return a snapshot as drivers see it."""
    return typing.cast(drivers.Snapshot, Snapshot.from_row(row))
