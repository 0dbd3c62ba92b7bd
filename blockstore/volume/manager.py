"""The volume manager: one back end's driver, worker, endpoint and heartbeat.

It only puts the parts together; operations are done by the handlers in
``volume/flows``.  A driver that cannot be set up does not stop the daemon:
the service is reported down, nothing is taken up, and set-up is tried again.
"""

import threading
import typing

from oslo_config import cfg
from oslo_db import exception as db_exception
from oslo_log import log as logging

from blockstore import context as contexts
from blockstore import exceptions
from blockstore.db import documents
from blockstore.db import services as db_services
from blockstore.db import volumes as db_volumes
from blockstore.db.engine import Database
from blockstore.lifecycle.identity import Identity
from blockstore.lifecycle.worker import Handler
from blockstore.lifecycle.worker import Worker
from blockstore.rpc import server
from blockstore.rpc import topics
from blockstore.service import base
from blockstore.service.heartbeat import Heartbeat
from blockstore.volume import endpoint
from blockstore.volume.drivers import guarded
from blockstore.volume.drivers import loader
from blockstore.volume.flows import base as flows
from blockstore.volume.flows import connections
from blockstore.volume.flows import snapshots
from blockstore.volume.flows import volumes

LOG = logging.getLogger(__name__)
BINARY = 'cinder-volume'
SETUP_RETRY = 5.0


class VolumeManager(base.Service):
    """Serves one back end.

    :param backend: the name of its option group.
    """

    name = 'volume'

    def __init__(self, conf: cfg.ConfigOpts, database: Database,
                 transport: typing.Any, backend: str) -> None:
        self.host = f'{conf.service.host}@{backend}'
        self._conf = conf
        self._database = database
        self.driver = guarded.GuardedDriver(loader.load(
            conf, backend, self.host,
            documents.DatabaseBook(database, self.host)))
        self._identity = Identity(conf, 'volume', self.host)
        self._worker = Worker(
            conf, database, topic='volume', hosts=(self.host,),
            owner=self._identity.owner, handlers=self._handlers())
        self._rpc = server.Server(transport, conf)
        self._rpc.add(
            topics.volume(self.host),
            endpoint.VolumeEndpoint(database, self.driver, self._worker.ring))
        self._heartbeat = Heartbeat(self._report, conf)
        self._stopping = threading.Event()
        self._setup = threading.Thread(
            target=self._set_up_later, name='volume-setup', daemon=True)
        self._serving = False

    def _handlers(self) -> dict[str, Handler]:
        parts = (self._database, self.driver)
        return {'volume.create': volumes.Create(*parts),
                'volume.delete': volumes.Delete(*parts),
                'volume.extend': volumes.Extend(*parts),
                'volume.revert': volumes.Revert(*parts),
                'volume.disconnect': connections.DisconnectVolume(*parts),
                'snapshot.disconnect': connections.DisconnectSnapshot(
                    *parts),
                'snapshot.create': snapshots.Create(*parts),
                'snapshot.delete': snapshots.Delete(*parts)}

    def start(self) -> None:
        """Set the driver up, now or as soon as it can be, and serve."""
        self._identity.take(self._database)
        if not self._set_up():
            self._setup.start()

    def stop(self, deadline: float) -> None:
        """Take nothing more and let the work in flight end."""
        self._stopping.set()
        if self._setup.is_alive():
            self._setup.join(base.remaining(deadline))
        if self._serving:
            self._heartbeat.stop(deadline)
            self._worker.stop(deadline)
            self._rpc.stop(deadline)
        self.driver.close()
        self._identity.leave()

    def healthy(self) -> bool:
        """Tell whether this part does its work.

        A back end that cannot be used is reported as down; ending the
        process would not mend it.
        """
        return not self._serving or self._worker.healthy()

    def _set_up_later(self) -> None:
        while not self._stopping.wait(SETUP_RETRY):
            if self._set_up():
                return

    def _set_up(self) -> bool:
        context = contexts.for_service()
        try:
            self.driver.check_for_setup_error()
            self.driver.do_setup(context)
            self._ensure_exports(context)
            # Known before the first request can come, not a moment later.
            self._report()
        except exceptions.BlockstoreError as error:
            LOG.error('Back end %s cannot be used: %s. %s', self.host, error,
                      error.remedy)
            return False
        except db_exception.DBError:
            LOG.exception('Back end %s cannot be used: no database',
                          self.host)
            return False
        self.driver.set_initialized()
        self._rpc.start()
        self._heartbeat.start()
        self._worker.start()
        self._serving = True
        return True

    def _ensure_exports(self, context: contexts.RequestContext) -> None:
        with self._database.read() as tx:
            connected = db_volumes.connected(tx, self.host)
        for row in connected:
            try:
                self.driver.ensure_export(context, flows.as_volume(row))
            except exceptions.BlockstoreError as error:
                # One bad volume must not take all others with it.
                LOG.error('Clients cannot reach volume %s: %s. %s', row.id,
                          error, error.remedy)

    def _report(self) -> None:
        # Asked before the transaction: a driver holds locks of its own while
        # it writes its facts to the same database.
        capabilities = endpoint.abilities(self.driver)
        with self._database.write() as tx:
            db_services.report(
                tx, self.host, BINARY, topic=topics.volume(self.host),
                zone=(self.driver.conf.availability_zone
                      or self._conf.service.availability_zone),
                capabilities=capabilities, backend_state='up')
