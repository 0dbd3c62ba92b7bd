"""What manage and unmanage do to a volume, and what to a snapshot.

:mod:`blockstore.volume.flows.manage` has the flow, which is the same for
both.
"""

from collections.abc import Callable
import dataclasses
import re
import typing

from oslo_config import cfg
from oslo_utils import timeutils

from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import attachments as db_attachments
from blockstore.db import backups as db_backups
from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction
from blockstore.lifecycle import messages
from blockstore.lifecycle import quotas
from blockstore.lifecycle.machine import Machine
from blockstore.lifecycle.operations import Claim
from blockstore.lifecycle.snapshots import SNAPSHOTS
from blockstore.lifecycle.snapshots import SnapshotStatus
from blockstore.lifecycle.volumes import VOLUMES
from blockstore.lifecycle.volumes import VolumeStatus
from blockstore.volume.drivers import base as drivers
from blockstore.volume.drivers import manageable
from blockstore.volume.flows import base
from blockstore.volume.flows import volumes

#: The statuses of what could not be taken over; both nouns have them.
FAILED = (VolumeStatus.ERROR_MANAGING, VolumeStatus.ERROR_MANAGING_DELETING)
_UUID = '([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})'


@dataclasses.dataclass(frozen=True)
class Noun:
    """One kind of object that can be taken over and let go.

    :ivar size: the column of its size in GiB.
    :ivar names: matches a name on a back end that is made of a row's id.
    :ivar stuck: the status of what could not be let go.
    :ivar fresh: what is set besides when it has been taken over.
    """

    name: str
    model: type[typing.Any]
    machine: Machine
    capability: type[typing.Any]
    size: str
    names: re.Pattern[str]
    stuck: str
    fresh: Callable[[], dict[str, typing.Any]]
    manage_action: messages.Action
    unmanage_action: messages.Action

    def row(self, database: Database, id_: str) -> typing.Any | None:
        """Return a row, or None when it is gone."""
        with database.read() as tx:
            return rows.get(tx, self.model, id_)

    def measure(self, driver: drivers.Driver, view: typing.Any,
                reference: manageable.Reference) -> int:
        """Return the size of what a reference names, or raise."""
        drivers.require(driver, self.capability)
        return self._measure(driver, view, reference)

    def check_unowned(self, tx: Transaction, host: str, view: typing.Any,
                      reference: manageable.Reference) -> None:
        """Raise ManageExistingAlreadyManaged if another row has the name.

        A driver that sees nothing but names cannot tell; rows can.

        :param host: the back end, ``host@backend``.
        """
        for name in _texts(reference):
            found = self.names.search(name)
            if found is None or found.group(1) == view.id:
                continue
            row = rows.get(tx, self.model, found.group(1))
            if (row is not None and row.status != VolumeStatus.ERROR_MANAGING
                    and self.host(tx, row) == host):
                raise exceptions.ManageExistingAlreadyManaged(
                    volume_ref=name, blockers=[f'{self.name} {row.id}'],
                    remedy='unmanage it there first, or use that one')

    # What is different; see the two below.

    def view(self, row: typing.Any) -> typing.Any:
        """Return a row as drivers see it."""
        raise NotImplementedError

    def host(self, tx: Transaction, row: typing.Any) -> str:
        """Return the back end of a row, '' without one."""
        raise NotImplementedError

    def _measure(self, driver: drivers.Driver, view: typing.Any,
                 reference: manageable.Reference) -> int:
        raise NotImplementedError

    def charge(self, tx: Transaction, conf: cfg.ConfigOpts, row: typing.Any,
               size: int) -> None:
        """Make sure that the project may have an object of this size."""
        raise NotImplementedError

    def take(self, driver: drivers.Driver, view: typing.Any,
             reference: manageable.Reference) -> drivers.Updates | None:
        """Take an object over."""
        raise NotImplementedError

    def let_go(self, driver: drivers.Driver, context: RequestContext,
               view: typing.Any) -> None:
        """Let an object go; gone is success."""
        raise NotImplementedError

    def clear(self, handler: base.Handler, claim: Claim, id_: str) -> None:
        """Remove what the service itself has made for an object."""

    def forget(self, tx: Transaction, id_: str) -> None:
        """Remove the row and what belongs to it."""
        raise NotImplementedError


class _Volumes(Noun):

    def view(self, row: typing.Any) -> drivers.Volume:
        return base.as_volume(row)

    def host(self, tx: Transaction, row: typing.Any) -> str:
        return (row.host or '').partition('#')[0]

    def _measure(self, driver: drivers.Driver, view: drivers.Volume,
                 reference: manageable.Reference) -> int:
        return driver.manage_existing_get_size(view, reference)

    def charge(self, tx: Transaction, conf: cfg.ConfigOpts, row: typing.Any,
               size: int) -> None:
        quotas.reserve(tx, conf, row.project_id, gigabytes=size - row.size,
                       volume_size=size, volume_type_id=row.volume_type_id)

    def take(self, driver: drivers.Driver, view: drivers.Volume,
             reference: manageable.Reference) -> drivers.Updates | None:
        return driver.manage_existing(view, reference)

    def let_go(self, driver: drivers.Driver, context: RequestContext,
               view: drivers.Volume) -> None:
        drivers.require(driver, self.capability)
        driver.terminate_connection(view, None)
        driver.remove_export(context, view)
        driver.unmanage(view)

    def clear(self, handler: base.Handler, claim: Claim, id_: str) -> None:
        # Those of the user are gone, the request has looked.
        volumes.delete_snapshots(handler, claim, id_)

    def forget(self, tx: Transaction, id_: str) -> None:
        for one in db_attachments.of_volume(tx, id_):
            db_attachments.remove(tx, one.id)
        rows.soft_delete(tx, models.Volume, id_)
        db_backups.forget_volume(tx, id_)


class _Snapshots(Noun):

    def view(self, row: typing.Any) -> drivers.Snapshot:
        return base.as_snapshot(row)

    def host(self, tx: Transaction, row: typing.Any) -> str:
        volume = rows.get(tx, models.Volume, row.volume_id)
        return '' if volume is None else VOLUME.host(tx, volume)

    def _measure(self, driver: drivers.Driver, view: drivers.Snapshot,
                 reference: manageable.Reference) -> int:
        return driver.manage_existing_snapshot_get_size(view, reference)

    def charge(self, tx: Transaction, conf: cfg.ConfigOpts, row: typing.Any,
               size: int) -> None:
        if not conf.quota.no_snapshot_gb_quota:
            quotas.reserve(tx, conf, row.project_id,
                           gigabytes=size - row.volume_size,
                           volume_type_id=row.volume_type_id)

    def take(self, driver: drivers.Driver, view: drivers.Snapshot,
             reference: manageable.Reference) -> drivers.Updates | None:
        return driver.manage_existing_snapshot(view, reference)

    def let_go(self, driver: drivers.Driver, context: RequestContext,
               view: drivers.Snapshot) -> None:
        drivers.require(driver, self.capability)
        driver.unmanage_snapshot(view)

    def forget(self, tx: Transaction, id_: str) -> None:
        rows.soft_delete(tx, models.Snapshot, id_)
        db_backups.forget_snapshot(tx, id_)


VOLUME: Noun = _Volumes(
    'volume', models.Volume, VOLUMES, drivers.ManagesVolumes, 'size',
    re.compile(rf'\bvolume-{_UUID}$'), VolumeStatus.ERROR_UNMANAGING,
    lambda: {'launched_at': timeutils.utcnow()},
    messages.Action.VOLUME_MANAGE, messages.Action.VOLUME_UNMANAGE)
SNAPSHOT: Noun = _Snapshots(
    'snapshot', models.Snapshot, SNAPSHOTS, drivers.ManagesSnapshots,
    'volume_size', re.compile(rf'(?:\b|_)snapshot-{_UUID}$'),
    SnapshotStatus.ERROR_DELETING, lambda: {'progress': '100%'},
    messages.Action.SNAPSHOT_MANAGE, messages.Action.SNAPSHOT_UNMANAGE)


def _texts(reference: manageable.Reference) -> list[str]:
    """Return all texts that a reference gives."""
    if isinstance(reference, str):
        return [reference]
    return [value for value in (reference or {}).values()
            if isinstance(value, str)]
