"""Volumes in a thin pool: nothing is copied, and space is taken by writing."""

from blockstore import exceptions
from blockstore.privileged import lvm
from blockstore.volume.drivers import shapes
from blockstore.volume.drivers.lvm import group as groups
from blockstore.volume.drivers.lvm import report
from blockstore.volume.drivers.lvm.group import Group
from blockstore.volume.drivers.lvm.report import LogicalVolume
from blockstore.volume.drivers.lvm.settings import GIB

_MADE = (report.MANAGED,)
_COPIED = (report.MANAGED, report.COPY)


class Thin:
    """What is done differently for thin volumes."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def set_up(self, there: dict[str, LogicalVolume]) -> None:
        """Make the pool unless it is there.

        :param there: all that is in the group.
        :raises DriverError: something else has its name, or new blocks would
            show what was in them before.
        """
        settings = self._group.settings
        found = there.get(settings.pool)
        if found is None:
            found = self._group.make(settings.pool, lvm.create_pool,
                                     settings.pool, settings.pool_size)
        if found is None:
            return
        if not found.is_pool:
            raise exceptions.DriverError(
                f'{self._group.name}/{settings.pool} is no thin pool',
                remedy='set lvm_pool to the name of one, or to a name that '
                       'is free')
        if not found.zeroes:
            raise exceptions.DriverError(
                f'the thin pool {settings.pool} does not zero new blocks: '
                "users would see each other's bytes",
                remedy=f'lvchange --zero y {self._group.name}/'
                       f'{settings.pool}')

    def create(self, volume: shapes.Volume) -> None:
        """Make an empty volume."""
        size = volume.size * GIB
        found = self._group.make(volume.name, lvm.create_thin,
                                 self._group.settings.pool, volume.name,
                                 size, _MADE)
        if found is not None and (not found.managed or found.size != size):
            raise exceptions.DriverError(
                f'{volume.name} exists, but is not what is asked for')

    def copy(self, volume: shapes.Volume, source: str) -> None:
        """Make a volume with the bytes that another has now."""
        there = self._group.volumes()
        origin = groups.required(there, source, self._group.name)
        found = there.get(volume.name)
        if found is None:
            if volume.size * GIB < origin.size:
                raise exceptions.DriverError(
                    f'{volume.size} GiB are too small for the bytes of '
                    f'{source}')
            self._group.change(lvm.snapshot_thin, source, volume.name,
                               _COPIED, True)
        if (found or origin).size < volume.size * GIB:
            self._group.grow(volume.name, volume.size * GIB)

    def snapshot(self, origin: str, name: str) -> None:
        """Freeze the bytes of a volume."""
        found = self._group.make(name, lvm.snapshot_thin, origin, name,
                                 _MADE, False)
        if found is not None and found.origin != origin:
            raise exceptions.DriverError(
                f'{name} exists, but is no snapshot of {origin}')

    def extend(self, name: str, size: int, connected: bool) -> None:
        """Grow a volume, also under its clients."""
        self._group.grow(name, size)
