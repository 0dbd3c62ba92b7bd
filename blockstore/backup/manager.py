"""The backup manager: a worker, an endpoint, a heartbeat and housekeeping.

Any backup host takes any backup (R-107): the bytes are reached through
connections that the volume services open, and the store is shared.
"""

import typing

from oslo_config import cfg
from oslo_log import log as logging

from blockstore import exceptions
from blockstore.backup.endpoint import BackupEndpoint
from blockstore.backup.flows import base as flows
from blockstore.backup.flows.create import Create
from blockstore.backup.flows.delete import Delete
from blockstore.backup.flows.restore import Restore
from blockstore.backup.store.repository import Repository
from blockstore.db import models
from blockstore.db import rows
from blockstore.db import services as db_services
from blockstore.db.engine import Database
from blockstore.lifecycle.backups import BackupStatus
from blockstore.lifecycle.identity import Identity
from blockstore.lifecycle.worker import Worker
from blockstore.rpc import server
from blockstore.rpc import topics
from blockstore.rpc.clients import Clients
from blockstore.service import base
from blockstore.service.heartbeat import Heartbeat
from blockstore.service.periodic import PeriodicTask

LOG = logging.getLogger(__name__)
BINARY = 'cinder-backup'


class BackupManager(base.Service):
    """Moves bytes between volumes and the store of this host."""

    name = 'backup'

    def __init__(self, conf: cfg.ConfigOpts, database: Database,
                 transport: typing.Any) -> None:
        self.host = conf.service.host
        self._conf = conf
        self._database = database
        self.repository = Repository.from_conf(conf)
        parts = flows.Parts(conf, database, Clients(transport, conf),
                            self.repository, self.host)
        self._identity = Identity(conf, 'backup', self.host)
        self._worker = Worker(
            conf, database, topic='backup', hosts=(self.host,),
            owner=self._identity.owner, handlers={
                'backup.create': Create(parts),
                'backup.restore': Restore(parts),
                'backup.delete': Delete(parts)})
        self._rpc = server.Server(transport, conf)
        self._rpc.add(topics.BACKUP, BackupEndpoint(self._worker.ring))
        self._heartbeat = Heartbeat(self._report, conf)
        self._housekeeping = PeriodicTask(
            'backup-housekeeping', self._abandon_journals,
            conf.backup.housekeeping_interval)

    def start(self) -> None:
        """Begin to take work."""
        self._identity.take(self._database)
        self._rpc.start()
        # Known before the first request can come, not a moment later.
        self._report()
        self._heartbeat.start()
        self._worker.start()
        self._housekeeping.start()

    def stop(self, deadline: float) -> None:
        """Hand copies over, and let what is short end."""
        self._housekeeping.stop(deadline)
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
                tx, self.host, BINARY, topic=topics.BACKUP,
                zone=self._conf.service.availability_zone)

    def _abandon_journals(self) -> None:
        """Remove journals of backups that nobody will go on with."""
        try:
            unfinished = list(self.repository.unfinished())
        except exceptions.StoreError:
            LOG.exception('The store cannot be looked through')
            return
        for id_ in unfinished:
            with self._database.read() as tx:
                row = rows.get(tx, models.Backup, id_)
            if row is None or row.status != BackupStatus.CREATING:
                LOG.info('Forgetting how far backup %s had come', id_)
                self.repository.abandon(id_)
