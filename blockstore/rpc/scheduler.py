"""The client of the scheduler service."""

from blockstore import context as blockstore_context
from blockstore.rpc import client
from blockstore.rpc import topics
from blockstore.rpc.methods import scheduler as methods


class SchedulerClient(client.Client):
    """Speaks to the schedulers; any of them may answer.

    Version history:

    * 1.0 - operation_due
    * 1.1 - create_volume, get_pools, validate_host_capacity,
      get_operation, wait_operation, get_versions
    """

    SERVICE = 'scheduler'
    METHODS = methods.METHODS

    def operation_due(self, context: blockstore_context.RequestContext,
                      operation_id: str) -> None:
        """Tell that an operation waits for a place; may be lost."""
        self.ring(context, topics.SCHEDULER, operation_id)
