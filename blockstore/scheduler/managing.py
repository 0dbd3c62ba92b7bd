"""The scheduler's part of taking over: is the named back end there for it?

What is taken over stands on its back end already and needs no further room,
so the size that is asked for is 0.  A volume gets its pool here, if the
caller named the back end only; a snapshot is where its volume is.
"""

import typing

from oslo_config import cfg
from oslo_utils import timeutils

from blockstore import exceptions
from blockstore.db import models
from blockstore.db import rows
from blockstore.db import services
from blockstore.db.engine import Transaction
from blockstore.lifecycle import messages
from blockstore.lifecycle import transitions
from blockstore.lifecycle.machine import Machine
from blockstore.lifecycle.operations import Claim
from blockstore.lifecycle.snapshots import SNAPSHOTS
from blockstore.lifecycle.volumes import VOLUMES
from blockstore.lifecycle.volumes import VolumeStatus
from blockstore.scheduler import base
from blockstore.scheduler import placement
from blockstore.scheduler import places


class _Managed:
    """Base of the two handlers.

    :param ring: tells a volume service of an operation.
    """

    model: type[typing.Any]
    machine: Machine
    action: messages.Action

    def __init__(self, conf: cfg.ConfigOpts, ring: placement.Ring) -> None:
        self._places = places.Places(conf)
        self._ring = ring

    def run(self, claim: Claim) -> None:
        """Check the place and hand the operation on."""
        with claim.database.write() as tx:
            row = rows.get(tx, self.model, claim.operation.resource_id,
                           lock=True)
            if row is None or row.status != VolumeStatus.MANAGING:
                # Deleted, or ended by hand, while it waited.
                claim.finish(tx)
                return
            placement.hand_on(tx, claim, self._place(tx, row), self._ring)

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Tell that the back end is not there; nothing was charged then."""
        row = claim.operation
        if not transitions.try_move(
                tx, self.machine, self.model, row.resource_id,
                VolumeStatus.ERROR_MANAGING,
                sources=(VolumeStatus.MANAGING,), reason=error.message,
                use_quota=False):
            return
        found = isinstance(error, exceptions.NoValidBackend)
        messages.add(
            tx, claim.context, row.project_id, self.action,
            messages.Detail.NO_BACKEND if found else messages.Detail.UNKNOWN,
            row.resource_type, row.resource_id)

    def _place(self, tx: Transaction, row: typing.Any) -> str:
        """Return the service that takes it over, ``host@backend``."""
        raise NotImplementedError


class ManageVolume(_Managed):
    """The handler of ``volume.manage`` under the topic ``scheduler``."""

    model = models.Volume
    machine = VOLUMES
    action = messages.Action.VOLUME_SCHEDULE

    def _place(self, tx: Transaction, row: typing.Any) -> str:
        host = self._places.choose(tx, places.request(
            tx, 0, row.volume_type_id, row.availability_zone), row.host)
        owner = host.partition('#')[0]
        service = services.get(tx, owner, services.VOLUME)
        rows.update(tx, models.Volume, row.id, {
            'host': host, 'scheduled_at': timeutils.utcnow(),
            'availability_zone': (service.availability_zone if service
                                  else row.availability_zone)})
        return owner


class ManageSnapshot(_Managed):
    """The handler of ``snapshot.manage`` under the topic ``scheduler``."""

    model = models.Snapshot
    machine = SNAPSHOTS
    action = messages.Action.SNAPSHOT_MANAGE

    def _place(self, tx: Transaction, row: typing.Any) -> str:
        volume = rows.get(tx, models.Volume, row.volume_id)
        if volume is None or volume.host is None:
            raise exceptions.NoValidBackend(
                f'the volume of snapshot {row.id} is gone or has no place',
                remedy='manage the volume first')
        self._places.look(tx, base.Request(size=0), volume.host)
        return volume.host.partition('#')[0]
