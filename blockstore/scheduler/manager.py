"""The scheduler manager: a worker, an endpoint, a heartbeat and the reaper.

Any number of schedulers may run; each takes what is due.  Backups are not
scheduled: any backup service takes any of them.
"""

import typing

from oslo_config import cfg

from blockstore.db import services as db_services
from blockstore.db.engine import Database
from blockstore.lifecycle.identity import Identity
from blockstore.lifecycle.reaper import Reaper
from blockstore.lifecycle.worker import Worker
from blockstore.rpc import server
from blockstore.rpc import topics
from blockstore.rpc.clients import Clients
from blockstore.scheduler.endpoint import SchedulerEndpoint
from blockstore.scheduler.placement import PlaceVolume
from blockstore.service import base
from blockstore.service.heartbeat import Heartbeat
from blockstore.service.periodic import PeriodicTask


class SchedulerManager(base.Service):
    """Places volumes, and looks for what is stuck."""

    name = 'scheduler'

    def __init__(self, conf: cfg.ConfigOpts, database: Database,
                 transport: typing.Any) -> None:
        self.host = conf.service.host
        self._conf = conf
        self._database = database
        clients = Clients(transport, conf)
        self._identity = Identity(conf, 'scheduler', self.host)
        self._worker = Worker(
            conf, database, topic='scheduler', hosts=(self.host,),
            owner=self._identity.owner, handlers={
                'volume.create': PlaceVolume(
                    conf, clients.volume.operation_due)})
        self._rpc = server.Server(transport, conf)
        self._rpc.add(topics.SCHEDULER, SchedulerEndpoint(self._worker.ring))
        self._heartbeat = Heartbeat(self._report, conf)
        self._reaper = PeriodicTask('reaper', Reaper(conf, database).look,
                                    conf.scheduler.reaper_interval)

    def start(self) -> None:
        """Begin to take work."""
        self._identity.take(self._database)
        self._rpc.start()
        self._heartbeat.start()
        self._worker.start()
        self._reaper.start()

    def stop(self, deadline: float) -> None:
        """Take nothing more and let the work in flight end."""
        self._reaper.stop(deadline)
        self._heartbeat.stop(deadline)
        self._worker.stop(deadline)
        self._rpc.stop(deadline)
        self._identity.leave()

    def healthy(self) -> bool:
        """Tell whether work is still looked for."""
        return self._worker.healthy()

    def _report(self) -> None:
        with self._database.write() as tx:
            db_services.report(
                tx, self.host, db_services.SCHEDULER,
                topic=topics.SCHEDULER,
                zone=self._conf.service.availability_zone)
