"""Pools and the abilities of back ends, over HTTP."""

from typing import Any

from blockstore.api.microversions import Version
from blockstore.api.request import Request
from blockstore.api.views import pools as view

FILTERED = Version(3, 28)
BY_TYPE = Version(3, 35)


def index(req: Request) -> dict[str, Any]:
    """GET /scheduler-stats/get_pools."""
    shown = view.detail if req.flag('detail') else view.summary
    filters = req.query()
    filters.pop('detail', None)
    volume_type = filters.pop('volume_type', None)
    if req.microversion < FILTERED:
        filters = {}
    if req.microversion < BY_TYPE:
        volume_type = None
    found = req.services.pools.list(req.context, filters, volume_type)
    return {'pools': [shown(pool) for pool in found]}


def capabilities(req: Request, host: str) -> dict[str, Any]:
    """GET /capabilities/{host}."""
    return view.capabilities(
        host, req.services.pools.capabilities(req.context, host))
