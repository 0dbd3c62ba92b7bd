"""The capabilities, one class each, and the driver that has them all.

A driver that lacks some is composed of the classes that are left, so that
it truly has not their methods either.
"""

from collections.abc import Iterable
from collections.abc import Iterator
import functools
import types
import typing

from blockstore import exceptions
from blockstore.volume.connections.base import Extent
from blockstore.volume.drivers import base
from blockstore.volume.drivers.memory.core import commanded
from blockstore.volume.drivers.memory.core import Core
from blockstore.volume.drivers.memory.core import identity
from blockstore.volume.drivers.memory.managing import ManagingSnapshots
from blockstore.volume.drivers.memory.managing import ManagingVolumes


class AttachingSnapshots(Core, base.AttachesSnapshots):
    """Reads snapshots; insists on the order of R-106."""

    @commanded
    def create_export_snapshot(self, context: typing.Any,
                               snapshot: base.Snapshot,
                               connector: base.Connector | None = None,
                               ) -> base.Updates | None:
        """Let a snapshot be connected to; answers a secret (R-113)."""
        with self.pool.lock:
            self._content(snapshot.name)
            self.pool.prepared.add(snapshot.name)
        return {'provider_auth': f'MEMORY {snapshot.name} secret'}

    @commanded
    def remove_export_snapshot(self, context: typing.Any,
                               snapshot: base.Snapshot) -> None:
        """Let it no longer be connected to."""
        with self.pool.lock:
            self._close(snapshot.name, None)
            self.pool.prepared.discard(snapshot.name)

    @commanded
    def initialize_connection_snapshot(self, snapshot: base.Snapshot,
                                       properties: base.Connector,
                                       **kwargs: typing.Any,
                                       ) -> base.ConnectionInfo:
        """Open a read-only way in."""
        wanted = identity(properties)
        with self.pool.lock:
            content = self._content(snapshot.name)
            if snapshot.name not in self.pool.prepared:
                raise exceptions.DriverError(
                    f'{snapshot.name} is not exported',
                    remedy='call create_export_snapshot first')
            return self.open(snapshot.name, wanted, content, True)

    @commanded
    def terminate_connection_snapshot(self, snapshot: base.Snapshot,
                                      properties: base.Connector | None,
                                      **kwargs: typing.Any) -> None:
        """Close it."""
        with self.pool.lock:
            self._close(snapshot.name, properties)


class ExtendingOnline(Core, base.ExtendsOnline):
    """Grows volumes that are connected."""

    extends_online: typing.Literal[True] = True


class MultiAttaching(Core, base.MultiAttaches):
    """Has many read-write connections to a volume."""

    multi_attaches: typing.Literal[True] = True


class ReadingStably(Core, base.StableReads):
    """Backup connections read the bytes of their first moment."""

    stable_reads: typing.Literal[True] = True


class Reverting(Core, base.Reverts):
    """Volumes go back to a snapshot."""

    @commanded
    def revert_to_snapshot(self, context: typing.Any, volume: base.Volume,
                           snapshot: base.Snapshot) -> None:
        """Give the volume the snapshot's blocks; never shrinks it."""
        with self.pool.lock:
            self._refuse_connected(volume, exceptions.DriverError)
            content = self._content(volume.name)
            source = self._content(snapshot.name)
            content.blocks = dict(source.blocks)
            content.size = max(content.size, source.size)


class TellingAllocated(Core, base.AllocatedExtents):
    """Tells what of a snapshot was ever written."""

    @commanded
    def allocated_extents(self, snapshot: base.Snapshot, offset: int,
                          length: int) -> Iterator[Extent]:
        """Yield the runs of blocks of a snapshot."""
        with self.pool.lock:
            content = self._content(snapshot.name)
            return iter(content.allocated(offset, length))


class TellingChanged(Core, base.ChangedExtents):
    """Tells what changed between two snapshots."""

    @commanded
    def changed_extents(self, snapshot: base.Snapshot, base: base.Snapshot,
                        offset: int, length: int) -> Iterator[Extent]:
        """Yield the runs of blocks that are not the same."""
        with self.pool.lock:
            content = self._content(snapshot.name)
            older = self.pool.contents.get(base.name)
            if older is None or older.origin != content.origin:
                raise exceptions.Unsupported(
                    f'{snapshot.name} cannot be compared with {base.name}',
                    remedy='make a full backup')
            return iter(content.changed(older, offset, length))


class Listing(Core, base.ListsObjects):
    """Lists what it made."""

    @commanded
    def list_objects(self) -> Iterable[base.BackendObject]:
        """Return volumes, snapshots and exports."""
        with self.pool.lock:
            found = [base.BackendObject(content.kind, content.id, name)
                     for name, content in self.pool.contents.items()
                     if not content.foreign]
            found += [base.BackendObject('export', content.id, export)
                      for export, content in self.pool.exports.items()]
        return found


_PARTS: dict[str, type[Core]] = {
    'allocated_extents': TellingAllocated,
    'attaches_snapshots': AttachingSnapshots,
    'changed_extents': TellingChanged,
    'extends_online': ExtendingOnline,
    'lists_objects': Listing,
    'manages_snapshots': ManagingSnapshots,
    'manages_volumes': ManagingVolumes,
    'multi_attaches': MultiAttaching,
    'reverts': Reverting,
    'stable_reads': ReadingStably,
}


class MemoryDriver(TellingAllocated, AttachingSnapshots, TellingChanged,
                   ExtendingOnline, Listing, ManagingSnapshots,
                   ManagingVolumes, MultiAttaching, Reverting,
                   ReadingStably):
    """The driver with every capability."""

    @classmethod
    def class_for(cls, conf: typing.Any) -> type[base.Driver]:
        """Return the class without what ``memory_lacks`` names.

        :raises DriverError: when that is not the name of a capability.
        """
        return _without(frozenset(conf.memory_lacks))


@functools.cache
def _without(lacks: frozenset[str]) -> type[base.Driver]:
    unknown = sorted(lacks - _PARTS.keys())
    if unknown:
        raise exceptions.DriverError(
            'memory_lacks: no such capability: ' + ', '.join(unknown),
            remedy='choose from ' + ', '.join(sorted(_PARTS)))
    if not lacks:
        return MemoryDriver
    parts = tuple(part for name, part in _PARTS.items() if name not in lacks)
    made: type[base.Driver] = types.new_class('MemoryDriver',
                                              parts or (Core,))
    return made
