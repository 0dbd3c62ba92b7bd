"""Volumes, snapshots and connections in a pool: what no option takes away.

Every public method is *commanded*: the pool notes the call and its faults
decide what becomes of it.
"""

from collections.abc import Callable
import functools
import typing

from blockstore import errors
from blockstore import exceptions
from blockstore.conf import memory as options
from blockstore.volume import faults
from blockstore.volume.connections import memory as pools
from blockstore.volume.connections.memory import Content
from blockstore.volume.drivers import base

GIB = pools.GIB
_M = typing.TypeVar('_M', bound=Callable[..., typing.Any])


def commanded(method: _M) -> _M:
    """Note the call and let the pool's faults decide."""
    name = method.__name__

    @functools.wraps(method)
    def wrapper(self: 'Core', *args: typing.Any, **kwargs: typing.Any,
                ) -> typing.Any:
        target = next((one.name for one in args if hasattr(one, 'name')), '')
        if target:
            self.pool.calls.append(pools.Call(name, target))
        return self.pool.faults.call(
            name, lambda: method(self, *args, **kwargs))

    return typing.cast(_M, wrapper)


class Core(base.Driver):
    """A driver that keeps volumes in memory, without any capability."""

    PROTOCOL = 'memory'
    SHAREABLE = True
    OPTS: typing.ClassVar[list[typing.Any]] = options.OPTS

    def __init__(self, conf: typing.Any, host: str, book: base.Book) -> None:
        super().__init__(conf, host, book)
        self.pool = pools.pool(conf.memory_pool)

    @property
    def faults(self) -> faults.Faults:
        """What shall go wrong, shared by all who use the pool."""
        return self.pool.faults

    @property
    def calls(self) -> list[pools.Call]:
        """What was called for volumes and snapshots, in order."""
        return self.pool.calls

    # Set-up.

    @commanded
    def do_setup(self, context: typing.Any) -> None:
        """Do nothing: the pool is there."""

    @commanded
    def check_for_setup_error(self) -> None:
        """Find nothing wrong, unless ordered."""

    @commanded
    def get_volume_stats(self, refresh: bool = False) -> dict[str, typing.Any]:
        """Return capacity and abilities."""
        with self.pool.lock:
            promised = sum(content.size for content
                           in self.pool.contents.values()
                           if content.kind == 'volume')
            used = self.pool.used()
        total = self.conf.memory_capacity_gb
        return {
            'volume_backend_name': (
                self.conf.volume_backend_name
                or self.host.partition('@')[2]),
            'vendor_name': self.VENDOR,
            'driver_version': self.VERSION,
            'storage_protocol': self.PROTOCOL,
            'total_capacity_gb': total,
            'free_capacity_gb': max(0.0, total - used / GIB),
            'provisioned_capacity_gb': promised / GIB,
            'reserved_percentage': self.conf.reserved_percentage,
            'max_over_subscription_ratio':
                self.conf.max_over_subscription_ratio,
            'thin_provisioning_support': True,
            'thick_provisioning_support': False,
            'multiattach': base.has(self, base.MultiAttaches),
            'online_extend_support': base.has(self, base.ExtendsOnline),
        }

    # Volumes and snapshots.

    @commanded
    def create_volume(self, volume: base.Volume) -> base.Updates | None:
        """Make an empty volume."""
        self._make(volume, '', dict)
        return {'provider_location': f'{self.pool.name}/{volume.name}'}

    @commanded
    def delete_volume(self, volume: base.Volume) -> None:
        """Remove a volume that nobody is connected to."""
        with self.pool.lock:
            self._refuse_connected(volume, exceptions.VolumeIsBusy)
            if self.conf.memory_keeps_origins:
                self._refuse_origin(volume)
            self.pool.contents.pop(volume.name, None)

    @commanded
    def extend_volume(self, volume: base.Volume, new_size: int) -> None:
        """Grow a volume; one that is as big already stays as it is."""
        with self.pool.lock:
            if not base.has(self, base.ExtendsOnline):
                self._refuse_connected(volume, exceptions.DriverError)
            content = self._content(volume.name)
            content.size = max(content.size, new_size * GIB)

    @commanded
    def create_snapshot(self, snapshot: base.Snapshot) -> base.Updates | None:
        """Freeze the volume's bytes; a second call keeps the first's."""
        with self.pool.lock:
            if snapshot.name not in self.pool.contents:
                parent = self._content(snapshot.volume_name)
                self.pool.contents[snapshot.name] = Content(
                    'snapshot', snapshot.id, parent.size,
                    snapshot.volume_name, parent.blocks)
        return {'provider_location': f'{self.pool.name}/{snapshot.name}'}

    @commanded
    def delete_snapshot(self, snapshot: base.Snapshot) -> None:
        """Remove a snapshot that nobody is connected to."""
        with self.pool.lock:
            self._refuse_connected(snapshot, exceptions.SnapshotIsBusy)
            self.pool.prepared.discard(snapshot.name)
            self.pool.contents.pop(snapshot.name, None)

    @commanded
    def create_volume_from_snapshot(self, volume: base.Volume,
                                    snapshot: base.Snapshot,
                                    ) -> base.Updates | None:
        """Make a volume that shares the snapshot's blocks."""
        self._make(volume, snapshot.name,
                   lambda: self._content(snapshot.name).blocks)
        return {'provider_location': f'{self.pool.name}/{volume.name}'}

    @commanded
    def create_cloned_volume(self, volume: base.Volume,
                             src_vref: base.Volume) -> base.Updates | None:
        """Make a volume that shares another one's blocks of now."""
        self._make(volume, src_vref.name,
                   lambda: self._content(src_vref.name).blocks)
        return {'provider_location': f'{self.pool.name}/{volume.name}'}

    # Data path.

    def validate_connector(self, connector: base.Connector) -> None:
        """Refuse a mode that is not known."""
        mode_of(connector)

    @commanded
    def ensure_export(self, context: typing.Any, volume: base.Volume) -> None:
        """Do nothing: what is open stays open as long as the process."""

    @commanded
    def create_export(self, context: typing.Any, volume: base.Volume,
                      connector: base.Connector | None = None,
                      ) -> base.Updates | None:
        """Check that the volume is there."""
        with self.pool.lock:
            self._content(volume.name)
        return None

    @commanded
    def remove_export(self, context: typing.Any, volume: base.Volume) -> None:
        """Close all ways to the volume."""
        with self.pool.lock:
            self._close(volume.name, None)

    @commanded
    def initialize_connection(self, volume: base.Volume,
                              connector: base.Connector,
                              ) -> base.ConnectionInfo:
        """Open a way to the volume's bytes."""
        wanted = identity(connector)
        read_only = mode_of(connector) == 'ro'
        with self.pool.lock:
            content = self._content(volume.name)
            if not read_only:
                self._refuse_second(volume.name, wanted)
            elif (connector.get('purpose') == 'backup'
                    and base.has(self, base.StableReads)):
                content = Content('moment', volume.id, content.size,
                                  volume.name, content.blocks)
            return self.open(volume.name, wanted, content, read_only)

    @commanded
    def terminate_connection(self, volume: base.Volume,
                             connector: base.Connector | None,
                             **kwargs: typing.Any) -> None:
        """Close one way to the volume, or all."""
        with self.pool.lock:
            self._close(volume.name, connector)

    # What the capabilities share; the caller holds the pool's lock.

    def open(self, name: str, wanted: str, content: Content,
             read_only: bool) -> base.ConnectionInfo:
        """Open a way in; one that is open already stays as it is."""
        export = f'{name}/{wanted}'
        self.pool.exports.setdefault(export, content)
        return {'driver_volume_type': 'memory', 'data': {
            'pool': self.pool.name, 'object': name, 'export': export,
            'access_mode': 'ro' if read_only else 'rw'}}

    def _close(self, name: str, connector: base.Connector | None) -> None:
        if connector is not None:
            self.pool.exports.pop(f'{name}/{identity(connector)}', None)
            return
        for export in self._exports(name):
            del self.pool.exports[export]

    def _exports(self, name: str) -> list[str]:
        return [export for export in self.pool.exports
                if export.startswith(f'{name}/')]

    def _content(self, name: str) -> Content:
        try:
            return self.pool.contents[name]
        except KeyError:
            raise exceptions.DriverError(
                f'there is no {name} in pool {self.pool.name}') from None

    def _make(self, volume: base.Volume, origin: str,
              blocks: Callable[[], dict[int, bytes]]) -> None:
        with self.pool.lock:
            found = self.pool.contents.get(volume.name)
            if found is None:
                self.pool.contents[volume.name] = Content(
                    'volume', volume.id, volume.size * GIB, origin, blocks())
            elif (found.size, found.origin) != (volume.size * GIB, origin):
                raise exceptions.DriverError(
                    f'{volume.name} exists, but is not what is asked for')

    def _refuse_connected(self, one: base.Volume | base.Snapshot,
                          family: type[exceptions.DriverError]) -> None:
        connected = self._exports(one.name)
        if connected:
            raise family(f'{one.name} has {len(connected)} connections',
                         blockers=connected, remedy='terminate them first')

    def _refuse_origin(self, volume: base.Volume) -> None:
        snapshots = [name for name, content in self.pool.contents.items()
                     if content.kind == 'snapshot'
                     and content.origin == volume.name]
        if snapshots:
            raise exceptions.VolumeIsBusy(
                f'{volume.name} has {len(snapshots)} snapshots on the back '
                'end', blockers=[f'back-end snapshot {name}'
                                 for name in sorted(snapshots)[:10]],
                remedy='manage them and delete them, or remove them there')

    def _refuse_second(self, name: str, wanted: str) -> None:
        others = [export for export in self._exports(name)
                  if export != f'{name}/{wanted}'
                  and self.pool.exports[export].kind != 'moment']
        if others and not base.has(self, base.MultiAttaches):
            raise exceptions.DriverError(
                f'{name} is connected already', code=errors.VOLUME_ATTACHED,
                blockers=others, remedy='use a back end with multiattach')


def gib(size: int) -> int:
    """Return a number of bytes in GiB, rounded up, at least 1."""
    return max(1, -(-size // GIB))


def identity(connector: base.Connector) -> str:
    """Return what tells a connection from others."""
    return str(connector.get('attachment_id') or connector.get('host')
               or 'default')


def mode_of(connector: base.Connector) -> str:
    """Return ``ro`` or ``rw``, or raise InvalidConnector."""
    mode = connector.get('mode') or 'rw'
    if mode not in ('ro', 'rw'):
        raise exceptions.InvalidConnector(f'there is no mode {mode!r}',
                                          remedy='use ro or rw')
    return str(mode)
