"""Places: choosing a pool for a volume, in the transaction that takes it.

Nobody counts twice on the same room: the chosen service is locked, and its
volumes are counted again under the lock.

>>> Places(conf).choose(tx, request(tx, 10, type_id, None))
'node1@fast#fast'
"""

import dataclasses

from oslo_config import cfg

from blockstore.db import placement as db
from blockstore.db import services
from blockstore.db import types
from blockstore.db.engine import Transaction
from blockstore.scheduler import base
from blockstore.scheduler.choice import Chooser


class Places:
    """The pools of the volume services that are up and enabled."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        self._chooser = Chooser(conf)

    def choose(self, tx: Transaction, wanted: base.Request,
               host: str | None = None) -> str:
        """Return the best pool, held still until the transaction ends.

        :param host: only a pool of this back end, or only this pool.
        :raises NoValidBackend: none can take it.
        """
        backends = self._backends(tx, host)
        while True:
            # Ends: each turn takes a back end out of the list or returns.
            best = self._chooser.ranked(wanted, backends)[0]
            db.lock(tx, best.service_id)
            now = dataclasses.replace(best, placed=db.placed(
                tx, best.name).get(best.name, db.NONE))
            if self._chooser.passes(wanted, now):
                return best.name
            backends = [now if one.name == best.name else one
                        for one in backends]

    def look(self, tx: Transaction, wanted: base.Request, host: str) -> str:
        """Return the pool of a back end that could take it now.

        :raises NoValidBackend: none can.
        """
        return self._chooser.ranked(
            wanted, self._backends(tx, host))[0].name

    def _backends(self, tx: Transaction, host: str | None,
                  ) -> list[base.Backend]:
        live = services.live(tx, services.VOLUME,
                             self._conf.service.service_down_time)
        placed = db.placed(tx)
        return [base.Backend(
            name=pool.name, service_id=pool.service.id,
            availability_zone=pool.service.availability_zone,
            stats=pool.capabilities, state=pool.service.backend_state,
            placed=placed.get(pool.name, db.NONE))
            for pool in services.pools(live)
            if host in (None, pool.name, pool.service.host)]


def request(tx: Transaction, size: int, type_id: str | None,
            zone: str | None) -> base.Request:
    """Say what a place is sought for, with what its type asks."""
    specs = types.specs_of(tx, [type_id]) if type_id else {}
    return base.Request(
        size=size, availability_zone=zone,
        extra_specs=specs.get(type_id, {}) if type_id else {})
