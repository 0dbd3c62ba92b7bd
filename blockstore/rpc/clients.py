"""All clients together, and the start of an operation with its doorbell."""

from collections.abc import Mapping
import typing

from oslo_config import cfg

from blockstore.context import RequestContext
from blockstore.db.engine import Transaction
from blockstore.lifecycle import operations
from blockstore.rpc.backup import BackupClient
from blockstore.rpc.scheduler import SchedulerClient
from blockstore.rpc.volume import VolumeClient


class Clients:
    """The RPC clients of one process.

    :param transport: from :func:`blockstore.rpc.transport.get_transport`.
    """

    def __init__(self, transport: typing.Any, conf: cfg.ConfigOpts) -> None:
        self.scheduler = SchedulerClient(transport, conf)
        self.volume = VolumeClient(transport, conf)
        self.backup = BackupClient(transport, conf)

    def launch(self, tx: Transaction, context: RequestContext, kind: str,
               resource_id: str, *, topic: str, host: str | None,
               project_id: str,
               arguments: Mapping[str, typing.Any] | None = None,
               parent_id: str | None = None) -> str:
        """Start an operation, and ring for it once it is durable."""
        operation_id = operations.start(
            tx, context, kind, resource_id, topic=topic, host=host,
            project_id=project_id, arguments=arguments, parent_id=parent_id)
        tx.after_commit(
            lambda: self.ring(context, topic, host, operation_id))
        return operation_id

    def ring(self, context: RequestContext, topic: str, host: str | None,
             operation_id: str) -> None:
        """Tell those who may do an operation that it is due."""
        if topic == 'volume' and host is not None:
            self.volume.operation_due(context, host, operation_id)
        elif topic == 'backup':
            self.backup.operation_due(context, operation_id)
        else:
            self.scheduler.operation_due(context, operation_id)
