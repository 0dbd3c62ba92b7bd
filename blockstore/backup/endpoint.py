"""What other services may ask of a backup service by RPC."""

from collections.abc import Callable

import oslo_messaging as messaging

from blockstore.context import RequestContext
from blockstore.rpc import versions
from blockstore.rpc.methods import backup as methods


class BackupEndpoint:
    """What the daemons themselves use; see ``rpc.methods``."""

    target = messaging.Target(version=versions.RPC['backup'])
    METHODS = methods.METHODS

    def __init__(self, ring: Callable[[str], None]) -> None:
        self._ring = ring

    def operation_due(self, context: RequestContext, operation_id: str,
                      ) -> None:
        """Look at an operation now."""
        self._ring(operation_id)
