"""Taking objects of the pool over by their names, and letting them go.

Tests put foreign objects into a pool with :meth:`Pool.put_foreign`.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import typing

from blockstore import exceptions
from blockstore.volume.connections.memory import Content
from blockstore.volume.drivers import base
from blockstore.volume.drivers import manageable
from blockstore.volume.drivers.memory import core
from blockstore.volume.drivers.memory.core import commanded


class _Managing(core.Core):
    """What both kinds share; the caller holds the pool's lock."""

    def _adopt(self, one: base.Volume | base.Snapshot,
               existing_ref: manageable.Reference,
               find: Callable[[], Content]) -> base.Updates:
        content = find()
        if one.name not in self.pool.contents:
            old = manageable.source_name(existing_ref)
            self.pool.rename(old, one.name)
        content.id, content.foreign = one.id, False
        return {'provider_location': f'{self.pool.name}/{one.name}'}

    def _let_go(self, one: base.Volume | base.Snapshot) -> None:
        content = self.pool.contents.get(one.name)
        if content is not None:
            self._close(one.name, None)
            content.foreign = True

    def _found(self, one: base.Volume | base.Snapshot,
               existing_ref: manageable.Reference) -> Content:
        """Return the row's own object, or else the one that is named."""
        own = self.pool.contents.get(one.name)
        if own is not None:
            return own
        name = manageable.source_name(existing_ref)
        content = self.pool.contents.get(name)
        if content is None:
            raise refused(existing_ref, f'there is no {name} in pool '
                                        f'{self.pool.name}')
        return content

    def _listed(self, rows: Sequence[base.Volume] | Sequence[base.Snapshot],
                kind: str) -> Iterator[manageable.Manageable]:
        ids = {row.name: row.id for row in rows}
        for name, content in self.pool.contents.items():
            if content.kind == kind:
                id_ = ids.get(name) or (
                    None if content.foreign else content.id)
                yield manageable.Manageable(
                    reference={'source-name': name},
                    size=core.gib(content.size), safe_to_manage=id_ is None,
                    reason_not_safe=(None if id_ is None
                                     else 'already managed'),
                    cinder_id=id_, extra_info=None)


class ManagingVolumes(_Managing, base.ManagesVolumes):
    """Takes volumes over and lets them go."""

    manages_volumes: typing.Literal[True] = True

    @commanded
    def manage_existing(self, volume: base.Volume,
                        existing_ref: manageable.Reference) -> base.Updates:
        """Give an object the volume's name."""
        with self.pool.lock:
            return self._adopt(volume, existing_ref, lambda: self._a_volume(
                volume, existing_ref))

    @commanded
    def manage_existing_get_size(self, volume: base.Volume,
                                 existing_ref: manageable.Reference) -> int:
        """Return an object's size in GiB."""
        with self.pool.lock:
            return core.gib(self._a_volume(volume, existing_ref).size)

    @commanded
    def unmanage(self, volume: base.Volume) -> None:
        """Leave the object to others."""
        with self.pool.lock:
            self._let_go(volume)

    @commanded
    def get_manageable_volumes(self, cinder_volumes: Sequence[base.Volume],
                               marker: Mapping[str, typing.Any] | None,
                               limit: int | None, offset: int,
                               sort_keys: Sequence[str],
                               sort_dirs: Sequence[str],
                               ) -> list[manageable.Manageable]:
        """List all volumes of the pool."""
        with self.pool.lock:
            return manageable.page(self._listed(cinder_volumes, 'volume'),
                                   marker, limit, offset, sort_keys,
                                   sort_dirs)

    def _a_volume(self, volume: base.Volume,
                  existing_ref: manageable.Reference) -> Content:
        content = self._found(volume, existing_ref)
        if content.kind != 'volume':
            raise refused(existing_ref, 'it is a snapshot')
        return _free(content, volume)


class ManagingSnapshots(_Managing, base.ManagesSnapshots):
    """Takes snapshots over and lets them go."""

    manages_snapshots: typing.Literal[True] = True

    @commanded
    def manage_existing_snapshot(self, snapshot: base.Snapshot,
                                 existing_ref: manageable.Reference,
                                 ) -> base.Updates:
        """Give an object the snapshot's name."""
        with self.pool.lock:
            return self._adopt(
                snapshot, existing_ref,
                lambda: self._a_snapshot(snapshot, existing_ref))

    @commanded
    def manage_existing_snapshot_get_size(
            self, snapshot: base.Snapshot,
            existing_ref: manageable.Reference) -> int:
        """Return a snapshot's size in GiB."""
        with self.pool.lock:
            return core.gib(self._a_snapshot(snapshot, existing_ref).size)

    @commanded
    def unmanage_snapshot(self, snapshot: base.Snapshot) -> None:
        """Leave the object to others."""
        with self.pool.lock:
            self._let_go(snapshot)
            self.pool.prepared.discard(snapshot.name)

    @commanded
    def get_manageable_snapshots(self,
                                 cinder_snapshots: Sequence[base.Snapshot],
                                 marker: Mapping[str, typing.Any] | None,
                                 limit: int | None, offset: int,
                                 sort_keys: Sequence[str],
                                 sort_dirs: Sequence[str],
                                 ) -> list[manageable.Manageable]:
        """List all snapshots of the pool, with their volumes."""
        with self.pool.lock:
            found = list(self._listed(cinder_snapshots, 'snapshot'))
            for entry in found:
                name = entry['reference']['source-name']
                entry['source_reference'] = {
                    'source-name': self.pool.contents[name].origin}
            return manageable.page(found, marker, limit, offset, sort_keys,
                                   sort_dirs)

    def _a_snapshot(self, snapshot: base.Snapshot,
                    existing_ref: manageable.Reference) -> Content:
        content = self._found(snapshot, existing_ref)
        if (content.kind, content.origin) != ('snapshot',
                                              snapshot.volume_name):
            raise refused(existing_ref, 'it is not a snapshot of '
                                        f'{snapshot.volume_name}')
        return _free(content, snapshot)


def _free(content: Content, one: base.Volume | base.Snapshot) -> Content:
    if not content.foreign and content.id != one.id:
        raise exceptions.ManageExistingAlreadyManaged(
            volume_ref=content.id,
            blockers=[f'{content.kind} {content.id}'],
            remedy='unmanage it there first')
    return content


def refused(existing_ref: manageable.Reference, reason: str,
            ) -> exceptions.ManageExistingInvalidReference:
    """Return the error of a reference that names nothing fitting."""
    return exceptions.ManageExistingInvalidReference(
        existing_ref=existing_ref, reason=reason,
        remedy='list what can be managed on this back end')
