"""The driver's part of manage and unmanage; see ``adoption``."""

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import contextlib
import typing

from blockstore.volume.drivers import base
from blockstore.volume.drivers import manageable
from blockstore.volume.drivers.qsd import adoption
from blockstore.volume.drivers.qsd import merges
from blockstore.volume.drivers.qsd import recovery
from blockstore.volume.drivers.qsd.backend import Backend


class Managing(base.Driver, base.ManagesSnapshots, base.ManagesVolumes):
    """Takes files and layers over, and lets them go."""

    manages_volumes: typing.Literal[True] = True
    manages_snapshots: typing.Literal[True] = True
    _backend: Backend

    @contextlib.contextmanager
    def _ready(self, volume_id: str) -> Iterator[Backend]:
        """Hold the lock of a volume that is whole."""
        with self._backend.lock(volume_id):
            recovery.ready(self._backend, volume_id)
            yield self._backend

    # Volumes.

    def manage_existing(self, volume: base.Volume,
                        existing_ref: manageable.Reference,
                        ) -> base.Updates | None:
        """Make a file of the directory a volume; no byte is copied."""
        with self._ready(volume.id) as backend, backend.adopting:
            if backend.chain.get('volume', volume.id) is None:
                adoption.take(backend, volume.id,
                              adoption.find(backend, existing_ref))
        return None

    def manage_existing_get_size(self, volume: base.Volume,
                                 existing_ref: manageable.Reference) -> int:
        """Return the size that the file has for its clients."""
        with self._ready(volume.id) as backend:
            own = backend.chain.get('volume', volume.id)
            return adoption.gib(
                own['size'] if own is not None
                else adoption.find(backend, existing_ref).size)

    def unmanage(self, volume: base.Volume) -> None:
        """Let the volume's files be nobody's.

        What it shares with clones is copied first, so that it stands alone.
        """
        with self._ready(volume.id) as backend:
            found = backend.chain.get('volume', volume.id)
            if found is None:
                return
        merges.collapse(self._backend, volume.id)
        with self._ready(volume.id) as backend:
            if backend.chain.get('volume', volume.id) is not None:
                adoption.let_go(backend, volume.id)

    def get_manageable_volumes(self, cinder_volumes: Sequence[base.Volume],
                               marker: Mapping[str, typing.Any] | None,
                               limit: int | None, offset: int,
                               sort_keys: Sequence[str],
                               sort_dirs: Sequence[str],
                               ) -> Sequence[manageable.Manageable]:
        """List volumes, and files that could become some."""
        return manageable.page(adoption.volumes(self._backend), marker,
                               limit, offset, sort_keys, sort_dirs)

    # Snapshots.

    def manage_existing_snapshot(self, snapshot: base.Snapshot,
                                 existing_ref: manageable.Reference,
                                 ) -> base.Updates | None:
        """Make a frozen layer of the volume's chain a snapshot."""
        with self._ready(snapshot.volume_id) as backend:
            if self._own(snapshot) is None:
                layer, size = adoption.find_snapshot(
                    backend, snapshot.volume_id, snapshot.id, existing_ref)
                adoption.take_snapshot(backend, snapshot.volume_id,
                                       snapshot.id, layer, size)
        return None

    def manage_existing_snapshot_get_size(
            self, snapshot: base.Snapshot,
            existing_ref: manageable.Reference) -> int:
        """Return the size of a frozen layer."""
        with self._ready(snapshot.volume_id) as backend:
            own = self._own(snapshot)
            if own is not None:
                return adoption.gib(own['size'])
            _layer, size = adoption.find_snapshot(
                backend, snapshot.volume_id, snapshot.id, existing_ref)
            return adoption.gib(size)

    def unmanage_snapshot(self, snapshot: base.Snapshot) -> None:
        """Let the layer be nobody's; it stays frozen."""
        with self._ready(snapshot.volume_id) as backend:
            own = self._own(snapshot)
            if own is not None:
                adoption.let_snapshot_go(backend, snapshot.id, own)

    def _own(self, snapshot: base.Snapshot) -> base.Document | None:
        found = self._backend.chain.get('snapshot', snapshot.id)
        return None if found is None or found.get('foreign') else found

    def get_manageable_snapshots(self,
                                 cinder_snapshots: Sequence[base.Snapshot],
                                 marker: Mapping[str, typing.Any] | None,
                                 limit: int | None, offset: int,
                                 sort_keys: Sequence[str],
                                 sort_dirs: Sequence[str],
                                 ) -> Sequence[manageable.Manageable]:
        """List snapshots, and layers that were some."""
        return manageable.page(adoption.snapshots(self._backend), marker,
                               limit, offset, sort_keys, sort_dirs)
