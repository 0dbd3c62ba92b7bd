"""The client of the scheduler service."""

from blockstore import context as blockstore_context
from blockstore.rpc import client
from blockstore.rpc import topics


class SchedulerClient(client.Client):
    """Speaks to the schedulers; any of them may answer.

    Version history:

    * 1.0 - operation_due
    """

    def operation_due(self, context: blockstore_context.RequestContext,
                      operation_id: str) -> None:
        """Tell that an operation waits for a place; may be lost."""
        self.ring(context, topics.SCHEDULER, operation_id)
