"""Availability zones: those that the volume services say they are in."""

from oslo_config import cfg

from blockstore import exceptions
from blockstore.context import RequestContext
from blockstore.db import services as db
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction


def known(tx: Transaction, binary: str = db.VOLUME) -> set[str]:
    """Return the names of the zones that services of a kind are in."""
    return {row.availability_zone for row in db.page(tx, binary=binary)}


def check(tx: Transaction, zone: str, binary: str = db.VOLUME) -> None:
    """Raise Invalid unless there is a zone of this name."""
    zones = known(tx, binary)
    if zone not in zones:
        raise exceptions.Invalid(
            f'there is no availability zone {zone}',
            remedy='known are ' + (', '.join(sorted(zones)) or 'none'))


def check_same(zone: str, source_zone: str | None, source: str) -> None:
    """Refuse a copy that could not be where its source is.

    :param source: what is copied, for people.
    :raises exceptions.Invalid: its bytes are in another zone.
    """
    if source_zone not in (None, zone):
        raise exceptions.Invalid(
            f'a copy of {source} cannot be in the zone {zone}: its source is '
            f'in {source_zone}', blockers=[source],
            remedy='leave the zone out, or restore a backup there')


class Zones:
    """The use case of ``/os-availability-zone``."""

    def __init__(self, conf: cfg.ConfigOpts, database: Database) -> None:
        self._conf = conf
        self._database = database

    def list(self, ctx: RequestContext) -> dict[str, bool]:
        """Return each zone's name and whether it can get volumes."""
        down_time = self._conf.service.service_down_time
        zones: dict[str, bool] = {}
        with self._database.read() as tx:
            oldest = db.oldest(tx, down_time)
            for row in db.page(tx, binary=db.VOLUME):
                live = not row.disabled and db.is_up(row, oldest)
                zone = row.availability_zone
                zones[zone] = zones.get(zone, False) or live
        return dict(sorted(zones.items()))
