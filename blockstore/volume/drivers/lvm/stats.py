"""How much room a back end has, and what it can do."""

import typing

from blockstore.volume.drivers.lvm.group import Group
from blockstore.volume.drivers.lvm.settings import GIB


def capacity(group: Group) -> dict[str, typing.Any]:
    """Return the fields of the stats that are measured."""
    settings = group.settings
    there = group.volumes()
    promised = sum(one.size for one in there.values()
                   if not one.is_pool and not one.is_snapshot
                   and (one.pool == settings.pool or not settings.thin))
    pool = there.get(settings.pool) if settings.thin else None
    if pool is None:
        facts = group.facts()
        total, free = facts.size, facts.free
    else:
        total = pool.size
        # A pool whose metadata are full is full.
        used = max(pool.data_percent, pool.metadata_percent
                   if pool.metadata_percent >= 100 else 0)
        free = round(total * (100 - used) / 100)
    return {'total_capacity_gb': round(total / GIB, 2),
            'free_capacity_gb': round(free / GIB, 2),
            'provisioned_capacity_gb': round(promised / GIB, 2)}
