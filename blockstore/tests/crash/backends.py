"""Back ends under test, looked at from outside the service.

>>> backend = Qcow('crash@qsd', images, run)
>>> [one.id for one in backend.driver(book).list_objects()]
"""

from collections.abc import Iterator
import os
import pathlib
import subprocess
import types
import typing

from blockstore.tests.crash import storage
from blockstore.volume import connections
from blockstore.volume.drivers import base
from blockstore.volume.drivers.lvm import driver as lvm
from blockstore.volume.drivers.qsd import daemon
from blockstore.volume.drivers.qsd import driver as qsd

#: How the names of files begin that an act has put there for nobody.
FOREIGN = 'old-'


class Backend(typing.Protocol):
    """What the checks need of a back end.

    :ivar name: ``host@backend``.
    """

    @property
    def name(self) -> str:
        """Return the name that its volumes belong to."""

    def driver(self, book: base.Book) -> base.Driver:
        """Return a driver to look with."""

    def problems(self, book: base.Book, attached: set[str]) -> Iterator[str]:
        """Yield what should not be there; ``attached`` are volumes' ids."""

    def snapshot_bytes(self, book: base.Book, snapshot: dict[str, typing.Any],
                       length: int) -> bytes | None:
        """Return the first bytes of a snapshot; None: it is not here."""


class Qcow(typing.NamedTuple):
    """A back end with qcow2 files, and daemons that serve them.

    :ivar images: the directory of its files.
    :ivar run: the directory of its sockets.
    """

    name: str
    images: pathlib.Path
    run: pathlib.Path

    def driver(self, book):
        """Return a driver to look with."""
        return qsd.QsdDriver(types.SimpleNamespace(
            qsd_directory=str(self.images),
            qsd_run_directory=str(self.run)), self.name, book)

    def problems(self, book, attached):
        """Yield files and daemons that should not be there."""
        known = {one.detail for one in self.driver(book).list_objects()
                 if one.kind == 'file'}
        known |= {f'{key.partition(":")[2]}.qcow2' for key, _ in book.items()
                  if key.startswith('foreign:')}
        for entry in os.scandir(self.images):
            if (entry.is_file() and entry.name not in known
                    and not entry.name.startswith(FOREIGN)):
                yield f'the file {entry.name} belongs to nobody'
        trash = [key for key, _ in book.items() if key.startswith('trash:')]
        if trash:
            yield f'not thrown away: {trash}'
        running = sorted(storage.daemons(str(self.run)).values())
        wanted = sorted(daemon.stem(one) for one in attached)
        if running != wanted:
            yield f'storage daemons {running} run instead of {wanted}'

    def snapshot_bytes(self, book, snapshot, length):
        """Return the first bytes of a snapshot, from the image files."""
        facts = book.read(f'snapshot:{snapshot["id"]}')
        if facts is None:
            return None
        target = self.run.parent / 'bytes'
        subprocess.run(
            ['qemu-img', 'dd', '-U', '-f', 'qcow2', '-O', 'raw',
             f'bs={length}', 'count=1',
             f'if={self.images / facts["layer"]}.qcow2', f'of={target}'],
            check=True, capture_output=True)
        return target.read_bytes()


class Lvm(typing.NamedTuple):
    """A back end with thin volumes in a volume group.

    :ivar group: the volume group.
    :ivar pool: its thin pool.
    """

    name: str
    group: str
    pool: str

    def driver(self, book):
        """Return a driver to look with."""
        return lvm.ThinLvmDriver(types.SimpleNamespace(
            lvm_volume_group=self.group, lvm_pool=self.pool,
            lvm_local_hosts=['looker']), self.name, book)

    def problems(self, book, attached):
        """Yield what stands in the group and belongs to nobody."""
        known = {one.detail for one in self.driver(book).list_objects()}
        done = subprocess.run(
            ['lvs', '--noheadings', '-o', 'lv_name,lv_tags', self.group],
            check=True, capture_output=True, text=True)
        for line in done.stdout.splitlines():
            name, *tags = line.split()
            # What has no tag is somebody else's, or was let go.
            if tags and name not in known:
                yield f'the logical volume {name} belongs to nobody'
            if 'reverting' in ''.join(tags):
                yield f'{name} is still going back'
        wanted = {f'connections:volume-{one}' for one in attached}
        noted = {key for key, _ in book.items()}
        if noted != wanted:
            yield f'the book has {noted} instead of {wanted}'

    def snapshot_bytes(self, book, snapshot, length):
        """Return the first bytes of a snapshot, by way of its own device."""
        name = f'{self.group}/_snapshot-{snapshot["id"]}'
        subprocess.run(['lvchange', '-qq', '-ay', '-K', name], check=True)
        connection = connections.open_connection({
            'driver_volume_type': 'local',
            'data': {'device_path': f'/dev/{name}'}})
        try:
            found = bytearray(length)
            connection.read_into(0, memoryview(found))
        finally:
            connection.close()
        return bytes(found)
