"""The volume driver interface: a small base and declared capabilities.

Method names and argument forms are the ones that Cinder driver authors know.
What every driver guarantees (the conformance suite in
``tests/contract/volume_driver.py`` checks it, also under faults):

* **Any call may come twice.**  Object names are made from ids, so "exists and
  matches" is success on create and "is gone" is success on delete.
* A call that raised left either nothing or the whole effect, and may be
  repeated.
* No access to the database; facts that the driver must keep go through its
  :class:`Book`.  No thread of the caller waits for the guest.
* Sizes in arguments are GiB (``volume.size``, ``snapshot.volume_size``), as in
  the API; extents and connections count bytes.

A capability is a protocol in this module.  A driver *declares* it by naming
it as a base class; ``capabilities(driver)`` lists what it has.
"""

from collections.abc import Iterable
from collections.abc import Iterator
import typing

from blockstore import exceptions
from blockstore.volume.connections.base import Extent
from blockstore.volume.drivers import manageable
from blockstore.volume.drivers import shapes

# Drivers and their callers find all names here.
BackendObject = shapes.BackendObject
Book = shapes.Book
ConnectionInfo = shapes.ConnectionInfo
Connector = shapes.Connector
Document = shapes.Document
Snapshot = shapes.Snapshot
Updates = shapes.Updates
Volume = shapes.Volume


class Driver(manageable.Manageables):
    """Base of every volume driver.

    :param conf: the option group of this back end (attributes are options).
    :param host: the service's host, ``host@backend``.
    :param book: where the driver keeps its facts.
    """

    VERSION = '1.0.0'
    VENDOR = 'blockstore'
    PROTOCOL = 'unknown'
    #: Whether several hosts may serve one back end: the driver keeps nothing
    #: but in its book and on the storage, and calls from different processes
    #: do not get in each other's way.
    SHAREABLE = False
    #: Options, registered for the section of each back end that uses it.
    OPTS: typing.ClassVar[list[typing.Any]] = []
    #: Of a wrapper: the driver that it hands calls to.
    driver: 'Driver | None' = None

    def __init__(self, conf: typing.Any, host: str, book: Book) -> None:
        self.conf = conf
        self.host = host
        self.book = book
        self.initialized = False

    @classmethod
    def class_for(cls, conf: typing.Any) -> 'type[Driver]':
        """Return the class whose capabilities fit a back end's options."""
        return cls

    # Set-up.

    def do_setup(self, context: typing.Any) -> None:
        """Prepare and recover: finish or back out whatever was cut off."""

    def check_for_setup_error(self) -> None:
        """Raise DriverError, with a remedy, when the back end cannot work."""

    def set_initialized(self) -> None:
        """Note that set-up is done."""
        self.initialized = True

    def get_version(self) -> str:
        """Return the driver's version."""
        return self.VERSION

    def close(self) -> None:
        """Stop helpers of this process; what clients use goes on."""

    def get_volume_stats(self, refresh: bool = False) -> dict[str, typing.Any]:
        """Return capacity and abilities, by the field's usual keys.

        At least: volume_backend_name, vendor_name, driver_version,
        storage_protocol, total_capacity_gb, free_capacity_gb (numbers),
        provisioned_capacity_gb, reserved_percentage,
        max_over_subscription_ratio, thin_provisioning_support, multiattach,
        online_extend_support.
        """
        raise Unimplemented(self, 'get_volume_stats')

    # Volumes and snapshots.

    def create_volume(self, volume: Volume) -> Updates | None:
        """Make an empty volume that reads as zeros; return row updates."""
        raise Unimplemented(self, 'create_volume')

    def delete_volume(self, volume: Volume) -> None:
        """Remove a volume; raises VolumeIsBusy when the back end refuses."""
        raise Unimplemented(self, 'delete_volume')

    def extend_volume(self, volume: Volume, new_size: int) -> None:
        """Grow a volume to ``new_size`` GiB; the new part reads as zeros."""
        raise Unimplemented(self, 'extend_volume')

    def create_snapshot(self, snapshot: Snapshot) -> Updates | None:
        """Freeze the volume's bytes at one moment; writers go on."""
        raise Unimplemented(self, 'create_snapshot')

    def delete_snapshot(self, snapshot: Snapshot) -> None:
        """Remove a snapshot; raises SnapshotIsBusy when refused."""
        raise Unimplemented(self, 'delete_snapshot')

    def create_volume_from_snapshot(self, volume: Volume, snapshot: Snapshot,
                                    ) -> Updates | None:
        """Make a volume (of ``volume.size``) with a snapshot's bytes."""
        raise Unimplemented(self, 'create_volume_from_snapshot')

    def create_cloned_volume(self, volume: Volume, src_vref: Volume,
                             ) -> Updates | None:
        """Make a volume with another volume's bytes at one moment."""
        raise Unimplemented(self, 'create_cloned_volume')

    # Data path.

    def validate_connector(self, connector: Connector) -> None:
        """Raise InvalidConnector when the connector cannot be served."""

    def ensure_export(self, context: typing.Any, volume: Volume) -> None:
        """Make an export that must exist exist again (service start)."""

    def create_export(self, context: typing.Any, volume: Volume,
                      connector: Connector | None = None) -> Updates | None:
        """Prepare a volume for connections."""
        return None

    def remove_export(self, context: typing.Any, volume: Volume) -> None:
        """Undo create_export; gone is success."""

    def initialize_connection(self, volume: Volume, connector: Connector,
                              ) -> ConnectionInfo:
        """Open a way in; the answer is what a client connects with.

        The connector's ``attachment_id`` (or, without one, ``host``)
        identifies the connection: the same one again gets the same answer.
        ``{'mode': 'ro', 'purpose': 'backup'}`` asks for a read-only way in
        whose bytes stay those of this moment if the driver is
        :class:`StableReads`.
        """
        raise Unimplemented(self, 'initialize_connection')

    def terminate_connection(self, volume: Volume,
                             connector: Connector | None,
                             **kwargs: typing.Any) -> None:
        """Close a connection (None: all of the volume's); gone is success."""
        raise Unimplemented(self, 'terminate_connection')

    def _attach_snapshot(self, context: typing.Any, snapshot: Snapshot,
                         properties: Connector, remote: bool = False,
                         ) -> ConnectionInfo:
        """Export a snapshot and open a way in (R-121).

        ``remote`` is accepted for the specification's sake: both ways run
        through the service that owns the back end.
        """
        driver = require(self, AttachesSnapshots)
        driver.create_export_snapshot(context, snapshot, properties)
        return driver.initialize_connection_snapshot(snapshot, properties)

    def _detach_snapshot(self, context: typing.Any,
                         attach_info: ConnectionInfo | None,
                         snapshot: Snapshot, properties: Connector,
                         force: bool = False, remote: bool = False) -> None:
        """Close the way in and remove the snapshot's export (R-122)."""
        driver = require(self, AttachesSnapshots)
        driver.terminate_connection_snapshot(snapshot, properties, force=force)
        driver.remove_export_snapshot(context, snapshot)

    # Backup.

    def backup_use_temp_snapshot(self) -> bool:
        """Tell whether a volume in use is backed up through a snapshot.

        The option of the same name can switch it off.
        """
        wanted = getattr(self.conf, 'backup_use_temp_snapshot', None)
        return wanted is not False and has(self, AttachesSnapshots)


@typing.runtime_checkable
class AttachesSnapshots(typing.Protocol):
    """Snapshots can be connected to and read (R-106, R-121, R-122)."""

    def create_export_snapshot(self, context: typing.Any, snapshot: Snapshot,
                               connector: Connector | None = None,
                               ) -> Updates | None:
        """Prepare a snapshot for connections."""

    def remove_export_snapshot(self, context: typing.Any, snapshot: Snapshot,
                               ) -> None:
        """Undo create_export_snapshot; gone is success."""

    def initialize_connection_snapshot(self, snapshot: Snapshot,
                                       properties: Connector,
                                       **kwargs: typing.Any) -> ConnectionInfo:
        """Open a read-only way in."""

    def terminate_connection_snapshot(self, snapshot: Snapshot,
                                      properties: Connector | None,
                                      **kwargs: typing.Any) -> None:
        """Close it; gone is success."""


@typing.runtime_checkable
class ExtendsOnline(typing.Protocol):
    """``extend_volume`` works while the volume is attached.

    A client's connection may break for a moment; opened again from the same
    connection information it has the new size.
    """

    extends_online: typing.Literal[True]


@typing.runtime_checkable
class MultiAttaches(typing.Protocol):
    """A volume may have several read-write connections at a time."""

    multi_attaches: typing.Literal[True]


@typing.runtime_checkable
class StableReads(typing.Protocol):
    """A backup connection keeps reading the bytes of its first moment.

    Therefore the volume may be attached, written and extended while it is
    read directly, without a temporary snapshot.
    """

    stable_reads: typing.Literal[True]


@typing.runtime_checkable
class Reverts(typing.Protocol):
    """A detached volume can go back to a snapshot in place."""

    def revert_to_snapshot(self, context: typing.Any, volume: Volume,
                           snapshot: Snapshot) -> None:
        """Give the volume the snapshot's bytes (and at least its size)."""


@typing.runtime_checkable
class AllocatedExtents(typing.Protocol):
    """The driver can tell which parts of a snapshot hold data."""

    def allocated_extents(self, snapshot: Snapshot, offset: int, length: int,
                          ) -> Iterator[Extent]:
        """Yield what is allocated in a run, ascending; the rest is zeros."""


@typing.runtime_checkable
class ChangedExtents(typing.Protocol):
    """The driver can tell what changed between two snapshots of a volume."""

    def changed_extents(self, snapshot: Snapshot, base: Snapshot,
                        offset: int, length: int) -> Iterator[Extent]:
        """Yield what may differ from an older snapshot, ascending.

        Never misses a changed byte; may report unchanged ones.  Raises
        Unsupported when the base can no longer be compared with.
        """


@typing.runtime_checkable
class ManagesVolumes(typing.Protocol):
    """Volumes that stand on the back end can be taken over and let go.

    The methods are in the base: ``manage_existing``,
    ``manage_existing_get_size``, ``unmanage``, ``get_manageable_volumes``.
    """

    manages_volumes: typing.Literal[True]


@typing.runtime_checkable
class ManagesSnapshots(typing.Protocol):
    """Snapshots of its volumes can be taken over and let go (R-024).

    The methods are in the base: ``manage_existing_snapshot``,
    ``manage_existing_snapshot_get_size``, ``unmanage_snapshot``,
    ``get_manageable_snapshots``.
    """

    manages_snapshots: typing.Literal[True]


@typing.runtime_checkable
class ListsObjects(typing.Protocol):
    """The driver can list what it made, to find orphans."""

    def list_objects(self) -> Iterable[BackendObject]:
        """Return everything this driver made on its back end."""


CAPABILITIES: dict[str, type] = {
    'allocated_extents': AllocatedExtents,
    'attaches_snapshots': AttachesSnapshots,
    'changed_extents': ChangedExtents,
    'extends_online': ExtendsOnline,
    'lists_objects': ListsObjects,
    'manages_snapshots': ManagesSnapshots,
    'manages_volumes': ManagesVolumes,
    'multi_attaches': MultiAttaches,
    'reverts': Reverts,
    'stable_reads': StableReads,
}

_C = typing.TypeVar('_C')


def capabilities(driver: Driver) -> list[str]:
    """List the names of the capabilities that a driver declares."""
    return [name for name, protocol in CAPABILITIES.items()
            if has(driver, protocol)]


def innermost(driver: Driver) -> Driver:
    """Return the driver inside of its wrappers."""
    while driver.driver is not None:
        driver = driver.driver
    return driver


def has(driver: Driver, capability: type[_C]) -> typing.TypeGuard[_C]:
    """Tell whether a driver, wrapped or not, declares a capability."""
    return capability in type(innermost(driver)).__mro__


def require(driver: Driver, capability: type[_C]) -> _C:
    """Return the driver as the capability, or raise Unsupported."""
    if not has(driver, capability):
        raise exceptions.Unsupported(
            f'the driver of {driver.host} does not declare '
            f'{capability.__name__}',
            remedy='use a back end that has it: GET /capabilities lists them')
    return driver


class Unimplemented(RuntimeError):
    """Raised when a driver class leaves out a method of the base."""

    def __init__(self, driver: Driver, method: str) -> None:
        super().__init__(f'{type(driver).__name__} lacks {method}()')
