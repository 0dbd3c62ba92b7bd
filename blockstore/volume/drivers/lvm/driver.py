"""The volume driver ``lvm``: logical volumes of one group, thin or thick.

Volumes are called ``volume-<id>`` and snapshots ``_snapshot-<id>``, all with
the tag ``blockstore.managed``.  Clients on this machine open a device, others
connect over iSCSI (``ways``).  Everything that changes something runs in
:mod:`blockstore.privileged`.

>>> driver = ThinLvmDriver(conf, 'host@lvm', book)
>>> driver.do_setup(None)
>>> driver.create_volume(volume)
>>> driver.initialize_connection(volume, {'attachment_id': 'a'})
"""

from collections.abc import Iterator
import shutil
import typing

from blockstore import exceptions
from blockstore.conf import lvm as options
from blockstore.volume.connections.base import Extent
from blockstore.volume.drivers import base
from blockstore.volume.drivers.lvm import extents
from blockstore.volume.drivers.lvm import group as groups
from blockstore.volume.drivers.lvm import managing
from blockstore.volume.drivers.lvm import reverting
from blockstore.volume.drivers.lvm import settings
from blockstore.volume.drivers.lvm import stats
from blockstore.volume.drivers.lvm import thick
from blockstore.volume.drivers.lvm import thin
from blockstore.volume.drivers.lvm import ways
from blockstore.volume.drivers.lvm.settings import GIB

_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'


class LvmDriver(managing.Managing, base.Driver, base.AttachesSnapshots,
                base.ExtendsOnline, base.MultiAttaches, base.Reverts,
                base.ListsObjects, base.ManagesVolumes,
                base.ManagesSnapshots):
    """Logical volumes of one volume group."""

    VERSION = '1.0.0'
    VENDOR = 'blockstore'
    PROTOCOL = 'iSCSI'
    OPTS: typing.ClassVar[list[typing.Any]] = options.OPTS

    extends_online: typing.Literal[True] = True
    multi_attaches: typing.Literal[True] = True

    def __init__(self, conf: typing.Any, host: str, book: base.Book) -> None:
        super().__init__(conf, host, book)
        self._settings = settings.from_conf(conf, host)
        self._group = groups.Group(self._settings)
        self._ways = ways.Ways(self._group, book)
        self._layout: thin.Thin | thick.Thick = (
            thin.Thin(self._group) if self._settings.thin
            else thick.Thick(self._group))
        self._stats: dict[str, typing.Any] | None = None

    @classmethod
    def class_for(cls, conf: typing.Any) -> type[base.Driver]:
        """Thin volumes can tell more of themselves."""
        return ThinLvmDriver if conf.lvm_type == 'thin' else LvmDriver

    # Set-up.

    def do_setup(self, context: typing.Any) -> None:
        """Make the pool, and finish what was cut off."""
        there = self._group.volumes()
        self._layout.set_up(there)
        reverting.finish_all(self._group, self._layout, there)

    def check_for_setup_error(self) -> None:
        """Raise DriverError, with a remedy, when the back end cannot work."""
        for program in ('lvs', *(['thin_delta', 'thin_dump']
                                 if self._settings.thin else [])):
            if shutil.which(program, path=_PATH) is None:
                raise exceptions.DriverError(
                    f'the program {program} is not installed',
                    remedy='install lvm2 and thin-provisioning-tools '
                           '(device-mapper-persistent-data on Fedora)')
        try:
            self._group.facts()
        except groups.LvmFailed as error:
            raise exceptions.DriverError(
                f'the volume group {self._group.name} cannot be used: '
                f'{error}', remedy='make it with vgcreate, or set '
                                   'lvm_volume_group') from error

    def get_volume_stats(self, refresh: bool = False) -> dict[str, typing.Any]:
        """Return capacity and abilities."""
        if self._stats is None or refresh:
            self._stats = {
                'volume_backend_name': self._settings.backend_name,
                'vendor_name': self.VENDOR,
                'driver_version': self.VERSION,
                'storage_protocol': self.PROTOCOL,
                **stats.capacity(self._group),
                'reserved_percentage': self._settings.reserved_percentage,
                'max_over_subscription_ratio':
                    self._settings.over_subscription,
                'thin_provisioning_support': self._settings.thin,
                'thick_provisioning_support': not self._settings.thin,
                'multiattach': True,
                'online_extend_support': True,
            }
        return dict(self._stats)

    def list_objects(self) -> list[base.BackendObject]:
        """Return what belongs to this driver, and the open ways to it."""
        there = self._group.volumes()
        names = [(name, name) for name, one in there.items() if one.managed]
        found = []
        for name, detail in names + self._ways.all_open():
            owner = groups.owner_of(name)
            if owner is not None and name in there:
                found.append(base.BackendObject(
                    owner[0] if name == detail else 'export', owner[1],
                    detail))
        return found

    # Volumes.

    def create_volume(self, volume: base.Volume) -> base.Updates | None:
        """Make an empty volume."""
        with self._group.locked(volume.id):
            self._layout.create(volume)
        return None

    def delete_volume(self, volume: base.Volume) -> None:
        """Remove a volume that nobody is connected to.

        One without our tag belongs to somebody else, or to nobody: it stays.

        :raises VolumeIsBusy: also while it has snapshots, whoever made them:
            LVM would take them along (thick) or orphan them (thin).
        """
        with self._group.locked(volume.id):
            there = self._group.volumes()
            moment = thick.moment_name(volume.id)
            if moment in there:
                self._group.remove(moment)
            if not self._is_own(volume.name, there):
                return
            self._refuse_origin(volume.name, there)
            self._remove(volume.name, exceptions.VolumeIsBusy)

    @staticmethod
    def _is_own(name: str, there: managing.Volumes) -> bool:
        return name in there and there[name].managed

    def _refuse_origin(self, name: str, there: managing.Volumes) -> None:
        snapshots = sorted(one.name for one in there.values()
                           if one.is_snapshot and one.origin == name)
        if snapshots:
            raise exceptions.VolumeIsBusy(
                f'{name} has {len(snapshots)} snapshots in the volume group '
                f'{self._group.name}',
                blockers=[f'back-end snapshot {one}'
                          for one in snapshots[:10]],
                remedy='manage them and delete them, or remove them there '
                       'with lvremove')

    def _remove(self, name: str, busy: type[exceptions.DriverError]) -> None:
        connected = self._ways.is_open(name)
        if connected:
            raise busy(f'{name} has {len(connected)} connections',
                       blockers=connected, remedy='terminate them first')
        try:
            self._group.remove(name)
        except groups.LvmFailed as error:
            if not error.in_use:
                raise
            raise busy(f'{name} is in use on {self.host}: '
                       f'{error.stderr.strip()}',
                       remedy='find out who has it open: lsblk, dmsetup ls '
                              '--tree') from error

    def extend_volume(self, volume: base.Volume, new_size: int) -> None:
        """Grow a volume to ``new_size`` GiB, also under its clients."""
        with self._group.locked(volume.id):
            self._layout.extend(volume.name, new_size * GIB,
                                bool(self._ways.is_open(volume.name)))
            self._ways.grow(volume.name)

    def create_volume_from_snapshot(self, volume: base.Volume,
                                    snapshot: base.Snapshot,
                                    ) -> base.Updates | None:
        """Make a volume with a snapshot's bytes."""
        with self._group.locked(volume.id, snapshot.volume_id):
            self._layout.copy(volume, groups.name_of(snapshot))
        return None

    def create_cloned_volume(self, volume: base.Volume,
                             src_vref: base.Volume) -> base.Updates | None:
        """Make a volume with the bytes that another has now."""
        with self._group.locked(volume.id, src_vref.id):
            self._layout.copy(volume, src_vref.name)
        return None

    def revert_to_snapshot(self, context: typing.Any, volume: base.Volume,
                           snapshot: base.Snapshot) -> None:
        """Give a detached volume a snapshot's bytes; its size stays."""
        name = groups.name_of(snapshot)
        with self._group.locked(volume.id):
            connected = (self._ways.is_open(volume.name)
                         + self._ways.is_open(name))
            if connected:
                raise exceptions.VolumeIsBusy(
                    f'{volume.name} or its snapshot has connections',
                    blockers=connected, remedy='terminate them first')
            reverting.revert(self._group, self._layout, volume.name, name,
                             snapshot.id)

    # Snapshots.

    def create_snapshot(self, snapshot: base.Snapshot,
                        ) -> base.Updates | None:
        """Freeze the volume's bytes; writers wait for a moment."""
        with self._group.locked(snapshot.volume_id):
            self._layout.snapshot(snapshot.volume_name,
                                  groups.name_of(snapshot))
        return None

    def delete_snapshot(self, snapshot: base.Snapshot) -> None:
        """Remove a snapshot, if it has our tag.

        :raises SnapshotIsBusy: while it is being read.
        """
        with self._group.locked(snapshot.volume_id):
            name = groups.name_of(snapshot)
            if self._is_own(name, self._group.volumes()):
                self._remove(name, exceptions.SnapshotIsBusy)

    # Data path.

    def validate_connector(self, connector: base.Connector) -> None:
        """Raise InvalidConnector when it cannot be served."""
        self._ways.validate(connector)

    def ensure_export(self, context: typing.Any, volume: base.Volume) -> None:
        """Bring back what must be reachable, after the host has started."""
        with self._group.locked(volume.id):
            self._group.require(volume.name)
            self._ways.restore(volume.name)

    def remove_export(self, context: typing.Any, volume: base.Volume) -> None:
        """Shut what is left of the ways in."""
        with self._group.locked(volume.id):
            self._ways.close(volume.name, None)

    def initialize_connection(self, volume: base.Volume,
                              connector: base.Connector,
                              ) -> base.ConnectionInfo:
        """Open a way in: a device here, an iSCSI target elsewhere."""
        with self._group.locked(volume.id):
            return self._ways.open(volume.name, connector)

    def terminate_connection(self, volume: base.Volume,
                             connector: base.Connector | None,
                             **kwargs: typing.Any) -> None:
        """Shut a way in (None: all of them)."""
        with self._group.locked(volume.id):
            self._ways.close(volume.name, connector)

    def create_export_snapshot(self, context: typing.Any,
                               snapshot: base.Snapshot,
                               connector: base.Connector | None = None,
                               ) -> base.Updates | None:
        """Do nothing: ways in are made on demand."""
        return None

    def remove_export_snapshot(self, context: typing.Any,
                               snapshot: base.Snapshot) -> None:
        """Do nothing: another reader may still be connected."""

    def initialize_connection_snapshot(self, snapshot: base.Snapshot,
                                       properties: base.Connector,
                                       **kwargs: typing.Any,
                                       ) -> base.ConnectionInfo:
        """Open a read-only way in, to the bytes that were there then."""
        with self._group.locked(snapshot.volume_id):
            return self._ways.open(
                groups.name_of(snapshot), properties,
                limit=snapshot.volume_size * GIB, read_only=True)

    def terminate_connection_snapshot(self, snapshot: base.Snapshot,
                                      properties: base.Connector | None,
                                      **kwargs: typing.Any) -> None:
        """Shut it."""
        with self._group.locked(snapshot.volume_id):
            self._ways.close(groups.name_of(snapshot), properties)

    def local_path(self, volume: base.Volume) -> str:
        """Return the path of the volume's own device (for people)."""
        return f'/dev/{self._group.name}/{volume.name}'


class ThinLvmDriver(LvmDriver, base.AllocatedExtents, base.ChangedExtents):
    """Thin volumes, which know what they hold and what has changed."""

    def __init__(self, conf: typing.Any, host: str, book: base.Book) -> None:
        super().__init__(conf, host, book)
        self._extents = extents.Extents(self._group)

    def delete_snapshot(self, snapshot: base.Snapshot) -> None:
        """Remove a snapshot, and forget what was known of it."""
        super().delete_snapshot(snapshot)
        self._extents.forget(groups.name_of(snapshot))

    def allocated_extents(self, snapshot: base.Snapshot, offset: int,
                          length: int) -> Iterator[Extent]:
        """Yield what is mapped in a run; the rest reads as zeros."""
        return self._extents.allocated(snapshot, offset, length)

    def changed_extents(self, snapshot: base.Snapshot, base: base.Snapshot,
                        offset: int, length: int) -> Iterator[Extent]:
        """Yield what may differ from an older snapshot of the volume."""
        return self._extents.changed(snapshot, base, offset, length)
