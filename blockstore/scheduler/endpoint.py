"""What other services may ask of a scheduler by RPC."""

from collections.abc import Callable

import oslo_messaging as messaging

from blockstore.context import RequestContext


class SchedulerEndpoint:
    """The methods of RPC version 1.0; see ``blockstore.rpc.scheduler``."""

    target = messaging.Target(version='1.0')

    def __init__(self, ring: Callable[[str], None]) -> None:
        self._ring = ring

    def operation_due(self, context: RequestContext, operation_id: str,
                      ) -> None:
        """Look at an operation now."""
        self._ring(operation_id)
