"""What other services may ask of a volume service by RPC.

Casts are doorbells.  Calls open and close connections and read extents; each
may be repeated.  A connector that names an ``operation`` (its ``id`` and the
``owner`` of its lease) is refused with LeaseLost once another owner has the
operation: the call of a worker that was frozen, or a message that was on its
way for long, disturbs nobody.
"""

from collections.abc import Callable
import typing

import oslo_messaging as messaging

from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import models
from blockstore.db import operations as db_operations
from blockstore.db import retry
from blockstore.db import rows
from blockstore.db.engine import Database
from blockstore.rpc import versions
from blockstore.rpc.methods import volume as methods
from blockstore.volume.drivers import base as drivers
from blockstore.volume.flows import base

Connector = dict[str, typing.Any]
MAX_EXTENTS = 20_000


class VolumeEndpoint:
    """What the daemons themselves use; see ``rpc.methods``."""

    target = messaging.Target(version=versions.RPC['volume'])
    METHODS = methods.METHODS

    def __init__(self, database: Database, driver: drivers.Driver,
                 ring: Callable[[str], None],
                 run: Callable[[str], None]) -> None:
        self._database = database
        self._driver = driver
        self._ring = ring
        self._run = run

    def operation_due(self, context: RequestContext, operation_id: str,
                      ) -> None:
        """Look at an operation now."""
        self._ring(operation_id)

    def run_operation(self, context: RequestContext, operation_id: str,
                      ) -> None:
        """Do an operation now and answer when it has ended, well or not."""
        self._run(operation_id)

    def initialize_connection(self, context: RequestContext, volume_id: str,
                              connector: Connector) -> dict[str, typing.Any]:
        """Export a volume and open a way in."""
        self._fence(connector)
        row = self._row(context, models.Volume, 'volume', volume_id)
        volume = base.as_volume(row)
        self._driver.validate_connector(connector)
        self._store(models.Volume, volume_id, self._driver.create_export(
            context, volume, connector))
        info = self._driver.initialize_connection(volume, connector)
        if self._is_over(connector):
            self._driver.terminate_connection(volume, connector, force=True)
            raise _lost(connector)
        return info

    def terminate_connection(self, context: RequestContext, volume_id: str,
                             connector: Connector | None, force: bool = False,
                             ) -> None:
        """Close a way in (None: all of them); gone is success."""
        self._fence(connector)
        with self._database.read() as tx:
            row = rows.get_for(tx, context, models.Volume, volume_id)
        if row is not None:
            self._driver.terminate_connection(base.as_volume(row), connector,
                                              force=force)

    def initialize_connection_snapshot(
            self, context: RequestContext, snapshot_id: str,
            connector: Connector) -> dict[str, typing.Any]:
        """Export a snapshot and open a read-only way in (R-106, R-113)."""
        driver = drivers.require(self._driver, drivers.AttachesSnapshots)
        self._fence(connector)
        row = self._row(context, models.Snapshot, 'snapshot', snapshot_id)
        self._store(models.Snapshot, snapshot_id,
                    driver.create_export_snapshot(
                        context, base.as_snapshot(row), connector))
        row = self._row(context, models.Snapshot, 'snapshot', snapshot_id)
        info = driver.initialize_connection_snapshot(
            base.as_snapshot(row), connector)
        if self._is_over(connector):
            driver.terminate_connection_snapshot(
                base.as_snapshot(row), connector, force=True)
            raise _lost(connector)
        return info

    def terminate_connection_snapshot(
            self, context: RequestContext, snapshot_id: str,
            connector: Connector | None, force: bool = False) -> None:
        """Close the way in and remove the export; gone is success."""
        driver = drivers.require(self._driver, drivers.AttachesSnapshots)
        self._fence(connector)
        with self._database.read() as tx:
            row = rows.get_for(tx, context, models.Snapshot,
                               snapshot_id)
        if row is None:
            return
        snapshot = base.as_snapshot(row)
        driver.terminate_connection_snapshot(snapshot, connector, force=force)
        driver.remove_export_snapshot(context, snapshot)
        self._store(models.Snapshot, snapshot_id, {
            'provider_location': None, 'provider_auth': None}
            if row.provider_auth else None)

    def get_extents(self, context: RequestContext, snapshot_id: str,
                    base_snapshot_id: str | None, offset: int, length: int,
                    ) -> list[list[typing.Any]]:
        """List what a run of a snapshot holds, or what changed in it.

        An answer that would be very long is replaced by one extent over the
        whole run: reading more than needed is right, only slower.
        """
        snapshot = base.as_snapshot(
            self._row(context, models.Snapshot, 'snapshot', snapshot_id))
        if base_snapshot_id is None:
            found = drivers.require(
                self._driver, drivers.AllocatedExtents).allocated_extents(
                    snapshot, offset, length)
        else:
            older = base.as_snapshot(
                self._row(context, models.Snapshot, 'snapshot',
                          base_snapshot_id))
            found = drivers.require(
                self._driver, drivers.ChangedExtents).changed_extents(
                    snapshot, older, offset, length)
        answer: list[list[typing.Any]] = []
        for extent in found:
            answer.append([extent.offset, extent.length, extent.zero])
            if len(answer) > MAX_EXTENTS:
                return [[offset, length, False]]
        return answer

    def get_capabilities(self, context: RequestContext,
                         ) -> dict[str, typing.Any]:
        """Return the back end's stats and the list of its capabilities."""
        return abilities(self._driver)

    def _fence(self, connector: Connector | None) -> None:
        """Refuse a call for an operation that its caller does not hold."""
        claim = (connector or {}).get('operation')
        if claim is not None:
            with self._database.read() as tx:
                if not db_operations.is_held(tx, claim['id'],
                                             claim['owner']):
                    raise _lost(connector)

    def _is_over(self, connector: Connector) -> bool:
        """Tell whether an operation ended while its connection was opened.

        One that goes on elsewhere closes the connection at its end: it has
        the same name in every attempt.
        """
        claim = connector.get('operation')
        if claim is None:
            return False
        with self._database.read() as tx:
            row = db_operations.get(tx, claim['id'])
        return row is None or row.state not in db_operations.OPEN

    def _row(self, context: RequestContext, model: type[typing.Any],
             noun: str, id_: str) -> typing.Any:
        with self._database.read() as tx:
            row = rows.get_for(tx, context, model, id_)
        if row is None:
            raise exceptions.NotFound(f'{noun} {id_} could not be found')
        return row

    @retry.whole
    def _store(self, model: type[models.Base], id_: str,
               answer: drivers.Updates | None) -> None:
        changes = base.updates(answer)
        if changes:
            with self._database.write() as tx:
                rows.update(tx, model, id_, changes)


def _lost(connector: Connector | None) -> exceptions.LeaseLost:
    claim = (connector or {})['operation']
    return exceptions.LeaseLost(f'operation {claim["id"]} is not held by '
                                f'{claim["owner"]} any more')


def abilities(driver: drivers.Driver) -> dict[str, typing.Any]:
    """Return a back end's stats and capabilities, as it reports them."""
    return {**driver.get_volume_stats(refresh=True),
            'capabilities': drivers.capabilities(driver),
            'backup_use_temp_snapshot': driver.backup_use_temp_snapshot()}
