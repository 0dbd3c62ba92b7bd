"""Volumes that have all their space from the beginning.

A new one is filled, with zeros or with another's bytes, which takes time; a
tag tells that it is not finished.  Snapshots are LVM's older ones: each write
to the volume copies what was there into all of them first, and a volume that
has some can only grow while nobody is connected.
"""

from blockstore import exceptions
from blockstore.lifecycle import boundaries
from blockstore.privileged import devices
from blockstore.privileged import lvm
from blockstore.volume.drivers import shapes
from blockstore.volume.drivers.lvm import group as groups
from blockstore.volume.drivers.lvm import report
from blockstore.volume.drivers.lvm.group import Group
from blockstore.volume.drivers.lvm.report import LogicalVolume
from blockstore.volume.drivers.lvm.settings import GIB

_MADE = (report.MANAGED,)
_BEGUN = (report.MANAGED, report.UNFINISHED)


def moment_name(volume_id: str) -> str:
    """Return the name of the snapshot that a clone is copied from."""
    return f'{report.MOMENT}{volume_id}'


class Thick:
    """What is done differently for thick volumes."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def set_up(self, there: dict[str, LogicalVolume]) -> None:
        """Nothing: there is only the group."""

    def create(self, volume: shapes.Volume) -> None:
        """Make an empty volume."""
        if self._begin(volume):
            self._zero(volume.name, 0)
            self._finish(volume.name)

    def copy(self, volume: shapes.Volume, source: str) -> None:
        """Make a volume with the bytes that another has now."""
        there = self._group.volumes()
        origin = groups.required(there, source, self._group.name)
        found = there.get(volume.name)
        if found is not None and report.UNFINISHED not in found.tags:
            return
        if volume.size * GIB < origin.size:
            raise exceptions.DriverError(
                f'{volume.size} GiB are too small for the bytes of {source}')
        moment = moment_name(volume.id)
        if origin.is_snapshot:
            moment = source
        elif moment not in there:
            self._group.change(lvm.snapshot_thick, source, moment, _MADE)
        if self._begin(volume):
            self._fill(volume.name, moment, origin.size)
            self._finish(volume.name)
        if moment != source:
            self._group.remove(moment)

    def _begin(self, volume: shapes.Volume) -> bool:
        """Make a volume; return whether it must be filled."""
        size = volume.size * GIB
        found = self._group.make(volume.name, lvm.create_thick, volume.name,
                                 size, _BEGUN)
        if found is not None and (not found.managed or found.size != size):
            raise exceptions.DriverError(
                f'{volume.name} exists, but is not what is asked for')
        return found is None or report.UNFINISHED in found.tags

    def _fill(self, name: str, source: str, length: int) -> None:
        self._group.activate(source)
        self._group.activate(name)
        with (boundaries.around('driver', 'lvm.copy'),
              groups.translating(f'copying {source}')):
            devices.copy(self._group.name, source, name, length)
        self._zero(name, length)

    def _zero(self, name: str, offset: int) -> None:
        self._group.activate(name)
        with (boundaries.around('driver', 'lvm.zero'),
              groups.translating(f'clearing {name}')):
            devices.zero(self._group.name, name, offset)

    def _finish(self, name: str) -> None:
        self._group.change(lvm.untag, name, report.UNFINISHED)

    def snapshot(self, origin: str, name: str) -> None:
        """Freeze the bytes of a volume."""
        found = self._group.make(name, lvm.snapshot_thick, origin, name,
                                 _MADE)
        if found is not None and found.origin != origin:
            raise exceptions.DriverError(
                f'{name} exists, but is no snapshot of {origin}')

    def extend(self, name: str, size: int, connected: bool) -> None:
        """Grow a volume; the new part is cleared first.

        :raises Unsupported: it has snapshots and clients.
        """
        there = self._group.volumes()
        volume = groups.required(there, name, self._group.name)
        if volume.size >= size and not _is_growing(volume):
            return
        snapshots = [one.name for one in there.values() if one.origin == name]
        if snapshots and connected:
            raise exceptions.Unsupported(
                f'{name} has snapshots and is connected: LVM cannot grow it '
                'now', blockers=[f'back-end snapshot {one}'
                                 for one in snapshots[:10]],
                remedy='detach it or delete its snapshots, or use a back end '
                       'with lvm_type = thin')
        self._grow(volume, size, snapshots)

    def _grow(self, volume: LogicalVolume, size: int, snapshots: list[str],
              ) -> None:
        # The tag tells from where on there may be bytes of others.
        begin = volume.size
        if _is_growing(volume):
            begin = _growing_from(volume)
        else:
            self._group.change(lvm.tag, volume.name, f'{_GROWING}{begin}')
        if volume.size < size:
            if snapshots:
                self._group.change(lvm.deactivate, volume.name)
            try:
                self._group.grow(volume.name, size)
            finally:
                self._group.activate(volume.name)
        for snapshot in snapshots:
            # Clearing the new part is a write that they keep, too.
            self._group.change(lvm.extend_snapshot, snapshot)
        self._zero(volume.name, begin)
        self._group.change(lvm.untag, volume.name, f'{_GROWING}{begin}')


_GROWING = 'blockstore.growing-from:'


def _is_growing(volume: LogicalVolume) -> bool:
    return any(tag.startswith(_GROWING) for tag in volume.tags)


def _growing_from(volume: LogicalVolume) -> int:
    return min(int(tag[len(_GROWING):]) for tag in volume.tags
               if tag.startswith(_GROWING))
