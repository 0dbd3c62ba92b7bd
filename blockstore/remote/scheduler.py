"""What other services may ask of a scheduler."""

import typing

from oslo_config import cfg
import oslo_messaging as messaging

from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db.engine import Database
from blockstore.objects.service import CapacityInfo
from blockstore.objects.service import PoolInfo
from blockstore.remote import base
from blockstore.rpc import versions
from blockstore.rpc.clients import Clients
from blockstore.rpc.methods import scheduler as methods
from blockstore.scheduler import places
from blockstore.services import types


class SchedulerRequests(base.Requests):
    """Volumes with a place; see :mod:`blockstore.rpc.methods.scheduler`."""

    SERVICE = 'scheduler'
    METHODS = methods.METHODS
    target = messaging.Target(version=versions.RPC['scheduler'])

    def __init__(self, conf: cfg.ConfigOpts, database: Database,
                 clients: Clients) -> None:
        super().__init__(conf, database, clients)
        self._places = places.Places(conf)

    def create_volume(self, context: RequestContext, size: int | None = None,
                      name: str | None = None,
                      description: str | None = None,
                      volume_type: str | None = None,
                      metadata: dict[str, str] | None = None,
                      snapshot_id: str | None = None,
                      source_volid: str | None = None,
                      backup_id: str | None = None,
                      availability_zone: str | None = None,
                      operation_id: str | None = None) -> base.Answer:
        """Make a volume where there is room for it."""
        return self._create_volume(context, operation_id, {
            'size': size, 'name': name, 'description': description,
            'volume_type': volume_type, 'metadata': metadata,
            'snapshot_id': snapshot_id, 'source_volid': source_volid,
            'backup_id': backup_id, 'availability_zone': availability_zone})

    def get_pools(self, context: RequestContext,
                  volume_type: str | None = None,
                  filters: dict[str, typing.Any] | None = None,
                  ) -> list[PoolInfo]:
        """Return the pools of the back ends that are up."""
        return [PoolInfo(name=pool.name, host=pool.service.host,
                         availability_zone=pool.service.availability_zone,
                         capabilities=pool.capabilities)
                for pool in self._services.pools.list(
                    context, filters, volume_type)]

    def validate_host_capacity(self, context: RequestContext, host: str,
                               size: int, volume_type: str | None = None,
                               availability_zone: str | None = None,
                               ) -> CapacityInfo:
        """Return whether a back end could take a volume now."""
        with self._database.read() as tx:
            row = types.resolve(tx, self._conf, context, volume_type)
            wanted = places.request(tx, size, row.id if row else None,
                                    availability_zone)
            try:
                pool = self._places.look(tx, wanted, host)
            except exceptions.NoValidBackend as error:
                return CapacityInfo(fits=False, pool=None,
                                    reason=error.message)
        return CapacityInfo(fits=True, pool=pool, reason=None)
