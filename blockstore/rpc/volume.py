"""The client of the volume services, one topic for each back end."""

from collections.abc import Callable
from typing import Any

from blockstore import context as blockstore_context
from blockstore.rpc import client
from blockstore.rpc import topics
from blockstore.rpc.methods import volume as methods

Connector = dict[str, Any]
Context = blockstore_context.RequestContext


class VolumeClient(client.Client):
    """Speaks to the volume service of one back end.

    Every method takes ``host`` (``host@backend`` or ``host@backend#pool``)
    second; the endpoint's methods take the same arguments without it.

    Version history:

    * 1.0 - operation_due, initialize_connection, terminate_connection,
      initialize_connection_snapshot, terminate_connection_snapshot,
      get_extents, get_capabilities
    * 1.1 - run_operation, create_volume, delete_volume, extend_volume,
      revert_to_snapshot, get_volume, create_snapshot, delete_snapshot,
      get_snapshot, get_operation, wait_operation, get_versions
    * 1.2 - create_attachment, update_attachment, complete_attachment,
      delete_attachment, get_attachment
    * 1.3 - get_manageable_volumes, get_manageable_snapshots,
      measure_volume, measure_snapshot, manage_volume, unmanage_volume,
      manage_snapshot, unmanage_snapshot
    """

    SERVICE = 'volume'
    METHODS = methods.METHODS
    #: What does the operations of a host in this very process.
    _here: tuple[str, Callable[[str], None]] = ('', lambda operation_id: None)

    def answer_here(self, host: str, run: Callable[[str], None]) -> None:
        """Do what is asked of a host in the caller's own thread.

        A thread that answers calls must not wait for another one to do so.

        :param run: does an operation by its id, and returns at its end.
        """
        self._here = (host, run)

    def operation_due(self, context: Context, host: str,
                      operation_id: str) -> None:
        """Tell a back end that an operation is due; may be lost."""
        self.ring(context, topics.volume(host), operation_id)

    def run_operation(self, context: Context, host: str,
                      operation_id: str) -> None:
        """Let a back end do an operation now, and wait for its end.

        How it ended stands in the operation's row.
        """
        here, run = self._here
        if host == here:
            run(operation_id)
            return
        self._long_call(context, host, 'run_operation',
                        operation_id=operation_id)

    def initialize_connection(self, context: Context, host: str,
                              volume_id: str,
                              connector: Connector) -> dict[str, Any]:
        """Make a volume reachable for a connector.

        :returns: the connection information, ``driver_volume_type`` and
            ``data``.
        """
        info: dict[str, Any] = self._long_call(
            context, host, 'initialize_connection', volume_id=volume_id,
            connector=connector)
        return info

    def terminate_connection(self, context: Context, host: str,
                             volume_id: str, connector: Connector | None,
                             force: bool = False) -> None:
        """Take a connector's way to a volume down; None: all of them."""
        self._long_call(context, host, 'terminate_connection',
                        volume_id=volume_id, connector=connector,
                        force=force)

    def initialize_connection_snapshot(
            self, context: Context, host: str, snapshot_id: str,
            connector: Connector) -> dict[str, Any]:
        """Make a snapshot reachable, read-only, for a connector (R-121)."""
        info: dict[str, Any] = self._long_call(
            context, host, 'initialize_connection_snapshot',
            snapshot_id=snapshot_id, connector=connector)
        return info

    def terminate_connection_snapshot(
            self, context: Context, host: str, snapshot_id: str,
            connector: Connector, force: bool = False) -> None:
        """Take a connector's way to a snapshot down (R-121)."""
        self._long_call(context, host, 'terminate_connection_snapshot',
                        snapshot_id=snapshot_id, connector=connector,
                        force=force)

    def get_extents(self, context: Context, host: str, snapshot_id: str,
                    base_snapshot_id: str | None, offset: int, length: int
                    ) -> list[tuple[int, int, bool]]:
        """List the parts of a snapshot that hold or may hold data.

        :param base_snapshot_id: list only what changed since this older
            snapshot of the same volume; None lists what is allocated.
        :param offset: where to begin, in bytes.
        :param length: how much to look at, in bytes.
        :returns: offset and length in bytes, and whether it reads as zeros.
        """
        extents = self._long_call(
            context, host, 'get_extents', snapshot_id=snapshot_id,
            base_snapshot_id=base_snapshot_id, offset=offset, length=length)
        return [(start, size, zero) for start, size, zero in extents]

    def get_capabilities(self, context: Context,
                         host: str) -> dict[str, Any]:
        """Give a back end's stats and the list of its ``capabilities``."""
        answer: dict[str, Any] = self.call(
            context, topics.volume(host), 'get_capabilities',
            timeout=self._conf.rpc.call_timeout)
        return answer

    def get_manageable(self, context: Context, host: str, noun: str,
                       **page: Any) -> list[dict[str, Any]]:
        """List the ``volumes`` or ``snapshots`` that stand on a back end.

        :param page: marker, limit, offset, sort_keys, sort_dirs.
        """
        answer: list[dict[str, Any]] = self._long_call(
            context, host, f'get_manageable_{noun}', **page)
        return answer

    def measure_volume(self, context: Context, host: str,
                       reference: Any) -> int:
        """Tell the size in GiB of what could be taken over."""
        return int(self._long_call(context, host, 'measure_volume',
                                   reference=reference))

    def measure_snapshot(self, context: Context, host: str, volume_id: str,
                         reference: Any) -> int:
        """Tell the size in GiB of what could be taken over."""
        return int(self._long_call(context, host, 'measure_snapshot',
                                   volume_id=volume_id, reference=reference))

    def _long_call(self, context: Context, host: str, method: str,
                   **arguments: Any) -> Any:
        return self.call(context, topics.volume(host), method,
                         timeout=self._conf.rpc.long_call_timeout, **arguments)
