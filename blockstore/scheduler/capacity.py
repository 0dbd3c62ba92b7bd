"""How much more a back end can take, thin or thick, in GiB.

A driver's report may be older than the last volumes that were placed there;
what the database has beyond the report is taken off.
"""

import dataclasses
import math
import typing

from blockstore.scheduler.base import Backend
from blockstore.scheduler.base import Request

_TYPE = 'provisioning:type'


@dataclasses.dataclass(frozen=True)
class Capacity:
    """The capacity of a back end; infinite where it does not know.

    :param promised: the sizes of all volumes together.
    :param free: what is free and not reserved.
    :param ratio: how many times a thin back end may be promised.
    """

    total: float
    reserved: float
    promised: float
    free: float
    thin: bool
    ratio: float

    @property
    def room(self) -> float:
        """The size of the biggest volume that may be placed."""
        if not self.thin:
            return self.free
        limit = (self.total - self.reserved) * self.ratio - self.promised
        return min(limit, self.free * self.ratio)


def of(request: Request, backend: Backend) -> Capacity:
    """Work a back end's capacity out for one request."""
    stats = backend.stats
    total = _number(stats.get('total_capacity_gb'), math.inf)
    percentage = _number(stats.get('reserved_percentage'), 0.0)
    reserved = (0.0 if math.isinf(total)
                else math.floor(total * percentage / 100))
    reported = stats.get('provisioned_capacity_gb')
    placed = float(backend.placed.gigabytes)
    promised = max(placed, _number(reported, 0.0))
    free = _number(stats.get('free_capacity_gb'), total) - reserved
    thin = _thin(request, stats)
    if not thin and reported is not None:
        free -= max(0.0, placed - _number(reported, placed))
    return Capacity(
        total, reserved, promised, max(0.0, free), thin,
        max(1.0, _number(stats.get('max_over_subscription_ratio'), 1.0)))


def supports(request: Request, backend: Backend) -> bool:
    """Tell whether the back end can do the kind of provisioning asked for.

    A back end that says nothing does what it does for everyone.
    """
    wanted = request.extra_specs.get(_TYPE)
    if wanted not in ('thin', 'thick'):
        return True
    return bool(backend.stats.get(f'{wanted}_provisioning_support',
                                  wanted == 'thick'))


def _thin(request: Request, stats: typing.Any) -> bool:
    if request.extra_specs.get(_TYPE) == 'thick':
        return False
    return bool(stats.get('thin_provisioning_support'))


def _number(value: typing.Any, otherwise: float) -> float:
    """Read a driver's number; ``unknown`` and ``infinite`` have no limit."""
    if value is None:
        return otherwise
    if value in ('unknown', 'infinite'):
        return math.inf
    try:
        return float(value)
    except (TypeError, ValueError):
        return otherwise
