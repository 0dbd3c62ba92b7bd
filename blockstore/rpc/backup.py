"""The client of the backup service."""

from blockstore import context as blockstore_context
from blockstore.rpc import client
from blockstore.rpc import topics
from blockstore.rpc.methods import backup as methods


class BackupClient(client.Client):
    """Speaks to the backup services; any of them may answer.

    Version history:

    * 1.0 - operation_due
    * 1.1 - create_backup, restore_backup, delete_backup, get_backup,
      get_operation, wait_operation, get_versions
    """

    SERVICE = 'backup'
    METHODS = methods.METHODS

    def operation_due(self, context: blockstore_context.RequestContext,
                      operation_id: str) -> None:
        """Tell that a backup operation is due; may be lost."""
        self.ring(context, topics.BACKUP, operation_id)
