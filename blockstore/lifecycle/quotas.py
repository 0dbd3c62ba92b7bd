"""The check before a project gets more.

:func:`reserve` is called in the transaction that inserts the new rows.  It
holds the project's lock until that transaction ends, counts, and refuses what
would go over a limit.  Nothing is stored: the caller's rows are the
reservation, and a rollback gives it back.

>>> with database.write() as tx:
...     quotas.reserve(tx, conf, project_id, volumes=1, gigabytes=10,
...                    volume_size=10, volume_type_id=type_id)
...     volumes.insert(tx, …)
"""

from collections.abc import Mapping
import typing

from oslo_config import cfg

from blockstore import exceptions
from blockstore.db import quotas as db
from blockstore.db import types as db_types
from blockstore.db.engine import Transaction

RESOURCES = ('volumes', 'snapshots', 'gigabytes', 'backups',
             'backup_gigabytes', 'groups', 'per_volume_gigabytes')
TYPED = ('volumes', 'snapshots', 'gigabytes')
UNLIMITED = -1


def reserve(tx: Transaction, conf: cfg.ConfigOpts, project_id: str, *,
            volumes: int = 0, gigabytes: int = 0, snapshots: int = 0,
            backups: int = 0, backup_gigabytes: int = 0,
            volume_size: int | None = None,
            volume_type_id: str | None = None) -> None:
    """Make sure that a project may have more, and hold its usage still.

    Three statements.  Sizes in GiB.  The gigabytes of a new snapshot are
    given always and left out here if ``no_snapshot_gb_quota`` says so.

    :param volume_size: the size that one volume will have.
    :param volume_type_id: also check the limits for this volume type.
    :raises QuotaExceeded: naming resource, limit, use and what was asked.
    """
    asked = wanted(conf, volumes=volumes, gigabytes=gigabytes,
                   snapshots=snapshots, backups=backups,
                   backup_gigabytes=backup_gigabytes)
    db.lock(tx, project_id)
    for demand in demands(tx, conf, project_id, asked, volume_size,
                          volume_type_id):
        if not demand.fits:
            raise exceeded(tx, demand, volume_type_id)


class Demand(typing.NamedTuple):
    """How much of a resource is asked for, beside what there is.

    :ivar resource: as it is stored: with the id of a type.
    """

    resource: str
    limit: int
    in_use: int
    asked: int

    @property
    def fits(self) -> bool:
        """Tell whether the project may have it."""
        return (self.asked <= 0 or self.limit < 0
                or self.in_use + self.asked <= self.limit)


def wanted(conf: cfg.ConfigOpts, **amounts: int) -> dict[str, int]:
    """Return what counts of what is asked for, by resource."""
    if (amounts.get('snapshots') and not amounts.get('volumes')
            and conf.quota.no_snapshot_gb_quota):
        amounts['gigabytes'] = 0
    return {name: amount for name, amount in amounts.items() if amount > 0}


def demands(tx: Transaction, conf: cfg.ConfigOpts, project_id: str,
            asked: Mapping[str, int], volume_size: int | None = None,
            volume_type_id: str | None = None) -> list[Demand]:
    """Compare what is asked for with what there is; two statements at most.

    What has no limit is left out.

    :raises QuotaExceeded: one volume may not be that big at all.
    """
    every = dict(asked)
    if volume_type_id is not None:
        every.update({f'{name}_{volume_type_id}': amount
                      for name, amount in asked.items() if name in TYPED})
    limits = limits_of(conf, db.limits(tx, project_id))
    _check_size(limits['per_volume_gigabytes'], volume_size)
    every = {name: amount for name, amount in every.items()
             if limits.get(name, UNLIMITED) >= 0}
    if not every:
        return []
    usage = usage_of(tx, conf, project_id)
    return [Demand(name, limits[name], usage.of(name), amount)
            for name, amount in every.items()]


def limits_of(conf: cfg.ConfigOpts, stored: Mapping[str, int],
              ) -> dict[str, int]:
    """Fill up what is not stored with what is configured."""
    limits: dict[str, int] = {name: conf.quota[name] for name in RESOURCES}
    limits.update(stored)
    return limits


def usage_of(tx: Transaction, conf: cfg.ConfigOpts, project_id: str,
             ) -> db.Usage:
    """Count what a project has, as it is configured to be counted."""
    return db.usage(
        tx, project_id,
        snapshot_gigabytes=not conf.quota.no_snapshot_gb_quota)


def _check_size(limit: int, size: int | None) -> None:
    if size is not None and 0 <= limit < size:
        raise exceptions.QuotaExceeded(
            f'a volume of {size} GiB is over the quota '
            f'per_volume_gigabytes: the limit is {limit} GiB',
            remedy='ask for a smaller volume, or ask an administrator to '
                   'raise per_volume_gigabytes')


def name_of(tx: Transaction, resource: str, type_id: str | None) -> str:
    """Return a resource's name for people: with that of the type."""
    if type_id is None or not resource.endswith(f'_{type_id}'):
        return resource
    row = db_types.get(tx, type_id)
    return resource.removesuffix(type_id) + (row.name if row else type_id)


def exceeded(tx: Transaction, demand: Demand, type_id: str | None,
             ) -> exceptions.QuotaExceeded:
    """Return the error of what does not fit."""
    resource = name_of(tx, demand.resource, type_id)
    return exceptions.QuotaExceeded(
        f'the quota of {resource} is exceeded: the limit is {demand.limit}, '
        f'in use are {demand.in_use}, asked for were {demand.asked} more',
        blockers=[f'quota {resource}'],
        remedy=f'delete what is no longer needed, or ask an administrator '
               f'to raise {resource}')
