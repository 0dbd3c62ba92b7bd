"""The volume manager: serves one back end by its driver.

It only puts the parts together; operations are done by the handlers in
``volume/flows``.  A driver that cannot be set up does not stop the daemon:
it is not ready, does not report itself, takes nothing up, and tries again.
"""

from collections.abc import Mapping
from collections.abc import Sequence
import threading
import typing

from oslo_config import cfg
from oslo_db import exception as db_exception
from oslo_log import log as logging

from blockstore import context as contexts
from blockstore import exceptions
from blockstore import manager
from blockstore.db import documents
from blockstore.db import services as db_services
from blockstore.db import volumes as db_volumes
from blockstore.db.engine import Database
from blockstore.lifecycle.attempts import Handler
from blockstore.rpc import topics
from blockstore.service import base
from blockstore.volume import endpoint
from blockstore.volume import manageable
from blockstore.volume.drivers import base as drivers
from blockstore.volume.drivers import guarded
from blockstore.volume.drivers import loader
from blockstore.volume.flows import attachments
from blockstore.volume.flows import base as flows
from blockstore.volume.flows import connections
from blockstore.volume.flows import manage
from blockstore.volume.flows import mending
from blockstore.volume.flows import nouns
from blockstore.volume.flows import older
from blockstore.volume.flows import snapshots
from blockstore.volume.flows import volumes

LOG = logging.getLogger(__name__)
SETUP_RETRY = 5.0


class VolumeManager(manager.Manager):
    """Serves one back end.

    :param backend: the name of its option group.
    :param endpoints: what answers other services besides its own.
    """

    name = 'volume'
    binary = db_services.VOLUME

    def __init__(self, conf: cfg.ConfigOpts, database: Database,
                 transport: typing.Any, backend: str,
                 *endpoints: object) -> None:
        host = loader.host_of(conf, backend)
        self.driver = guarded.GuardedDriver(loader.load(
            conf, backend, host, documents.DatabaseBook(database, host)))
        super().__init__(conf, database, host,
                         _handlers(conf, database, self.driver))
        self.listen(
            transport, topics.volume(host),
            endpoint.VolumeEndpoint(
                database, self.driver, self.worker.ring, self.run_now),
            manageable.ManageableEndpoint(database, self.driver), *endpoints)
        self._stopping = threading.Event()
        self._setup = threading.Thread(
            target=self._set_up_later, name='volume-setup', daemon=True)

    def run_now(self, operation_id: str) -> None:
        """Do an operation in the caller's thread; see the worker."""
        self.worker.run_now(operation_id, self.conf.rpc.long_call_timeout)

    def start(self) -> None:
        """Set the driver up, now or as soon as it can be, and serve."""
        self.identity.take(self.database)
        if not self._set_up():
            self._setup.start()

    def stop(self, deadline: float) -> None:
        """Take nothing more and let the work in flight end."""
        self._stopping.set()
        if self._setup.is_alive():
            self._setup.join(base.remaining(deadline))
        super().stop(deadline)

    def close(self) -> None:
        """Let go of the back end; what it serves to clients goes on."""
        self.driver.close()

    def limit(self) -> int | None:
        """Return how many operations the back end does at a time."""
        limit: int | None = self.driver.conf.max_operations
        return limit

    def facts(self) -> manager.Facts:
        """Return what the driver says that it can."""
        return {'zone': (self.driver.conf.availability_zone
                         or self.conf.service.availability_zone),
                'capabilities': endpoint.abilities(self.driver),
                'backend_state': 'up'}

    def checks(self) -> Mapping[str, base.Check]:
        """Return what the driver, too, has to answer."""
        backend = self.host.partition('@')[2]
        return {**super().checks(), f'driver {backend}': self._check_driver}

    def describe(self) -> Mapping[str, Sequence[str]]:
        """Tell of the driver, too."""
        inner = drivers.innermost(self.driver)
        state = 'set up' if self.driver.initialized else 'not set up'
        return {**super().describe(), 'Drivers': [
            f'{self.host}: {type(inner).__name__} '
            f'{self.driver.get_version()}, {state}, can '
            + ', '.join(sorted(drivers.capabilities(self.driver)))]}

    def _check_driver(self) -> None:
        if not self.driver.initialized:
            raise exceptions.Unavailable(
                f'back end {self.host} is not set up')

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
            self.driver.set_initialized()
            self.serve()
        except exceptions.BlockstoreError as error:
            LOG.error('Back end %s cannot be used: %s. %s', self.host, error,
                      error.remedy)
            return False
        except db_exception.DBError:
            LOG.exception('Back end %s cannot be used: no database',
                          self.host)
            return False
        return True

    def _ensure_exports(self, context: contexts.RequestContext) -> None:
        with self.database.read() as tx:
            connected = db_volumes.connected(tx, self.host)
        for row in connected:
            try:
                self.driver.ensure_export(context, flows.as_volume(row))
            except exceptions.BlockstoreError as error:
                # One bad volume must not take all others with it.
                LOG.error('Clients cannot reach volume %s: %s. %s', row.id,
                          error, error.remedy)


def _handlers(conf: cfg.ConfigOpts, database: Database,
              driver: drivers.Driver) -> dict[str, Handler]:
    parts = (database, driver)
    handlers: dict[str, Handler] = {
        'volume.create': volumes.Create(*parts),
        'volume.delete': volumes.Delete(*parts),
        'volume.extend': volumes.Extend(*parts),
        'volume.revert': volumes.Revert(*parts),
        'volume.mend': mending.Volume(*parts),
        'attachment.connect': attachments.Connect(*parts),
        'attachment.disconnect': attachments.Disconnect(*parts),
        'attachment.mend': mending.Attachment(*parts),
        'connection.open': older.Open(*parts),
        'connection.close': older.Close(*parts),
        'connection.mend': mending.Connection(*parts),
        'volume.disconnect': connections.DisconnectVolume(*parts),
        'snapshot.disconnect': connections.DisconnectSnapshot(*parts),
        'snapshot.create': snapshots.Create(*parts),
        'snapshot.delete': snapshots.Delete(*parts),
        'snapshot.mend': mending.Snapshot(*parts)}
    for noun in (nouns.VOLUME, nouns.SNAPSHOT):
        for verb, handler in (('manage', manage.Manage),
                              ('release', manage.Release),
                              ('unmanage', manage.Unmanage)):
            handlers[f'{noun.name}.{verb}'] = handler(
                database, driver, conf, noun)
    return handlers
