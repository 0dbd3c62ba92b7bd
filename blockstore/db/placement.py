"""What the scheduler counts: volumes by the pool that they were placed on."""

import typing

import sqlalchemy as sa

from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction

_VOLUMES = rows.table(models.Volume)
_SERVICES = rows.table(models.Service)


class Placed(typing.NamedTuple):
    """The volumes of one pool: how many, and their sizes together in GiB."""

    number: int = 0
    gigabytes: int = 0


NONE = Placed()


def placed(tx: Transaction, host: str | None = None) -> dict[str, Placed]:
    """Count the volumes of each ``host@backend#pool``, in one statement.

    Volumes that were placed and are not made yet count, and so do those
    that the service made for itself.

    :param host: count only the volumes of this one.
    """
    statement = sa.select(
        _VOLUMES.c.host, sa.func.count(), sa.func.sum(_VOLUMES.c.size)).where(
            _VOLUMES.c.deleted == sa.false(), _VOLUMES.c.host.is_not(None))
    if host is not None:
        statement = statement.where(_VOLUMES.c.host == host)
    return {name: Placed(int(number), int(size)) for name, number, size
            in tx.execute(statement.group_by(_VOLUMES.c.host))}


def lock(tx: Transaction, service_id: int) -> None:
    """Let one scheduler at a time place volumes on a service.

    Held until the end of the transaction.
    """
    tx.execute(sa.select(_SERVICES.c.id).where(
        _SERVICES.c.id == service_id).with_for_update())
