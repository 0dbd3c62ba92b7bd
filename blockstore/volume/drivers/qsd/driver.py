"""The volume driver ``qsd``: qcow2 files served over NBD, without root.

A volume is a chain of qcow2 files in one directory; while it is connected or
being worked on, a qemu-storage-daemon of its own serves it on a unix socket.
Snapshots, clones and backup connections freeze the top file and go on in a
new one, which takes some milliseconds under any load and stops nobody.

>>> driver = QsdDriver(conf, 'host@qsd', book)
>>> driver.do_setup(None)
>>> driver.create_volume(volume)
>>> driver.initialize_connection(volume, {'attachment_id': 'a'})

What was flushed survives the death of the daemon, of this service and of
both; see ``recovery``.  One driver object owns a directory and its book.
"""

from collections.abc import Iterable
from collections.abc import Iterator
import contextlib
import os
import shutil
import typing

from oslo_log import log as logging

from blockstore import exceptions
from blockstore.conf import qsd as options
from blockstore.volume.connections.base import Extent
from blockstore.volume.drivers import base
from blockstore.volume.drivers.qsd import collapser
from blockstore.volume.drivers.qsd import exports
from blockstore.volume.drivers.qsd import extents
from blockstore.volume.drivers.qsd import managing
from blockstore.volume.drivers.qsd import merges
from blockstore.volume.drivers.qsd import operations
from blockstore.volume.drivers.qsd import recovery
from blockstore.volume.drivers.qsd import settings
from blockstore.volume.drivers.qsd import tools
from blockstore.volume.drivers.qsd.backend import Backend
from blockstore.volume.drivers.qsd.listing import list_objects
from blockstore.volume.drivers.qsd.push import push

LOG = logging.getLogger(__name__)

GIB = 1 << 30


class QsdDriver(managing.Managing, base.AttachesSnapshots, base.ExtendsOnline,
                base.MultiAttaches, base.StableReads, base.Reverts,
                base.AllocatedExtents, base.ChangedExtents,
                base.ListsObjects):
    """Volumes as qcow2 chains, each served by its own storage daemon."""

    VERSION = '1.0.0'
    VENDOR = 'blockstore'
    PROTOCOL = 'nbd'
    OPTS: typing.ClassVar[list[typing.Any]] = options.OPTS

    extends_online: typing.Literal[True] = True
    multi_attaches: typing.Literal[True] = True
    stable_reads: typing.Literal[True] = True

    def __init__(self, conf: typing.Any, host: str, book: base.Book) -> None:
        super().__init__(conf, host, book)
        self._settings = settings.from_conf(conf, host)
        self._backend = Backend(self._settings, book)
        self._collapser = collapser.Collapser(self._backend)
        self._backend.later = self._collapser.add
        self._stats: dict[str, typing.Any] | None = None

    # Set-up.

    def do_setup(self, context: typing.Any) -> None:
        """Make the directories and every volume whole again.

        A volume that cannot be recovered is logged and refuses operations;
        the others work.
        """
        tools.prepare_directories(self._settings)
        recovery.recover_all(self._backend)

    def check_for_setup_error(self) -> None:
        """Raise DriverError, with a remedy, when the back end cannot work."""
        tools.check(self._settings)

    def close(self) -> None:
        """Stop merging and idle daemons; those with clients go on."""
        self._backend.closing = True
        self._collapser.close()
        for volume_id in self._backend.chain.volumes():
            with self._backend.lock(volume_id):
                self._backend.release(volume_id)
                self._backend.daemon(volume_id).forget()

    def wait_until_idle(self, timeout: float = 60.0) -> bool:
        """Wait for merges that were put off; False when time is up."""
        return self._collapser.wait_until_idle(timeout)

    def get_volume_stats(self, refresh: bool = False) -> dict[str, typing.Any]:
        """Return capacity and abilities (GiB)."""
        if refresh or self._stats is None:
            self._stats = self._new_stats()
        return self._stats

    def _new_stats(self) -> dict[str, typing.Any]:
        backend, limits = self._backend, self._settings
        disk = shutil.disk_usage(limits.directory)
        total, free = disk.total / GIB, disk.free / GIB
        if limits.capacity_gb:
            total = limits.capacity_gb
            used = backend.images.used_bytes() / GIB
            free = max(0.0, min(free, total - used))
        provisioned = sum(backend.chain.volume(volume_id)['size']
                          for volume_id in backend.chain.volumes()) / GIB
        return {
            'volume_backend_name': limits.backend_name,
            'vendor_name': self.VENDOR,
            'driver_version': self.VERSION,
            'storage_protocol': self.PROTOCOL,
            'total_capacity_gb': round(total, 2),
            'free_capacity_gb': round(free, 2),
            'provisioned_capacity_gb': round(provisioned, 2),
            'reserved_percentage': limits.reserved_percentage,
            'max_over_subscription_ratio': limits.over_subscription,
            'thin_provisioning_support': True,
            'thick_provisioning_support': False,
            'multiattach': True,
            'online_extend_support': True,
            'QoS_support': False,
        }

    def list_objects(self) -> Iterable[base.BackendObject]:
        """Return every file, export and process with its owner."""
        return list_objects(self._backend)

    # Volumes.

    def create_volume(self, volume: base.Volume) -> base.Updates | None:
        """Make an empty volume that reads as zeros."""
        with self._backend.lock(volume.id):
            operations.create(self._backend, volume.id, volume.size * GIB)
        return None

    def delete_volume(self, volume: base.Volume) -> None:
        """Remove a volume; raises VolumeIsBusy for snapshots or clients."""
        with self._ready(volume.id) as backend:
            if backend.chain.get('volume', volume.id) is not None:
                operations.delete(backend, volume.id)

    def extend_volume(self, volume: base.Volume, new_size: int) -> None:
        """Grow a volume to ``new_size`` GiB, also under its clients.

        Their connections break for some milliseconds; one that comes back
        finds the new size.
        """
        with self._ready(volume.id) as backend:
            operations.require_volume(backend, volume.id)
            operations.extend(backend, volume.id, new_size * GIB)

    def create_volume_from_snapshot(self, volume: base.Volume,
                                    snapshot: base.Snapshot,
                                    ) -> base.Updates | None:
        """Make a volume on top of a snapshot's layer (no data is copied)."""
        with self._snapshot_ready(snapshot) as (backend, facts):
            if volume.size * GIB < facts['size']:
                raise exceptions.DriverError(
                    f'{volume.size} GiB are too small for the snapshot')
            merges.interrupt(backend, facts['volume'])
            operations.create(
                backend, volume.id, volume.size * GIB, facts['layer'],
                backend.chain.family(facts['volume']))
        return None

    def create_cloned_volume(self, volume: base.Volume,
                             src_vref: base.Volume) -> base.Updates | None:
        """Make a volume on top of another's bytes of this moment."""
        with self._ready(src_vref.id) as backend:
            source = operations.require_volume(backend, src_vref.id)
            if volume.size * GIB < source['size']:
                raise exceptions.DriverError(
                    f'{volume.size} GiB are too small for the clone')
            layer = None
            recovery.ready(backend, volume.id)
            if backend.chain.get('volume', volume.id) is None:
                merges.interrupt(backend, src_vref.id)
                layer = push(backend, src_vref.id)
            operations.create(backend, volume.id, volume.size * GIB, layer,
                              source['family'])
        return None

    def revert_to_snapshot(self, context: typing.Any, volume: base.Volume,
                           snapshot: base.Snapshot) -> None:
        """Give a detached volume a snapshot's bytes; its size stays."""
        with self._snapshot_ready(snapshot) as (backend, facts):
            operations.require_volume(backend, volume.id)
            if facts['volume'] != volume.id:
                raise exceptions.DriverError(
                    f'snapshot {snapshot.id} is not of volume {volume.id}')
            operations.revert(backend, volume.id, facts)
        self._backend.later(volume.id)

    # Snapshots.

    @contextlib.contextmanager
    def _snapshot_ready(self, snapshot: base.Snapshot,
                        ) -> Iterator[tuple[Backend, base.Document]]:
        """Hold the lock of a snapshot's volume, which is whole."""
        with self._ready(snapshot.volume_id) as backend:
            yield backend, operations.require_snapshot(backend, snapshot.id)

    def create_snapshot(self, snapshot: base.Snapshot,
                        ) -> base.Updates | None:
        """Freeze the volume's bytes; writers wait a few milliseconds."""
        with self._ready(snapshot.volume_id) as backend:
            operations.require_volume(backend, snapshot.volume_id)
            if backend.chain.get('snapshot', snapshot.id) is None:
                merges.interrupt(backend, snapshot.volume_id)
                push(backend, snapshot.volume_id, snapshot=snapshot.id)
        return None

    def delete_snapshot(self, snapshot: base.Snapshot) -> None:
        """Remove a snapshot, also under clients, and merge its layer.

        When the merge fails (a full disk), the snapshot is gone and its
        space comes free later.

        :raises SnapshotIsBusy: while the snapshot itself is being read.
        """
        with self._ready(snapshot.volume_id) as backend:
            facts = backend.chain.get('snapshot', snapshot.id)
            if facts is not None and not facts.get('foreign'):
                operations.drop_snapshot(backend, snapshot.id, facts)
        try:
            merges.collapse(self._backend, snapshot.volume_id)
        except exceptions.DriverError as error:
            LOG.warning('Snapshot %s is deleted, its space comes free later: '
                        '%s', snapshot.id, error)
            self._backend.later(snapshot.volume_id)

    # Data path.

    def validate_connector(self, connector: base.Connector) -> None:
        """Raise InvalidConnector when the mode is not known."""
        exports.mode_of(connector)

    def ensure_export(self, context: typing.Any, volume: base.Volume) -> None:
        """Bring back what must be reachable.

        After a crash of the daemon, clients that may have lost writes stay
        disconnected (option ``qsd_on_crash``) until they ask again.
        """
        with self._ready(volume.id) as backend:
            operations.require_volume(backend, volume.id)
            recovery.restore_exports(backend, volume.id)

    def initialize_connection(self, volume: base.Volume,
                              connector: base.Connector,
                              ) -> base.ConnectionInfo:
        """Open a way in: an NBD export on a unix socket."""
        with self._ready(volume.id) as backend:
            operations.require_volume(backend, volume.id)
            return exports.attach(backend, volume.id, connector)

    def terminate_connection(self, volume: base.Volume,
                             connector: base.Connector | None,
                             **kwargs: typing.Any) -> None:
        """Close a connection (None: all of the volume's)."""
        with self._ready(volume.id) as backend:
            if backend.chain.get('volume', volume.id) is not None:
                exports.detach(backend, volume.id, connector)

    def create_export_snapshot(self, context: typing.Any,
                               snapshot: base.Snapshot,
                               connector: base.Connector | None = None,
                               ) -> base.Updates | None:
        """Check that the snapshot is there; exports are made on demand."""
        with self._snapshot_ready(snapshot):
            return None

    def remove_export_snapshot(self, context: typing.Any,
                               snapshot: base.Snapshot) -> None:
        """Do nothing: another reader may still be connected."""

    def initialize_connection_snapshot(self, snapshot: base.Snapshot,
                                       properties: base.Connector,
                                       **kwargs: typing.Any,
                                       ) -> base.ConnectionInfo:
        """Open a read-only way in."""
        with self._snapshot_ready(snapshot) as (backend, _facts):
            return exports.attach_snapshot(backend, snapshot.id, properties)

    def terminate_connection_snapshot(self, snapshot: base.Snapshot,
                                      properties: base.Connector | None,
                                      **kwargs: typing.Any) -> None:
        """Close it; gone is success."""
        with self._ready(snapshot.volume_id) as backend:
            if backend.chain.get('snapshot', snapshot.id) is not None:
                exports.detach_snapshot(backend, snapshot.id, properties)

    # Extents.

    def allocated_extents(self, snapshot: base.Snapshot, offset: int,
                          length: int) -> Iterator[Extent]:
        """Yield what is allocated in a run; the rest reads as zeros."""
        facts = operations.require_snapshot(self._backend, snapshot.id)
        yield from extents.allocated(self._backend, facts, offset, length)

    def changed_extents(self, snapshot: base.Snapshot, base: base.Snapshot,
                        offset: int, length: int) -> Iterator[Extent]:
        """Yield what may differ from an older snapshot of the volume."""
        newer = operations.require_snapshot(self._backend, snapshot.id)
        older = self._backend.chain.get('snapshot', base.id)
        if older is None or older['volume'] != newer['volume']:
            raise exceptions.Unsupported(
                f'snapshot {base.id} cannot be compared with any more',
                remedy='make a full backup')
        yield from extents.changed(self._backend, newer, older, offset,
                                   length)

    def local_path(self, volume: base.Volume) -> str:
        """Return the path of the volume's active image (for people)."""
        facts = operations.require_volume(self._backend, volume.id)
        return os.fspath(self._backend.images.path(facts['active']))
