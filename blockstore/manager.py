"""What every manager is: one worker with an identity, a voice and a pulse.

A manager serves one topic for one host.  It holds an identity (only one
process has it), runs due operations (worker), answers other services (RPC),
reports that it is alive (heartbeat) and does chores.  The managers of
volumes, backups and placement differ in their handlers, their endpoint, their
chores and in what they report, and in nothing else:

>>> class BackupManager(manager.Manager):
...     name = 'backup'
...     binary = services.BACKUP
...
...     def __init__(self, conf, database, transport):
...         super().__init__(conf, database, conf.service.host, HANDLERS)
...         self.listen(transport, topics.BACKUP,
...                     BackupEndpoint(self.worker.ring))

It starts from below (identity, RPC, heartbeat, worker, chores) and stops from
above.  Between the two it is *ready*: whatever is asked of it, it does.
"""

from collections.abc import Mapping
from collections.abc import Sequence
import typing

from oslo_config import cfg

from blockstore.db import retry
from blockstore.db import services as db_services
from blockstore.db.engine import Database
from blockstore.lifecycle.attempts import Handler
from blockstore.lifecycle.identity import Identity
from blockstore.lifecycle.worker import Limits
from blockstore.lifecycle.worker import Worker
from blockstore.monitoring import checks
from blockstore.rpc import server
from blockstore.rpc import versions
from blockstore.service import base
from blockstore.service.heartbeat import Heartbeat


class Facts(typing.TypedDict, total=False):
    """What a report may say besides that the service is alive."""

    zone: str
    capabilities: Mapping[str, typing.Any]
    backend_state: str


class Manager(base.Service):
    """Serves one topic for one host; see the module.

    :param host: whose operations it takes, and its name in the services.
    :param handlers: operation kind to handler.
    :param chores: services that live as long as the manager serves, such as
        periodic tasks.
    :param limits: how many operations of a kind run at a time.
    """

    #: The topic of its operations, and its name for the log.
    name: str
    #: The name of its row in the services.
    binary: str

    def __init__(self, conf: cfg.ConfigOpts, database: Database, host: str,
                 handlers: Mapping[str, Handler],
                 chores: tuple[base.Service, ...] = (),
                 limits: Limits | None = None) -> None:
        self.host = host
        self.conf = conf
        self.database = database
        self.identity = Identity(conf, self.name, host)
        self.worker = Worker(conf, database, topic=self.name, hosts=(host,),
                             owner=self.identity.owner, handlers=handlers,
                             limits=limits, limit=self.limit)
        self.heartbeat = Heartbeat(self.report, conf)
        self.chores = chores
        self._topic = self.name
        self._transport: typing.Any = None
        self._rpc: server.Server | None = None
        self._running: list[base.Service] = []
        self._serving = False

    def listen(self, transport: typing.Any, topic: str,
               *endpoints: object) -> None:
        """Have other services answered by endpoints, once it serves."""
        self._topic = topic
        self._transport = transport
        self._rpc = server.Server(transport, self.conf)
        self._rpc.add(topic, *endpoints)

    def start(self) -> None:
        """Become the only one of this name, and take work."""
        self.identity.take(self.database)
        self.serve()

    def serve(self) -> None:
        """Take work from now on."""
        # Known before the first request can come, not a moment later.
        self.report()
        for part in self._parts():
            part.start()
            self._running.append(part)
        self._serving = True

    def stop(self, deadline: float) -> None:
        """Take nothing more; hand over or end what is under way."""
        self._serving = False
        while self._running:
            self._running.pop().stop(deadline)
        self.close()
        self.identity.leave()

    def close(self) -> None:
        """Give back what the manager holds; nothing works on it any more."""

    def ready(self) -> bool:
        """Tell whether it takes work."""
        return self._serving

    def checks(self) -> Mapping[str, base.Check]:
        """Return what its database and its broker have to answer."""
        return checks.of(self.conf, self.database, self._transport)

    def describe(self) -> Mapping[str, Sequence[str]]:
        """Tell what is worked on."""
        return self.worker.describe()

    def healthy(self) -> bool:
        """Tell whether work is still looked for, if it ever was.

        What keeps a manager from serving is not mended by ending it.
        """
        return self.worker not in self._running or self.worker.healthy()

    @retry.whole
    def report(self) -> None:
        """Tell the others that this service is alive, and what it can."""
        # Asked before the transaction: a driver holds locks of its own while
        # it writes its facts to the same database.
        facts: Facts = {'zone': self.conf.service.availability_zone,
                        **self.facts()}
        with self.database.write() as tx:
            db_services.report(
                tx, self.host, self.binary, topic=self._topic,
                rpc_version=versions.RPC[self.name],
                object_version=versions.OBJECTS, **facts)

    def limit(self) -> int | None:
        """Return how many operations it may run at a time; None: any."""
        return None

    def facts(self) -> Facts:
        """Return what reports say of this manager besides its name."""
        return {}

    def _parts(self) -> list[base.Service]:
        """Return the parts in the order of their start."""
        listening = [self._rpc] if self._rpc is not None else []
        return [*listening, self.heartbeat, self.worker, *self.chores]
