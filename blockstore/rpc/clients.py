"""All clients together, and the start of an operation with its doorbell.

Through them a use case reaches everybody else: the services that do the work,
and the listener that wants to know what happens.
"""

from collections.abc import Mapping
import typing

from oslo_config import cfg

from blockstore.context import RequestContext
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction
from blockstore.lifecycle import events
from blockstore.lifecycle import operations
from blockstore.rpc.backup import BackupClient
from blockstore.rpc.pins import Pins
from blockstore.rpc.scheduler import SchedulerClient
from blockstore.rpc.volume import VolumeClient


class Clients:
    """The RPC clients of one process.

    :param transport: from :func:`blockstore.rpc.transport.get_transport`.
    :param database: where the services report which versions they speak.
    :param listener: is told what this process changes by itself.
    """

    def __init__(self, transport: typing.Any, conf: cfg.ConfigOpts,
                 database: Database | None = None,
                 listener: events.Listener = events.SILENCE) -> None:
        pins = Pins(conf, database)
        self.listener = listener
        self.scheduler = SchedulerClient(transport, conf, pins)
        self.volume = VolumeClient(transport, conf, pins)
        self.backup = BackupClient(transport, conf, pins)

    def launch(self, tx: Transaction, context: RequestContext, kind: str,
               resource_id: str, *, topic: str, host: str | None,
               project_id: str,
               arguments: Mapping[str, typing.Any] | None = None,
               parent_id: str | None = None,
               key: operations.Key | None = None) -> str:
        """Start an operation, and ring for it once it is durable."""
        operation_id = operations.start(
            tx, context, kind, resource_id, topic=topic, host=host,
            project_id=project_id, arguments=arguments, parent_id=parent_id,
            key=key)
        tx.after_commit(
            lambda: self.ring(context, topic, host, operation_id))
        return operation_id

    def tell(self, tx: Transaction, context: RequestContext, type_: str,
             noun: str, id_: str, **details: typing.Any) -> None:
        """Tell what a transaction changes that no operation does."""
        self.listener.tell(tx, events.Event(type_, noun, id_, context,
                                            details=details))

    def tell_both(self, tx: Transaction, context: RequestContext, type_: str,
                  noun: str, id_: str, **details: typing.Any) -> None:
        """Tell a change that takes no time as its start and its end."""
        for phase in (events.START, events.END):
            self.tell(tx, context, f'{type_}.{phase}', noun, id_, **details)

    def ring(self, context: RequestContext, topic: str, host: str | None,
             operation_id: str) -> None:
        """Tell those who may do an operation that it is due."""
        if topic == 'volume' and host is not None:
            self.volume.operation_due(context, host, operation_id)
        elif topic == 'backup':
            self.backup.operation_due(context, operation_id)
        else:
            self.scheduler.operation_due(context, operation_id)
