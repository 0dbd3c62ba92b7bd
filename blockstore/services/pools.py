"""Pools: what back ends have, as they reported it last."""

from collections.abc import Mapping
import typing

from oslo_config import cfg

from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import services as db
from blockstore.db import types as db_types
from blockstore.db.engine import Database
from blockstore.scheduler import base as scheduling
from blockstore.scheduler.filters import capabilities


class Pools:
    """The use cases of pools and capabilities."""

    def __init__(self, conf: cfg.ConfigOpts, database: Database) -> None:
        self._conf = conf
        self._database = database

    def list(self, ctx: RequestContext,
             filters: Mapping[str, str] | None = None,
             volume_type: str | None = None) -> list[db.Pool]:
        """Return the pools of live back ends.

        :param filters: ``name`` or a capability, to the value it must have.
        :param volume_type: id or name of a type whose extra specs the pools
            must fulfil, in the scheduler's eyes; raises NotFound.
        """
        with self._database.read() as tx:
            specs: dict[str, str] = {}
            if volume_type is not None:
                row = db_types.resolve(tx, ctx, volume_type)
                specs = db_types.extra_specs(tx, row.id) if row else {}
            live = db.live(tx, db.VOLUME,
                           self._conf.service.service_down_time)
        fits = capabilities.CapabilitiesFilter(self._conf)
        request = scheduling.Request(size=0, extra_specs=specs)
        return [pool for pool in db.pools(live) if _has(pool, filters or {})
                and not fits.refusal(request, _as_backend(pool))]

    def capabilities(self, ctx: RequestContext, host: str,
                     ) -> dict[str, typing.Any]:
        """Return what a back end said of itself.

        :param host: ``host@backend``.
        :raises NotFound: if there is no such volume service.
        """
        with self._database.read() as tx:
            row = db.get(tx, host, db.VOLUME)
        if row is None:
            raise exceptions.NotFound(f'there is no back end {host}')
        return dict(row.capabilities or {})


def _has(pool: db.Pool, filters: Mapping[str, str]) -> bool:
    for key, wanted in filters.items():
        value = pool.name if key == 'name' else pool.capabilities.get(key)
        if str(value).lower() != str(wanted).lower():
            return False
    return True


def _as_backend(pool: db.Pool) -> scheduling.Backend:
    return scheduling.Backend(
        name=pool.name, service_id=pool.service.id,
        availability_zone=pool.service.availability_zone,
        stats=pool.capabilities)
