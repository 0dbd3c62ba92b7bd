"""The backup manager: moves bytes between volumes and the store.

Any backup host takes any backup (R-107): the bytes are reached through
connections that the volume services open, and the store is shared.
"""

from collections.abc import Mapping
import typing

from oslo_config import cfg
from oslo_log import log as logging

from blockstore import exceptions
from blockstore import manager
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
from blockstore.db.engine import Transaction
from blockstore.lifecycle.backups import BackupStatus
from blockstore.rpc import topics
from blockstore.rpc.clients import Clients
from blockstore.service import base
from blockstore.service.periodic import PeriodicTask

LOG = logging.getLogger(__name__)


class BackupManager(manager.Manager):
    """Moves bytes between volumes and the store of this host.

    :param endpoints: what answers other services besides its own.
    """

    name = 'backup'
    binary = db_services.BACKUP

    def __init__(self, conf: cfg.ConfigOpts, database: Database,
                 transport: typing.Any, *endpoints: object) -> None:
        self.repository = Repository.from_conf(conf)
        parts = flows.Parts.from_conf(
            conf, database, Clients(transport, conf, database),
            self.repository)
        super().__init__(
            conf, database, conf.service.host,
            {'backup.create': Create(parts),
             'backup.restore': Restore(parts),
             'backup.delete': Delete(parts)},
            (PeriodicTask('backup-housekeeping', self._abandon_journals,
                          conf.backup.housekeeping_interval),),
            {'backup.create': lambda: int(conf.backup.max_backups),
             'backup.restore': lambda: int(conf.backup.max_restores)})
        self.worker.admit_if(self._enabled)
        self.listen(transport, topics.BACKUP,
                    BackupEndpoint(self.worker.ring), *endpoints)

    def checks(self) -> Mapping[str, base.Check]:
        """Return what the store, too, has to answer."""
        return {**super().checks(), 'store': self.repository.check}

    def _enabled(self, tx: Transaction) -> bool:
        """Tell whether this service may take up what any other can do."""
        row = db_services.get(tx, self.host, self.binary)
        return row is None or not row.disabled

    def _abandon_journals(self) -> None:
        """Remove journals of backups that nobody will go on with."""
        try:
            unfinished = list(self.repository.unfinished())
        except exceptions.StoreError:
            LOG.exception('The store cannot be looked through')
            return
        for id_ in unfinished:
            with self.database.read() as tx:
                row = rows.get(tx, models.Backup, id_)
            if row is None or row.status != BackupStatus.CREATING:
                LOG.info('Forgetting how far backup %s had come', id_)
                self.repository.abandon(id_)
