"""Giving a new volume its place: the scheduler's part of ``volume.create``.

The choice, the volume's ``host`` and the handing-on of the operation to the
volume service of that host are one transaction.
"""

from collections.abc import Callable

from oslo_config import cfg
from oslo_log import log as logging
from oslo_utils import timeutils

from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import models
from blockstore.db import rows
from blockstore.db import services
from blockstore.db.engine import Transaction
from blockstore.lifecycle import messages
from blockstore.lifecycle import transitions
from blockstore.lifecycle.operations import Claim
from blockstore.lifecycle.volumes import VOLUMES
from blockstore.lifecycle.volumes import VolumeStatus
from blockstore.scheduler import base
from blockstore.scheduler import places

LOG = logging.getLogger(__name__)

Ring = Callable[[RequestContext, str, str], None]


class PlaceVolume:
    """The handler of ``volume.create`` under the topic ``scheduler``.

    :param ring: tells a volume service (host ``host@backend``) of an
        operation.
    """

    def __init__(self, conf: cfg.ConfigOpts, ring: Ring) -> None:
        self._places = places.Places(conf)
        self._ring = ring

    def run(self, claim: Claim) -> None:
        """Choose a place and hand the operation on."""
        with claim.database.write() as tx:
            volume = rows.get(tx, models.Volume, claim.operation.resource_id,
                              lock=True)
            if volume is None or volume.status != VolumeStatus.CREATING:
                # Deleted, or ended by hand, while it waited.
                claim.finish(tx)
                return
            host = volume.host or self._source_host(tx, volume)
            if host is None:
                host = self._places.choose(tx, self._request(tx, volume))
            owner = host.partition('#')[0]
            service = services.get(tx, owner, services.VOLUME)
            rows.update(tx, models.Volume, volume.id, {
                'host': host, 'scheduled_at': timeutils.utcnow(),
                'availability_zone': (service.availability_zone if service
                                      else volume.availability_zone)})
            hand_on(tx, claim, owner, self._ring)
        LOG.info('Volume %s goes to %s', volume.id, host)

    def failed(self, tx: Transaction, claim: Claim,
               error: exceptions.BlockstoreError) -> None:
        """Tell that the volume has no place."""
        row = claim.operation
        if not transitions.try_move(
                tx, VOLUMES, models.Volume, row.resource_id,
                VolumeStatus.ERROR, sources=(VolumeStatus.CREATING,),
                reason=error.message):
            return
        found = isinstance(error, exceptions.NoValidBackend)
        messages.add(
            tx, claim.context, row.project_id,
            messages.Action.VOLUME_SCHEDULE,
            messages.Detail.NO_BACKEND if found else messages.Detail.UNKNOWN,
            'volume', row.resource_id)

    def _source_host(self, tx: Transaction, volume: models.Volume,
                     ) -> str | None:
        """Return where the source is: only that back end has its bytes."""
        source_id = volume.source_volid
        if volume.snapshot_id:
            snapshot = rows.get(tx, models.Snapshot, volume.snapshot_id)
            source_id = None if snapshot is None else snapshot.volume_id
        if source_id is None and not volume.snapshot_id:
            return None
        source = (None if source_id is None
                  else rows.get(tx, models.Volume, source_id))
        if source is None or source.host is None:
            raise exceptions.NoValidBackend(
                f'the source of volume {volume.id} is gone or has no place',
                remedy='choose another source')
        return source.host

    def _request(self, tx: Transaction, volume: models.Volume,
                 ) -> base.Request:
        return places.request(tx, volume.size, volume.volume_type_id,
                              volume.availability_zone)


def hand_on(tx: Transaction, claim: Claim, host: str, ring: Ring) -> None:
    """Give an operation to a volume service, and ring for it."""
    claim.hand_on(tx, 'volume', host)
    tx.after_commit(lambda: ring(claim.context, host, claim.id))
