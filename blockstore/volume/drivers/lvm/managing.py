"""Taking logical volumes over by their names, and letting them go.

What belongs to an installation of blockstore has the tag
``blockstore.managed``.  What is let go loses it and keeps its name.  What is
taken over gets the name made from its row's id and the tag, in this order, so
that a call that was cut off finds it again by that name.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
import typing

from blockstore import exceptions
from blockstore.privileged import lvm
from blockstore.volume.drivers import manageable
from blockstore.volume.drivers import shapes
from blockstore.volume.drivers.lvm import group as groups
from blockstore.volume.drivers.lvm import report
from blockstore.volume.drivers.lvm.group import Group
from blockstore.volume.drivers.lvm.report import LogicalVolume
from blockstore.volume.drivers.lvm.settings import GIB
from blockstore.volume.drivers.lvm.ways import Ways

Reference = manageable.Reference
Volumes = dict[str, LogicalVolume]


class Managing(manageable.Manageables):
    """The methods of ``ManagesVolumes`` and ``ManagesSnapshots``."""

    manages_volumes: typing.Literal[True] = True
    manages_snapshots: typing.Literal[True] = True

    _group: Group
    _ways: Ways

    # Volumes.

    def manage_existing(self, volume: shapes.Volume,
                        existing_ref: Reference) -> shapes.Updates | None:
        """Give a logical volume the volume's name."""
        with self._group.locked(volume.id):
            self._adopt(volume, self._a_volume(volume, existing_ref))
        return None

    def manage_existing_get_size(self, volume: shapes.Volume,
                                 existing_ref: Reference) -> int:
        """Return a logical volume's size in GiB, rounded up."""
        return _gib(self._a_volume(volume, existing_ref))

    def unmanage(self, volume: shapes.Volume) -> None:
        """Leave a logical volume to others, under its name."""
        with self._group.locked(volume.id):
            self._let_go(volume)

    def get_manageable_volumes(self, cinder_volumes: Sequence[shapes.Volume],
                               marker: Mapping[str, typing.Any] | None,
                               limit: int | None, offset: int,
                               sort_keys: Sequence[str],
                               sort_dirs: Sequence[str],
                               ) -> list[manageable.Manageable]:
        """List the logical volumes of the group that are no snapshots."""
        there = self._group.volumes()
        return manageable.page(
            self._listed(there, cinder_volumes,
                         lambda one: not one.is_snapshot),
            marker, limit, offset, sort_keys, sort_dirs)

    # Snapshots.

    def manage_existing_snapshot(self, snapshot: shapes.Snapshot,
                                 existing_ref: Reference,
                                 ) -> shapes.Updates | None:
        """Give a snapshot of the parent the snapshot's name."""
        with self._group.locked(snapshot.volume_id):
            self._adopt(snapshot, self._a_snapshot(snapshot, existing_ref))
        return None

    def manage_existing_snapshot_get_size(self, snapshot: shapes.Snapshot,
                                          existing_ref: Reference) -> int:
        """Return a snapshot's size in GiB, rounded up."""
        return _gib(self._a_snapshot(snapshot, existing_ref))

    def unmanage_snapshot(self, snapshot: shapes.Snapshot) -> None:
        """Leave a snapshot to others, under its name.

        Its volume cannot be deleted as long as it is there.
        """
        with self._group.locked(snapshot.volume_id):
            self._let_go(snapshot)

    def get_manageable_snapshots(self,
                                 cinder_snapshots: Sequence[shapes.Snapshot],
                                 marker: Mapping[str, typing.Any] | None,
                                 limit: int | None, offset: int,
                                 sort_keys: Sequence[str],
                                 sort_dirs: Sequence[str],
                                 ) -> list[manageable.Manageable]:
        """List the snapshots of the group, with their volumes."""
        there = self._group.volumes()
        found = list(self._listed(
            there, cinder_snapshots,
            lambda one: one.is_snapshot and not one.is_moment))
        for entry in found:
            name = entry['reference']['source-name']
            entry['source_reference'] = {'source-name': there[name].origin}
        return manageable.page(found, marker, limit, offset, sort_keys,
                               sort_dirs)

    # What both kinds share.

    def _adopt(self, one: shapes.Volume | shapes.Snapshot,
               found: LogicalVolume) -> None:
        name = groups.name_of(one)
        if found.name != name:
            self._group.change(lvm.rename, found.name, name)
        if not found.managed:
            self._group.change(lvm.tag, name, report.MANAGED)

    def _let_go(self, one: shapes.Volume | shapes.Snapshot) -> None:
        name = groups.name_of(one)
        self._ways.close(name, None)
        found = self._group.find(name)
        if found is not None and found.managed:
            self._group.change(lvm.untag, name, report.MANAGED)

    def _named(self, there: Volumes, one: shapes.Volume | shapes.Snapshot,
               existing_ref: Reference) -> LogicalVolume:
        """Return the row's own object, or else the one that is named."""
        own = there.get(groups.name_of(one))
        if own is not None:
            return own
        name = manageable.source_name(existing_ref)
        found = there.get(name.removeprefix(f'{self._group.name}/'))
        if found is None:
            raise _refused(existing_ref, f'there is no {name} in the volume '
                                         f'group {self._group.name}')
        return found

    def _a_volume(self, volume: shapes.Volume, existing_ref: Reference,
                  ) -> LogicalVolume:
        found = self._named(self._group.volumes(), volume, existing_ref)
        if found.is_pool:
            raise _refused(existing_ref, 'it is a thin pool')
        if found.is_snapshot:
            raise _refused(existing_ref, f'it is a snapshot of '
                                         f'{found.origin}')
        if not self._is_ours(found):
            raise _refused(existing_ref, 'it is not of the kind that this '
                                         'back end keeps')
        if found.open and found.name != volume.name:
            raise _refused(existing_ref, 'somebody on this host has it open',
                           'find out who: lsblk, dmsetup ls --tree')
        return _free(found, volume)

    def _a_snapshot(self, snapshot: shapes.Snapshot, existing_ref: Reference,
                    ) -> LogicalVolume:
        found = self._named(self._group.volumes(), snapshot, existing_ref)
        if not found.is_snapshot or found.origin != snapshot.volume_name:
            raise _refused(existing_ref, 'it is not a snapshot of '
                                         f'{snapshot.volume_name}')
        return _free(found, snapshot)

    def _is_ours(self, one: LogicalVolume) -> bool:
        """Tell whether it is of the kind that this back end keeps."""
        settings = self._group.settings
        if settings.thin:
            return one.pool == settings.pool
        return not one.pool and not one.is_pool

    def _listed(self, there: Volumes,
                rows: Sequence[shapes.Volume] | Sequence[shapes.Snapshot],
                wanted: Callable[[LogicalVolume], bool],
                ) -> Iterator[manageable.Manageable]:
        ids = {groups.name_of(row): row.id for row in rows}
        for name, one in there.items():
            if not self._is_ours(one) or not wanted(one):
                continue
            owner = groups.owner_of(name) if one.managed else None
            id_ = ids.get(name) or (owner[1] if owner else None)
            reason = None
            if id_ is not None:
                reason = 'already managed'
            elif one.open or self._ways.is_open(name):
                reason = 'volume in use'
            yield manageable.Manageable(
                reference={'source-name': name}, size=_gib(one),
                safe_to_manage=reason is None, reason_not_safe=reason,
                cinder_id=id_, extra_info=None)


def _gib(one: LogicalVolume) -> int:
    return max(1, -(-one.size // GIB))


def _free(found: LogicalVolume, one: shapes.Volume | shapes.Snapshot,
          ) -> LogicalVolume:
    owner = groups.owner_of(found.name) if found.managed else None
    if owner is not None and owner[1] != one.id:
        raise exceptions.ManageExistingAlreadyManaged(
            volume_ref=owner[1], blockers=[f'{owner[0]} {owner[1]}'],
            remedy='unmanage it there first')
    return found


def _refused(existing_ref: Reference, reason: str,
             remedy: str = 'list what can be managed on this back end',
             ) -> exceptions.ManageExistingInvalidReference:
    return exceptions.ManageExistingInvalidReference(
        existing_ref=existing_ref, reason=reason, remedy=remedy)
