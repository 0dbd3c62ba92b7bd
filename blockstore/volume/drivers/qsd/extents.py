"""Which parts of a snapshot hold data, and which changed since another one.

Both are read off the layers: what a layer between two snapshots has
allocated was written between them.  Nothing is recorded while clients write,
so nothing can be lost in a crash.
"""

from collections.abc import Iterator
import contextlib

from blockstore import exceptions
from blockstore.volume.connections import nbd
from blockstore.volume.connections.base import Extent
from blockstore.volume.drivers.base import Document
from blockstore.volume.drivers.qsd import merges
from blockstore.volume.drivers.qsd import recovery
from blockstore.volume.drivers.qsd.backend import Backend


def allocated(backend: Backend, snapshot: Document, offset: int, length: int,
              ) -> Iterator[Extent]:
    """Yield what is allocated in a run of a snapshot."""
    length = min(length, snapshot['size'] - offset)
    with _reading(backend, snapshot) as connection:
        yield from connection.extents(offset, length)


def changed(backend: Backend, snapshot: Document, base: Document,
            offset: int, length: int) -> Iterator[Extent]:
    """Yield what may differ between two snapshots of one volume.

    :param base: the older one.
    :raises Unsupported: when it is not below the newer one.
    """
    length = min(length, snapshot['size'] - offset)
    with _reading(backend, snapshot) as connection:
        chain = backend.chain.down(snapshot['layer'])
        if base['layer'] not in chain:
            raise exceptions.Unsupported(
                'the base is not an older state of the same volume',
                remedy='make a full backup')
        layers = chain.index(base['layer'])
        yield from nbd.merged(_since(connection, layers, base['size'],
                                     offset, length))


def _since(connection: nbd.NbdConnection, layers: int, base_size: int,
           offset: int, length: int) -> Iterator[Extent]:
    for start, size, zero, depth in connection.depth_extents(offset, length):
        if 1 <= depth <= layers:
            yield Extent(start, size, zero)
        elif start + size > base_size:
            # Beyond the base's end: new, if only as zeros.
            first = max(start, base_size)
            yield Extent(first, start + size - first, zero)


@contextlib.contextmanager
def _reading(backend: Backend, snapshot: Document,
             ) -> Iterator[nbd.NbdConnection]:
    """Export a frozen layer for the time of one map."""
    volume_id = snapshot['volume']
    name = recovery.new_export()
    with backend.lock(volume_id):
        recovery.ready(backend, volume_id)
        merges.interrupt(backend, volume_id)
        daemon = backend.running(volume_id)
        daemon.add_layers(backend.chain.down(snapshot['layer']),
                          writable=False)
        daemon.add_export(name, writable=False, layer=snapshot['layer'])
        backend.count_reader(volume_id, 1)
    try:
        connection = nbd.connect({'unix_socket': daemon.socket_path,
                                  'export': name})
        try:
            yield connection
        finally:
            connection.close()
    finally:
        with backend.lock(volume_id):
            backend.count_reader(volume_id, -1)
            if daemon.alive():
                daemon.remove_export(name)
            backend.prune_nodes(volume_id)
            backend.release(volume_id)
        backend.later(volume_id)
