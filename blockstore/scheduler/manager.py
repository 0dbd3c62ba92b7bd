"""The scheduler manager: places volumes, and looks for what is stuck.

Any number of schedulers may run; each takes what is due.  Backups are not
scheduled: any backup service takes any of them.
"""

import typing

from oslo_config import cfg

from blockstore import manager
from blockstore.db import services as db_services
from blockstore.db.engine import Database
from blockstore.lifecycle import usages
from blockstore.lifecycle.reaper import Reaper
from blockstore.rpc import topics
from blockstore.rpc.clients import Clients
from blockstore.scheduler.endpoint import SchedulerEndpoint
from blockstore.scheduler.managing import ManageSnapshot
from blockstore.scheduler.managing import ManageVolume
from blockstore.scheduler.placement import PlaceVolume
from blockstore.service.periodic import PeriodicTask


class SchedulerManager(manager.Manager):
    """Places volumes, and looks for what is stuck.

    :param endpoints: what answers other services besides its own.
    """

    name = 'scheduler'
    binary = db_services.SCHEDULER

    def __init__(self, conf: cfg.ConfigOpts, database: Database,
                 transport: typing.Any, *endpoints: object) -> None:
        clients = Clients(transport, conf, database)
        super().__init__(
            conf, database, conf.service.host,
            {kind: handler(conf, clients.volume.operation_due)
             for kind, handler in (
                 ('volume.create', PlaceVolume),
                 ('volume.manage', ManageVolume),
                 ('snapshot.manage', ManageSnapshot))},
            (PeriodicTask('reaper', Reaper(conf, database).look,
                          conf.scheduler.reaper_interval),
             PeriodicTask('usages', usages.Audit(database).look,
                          usages.INTERVAL)))
        self.listen(transport, topics.SCHEDULER,
                    SchedulerEndpoint(self.worker.ring), *endpoints)
