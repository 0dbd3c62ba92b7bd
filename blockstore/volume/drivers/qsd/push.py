"""The one way to freeze a volume's bytes: a new empty layer on top.

Used for snapshots, clones and backup connections alike, under running
clients or without any.  The caller holds the family's lock and has stopped
a merge that was under way.
"""

from blockstore import exceptions
from blockstore.lifecycle import boundaries
from blockstore.volume.drivers.qsd import recovery
from blockstore.volume.drivers.qsd.backend import Backend
from blockstore.volume.drivers.qsd.chain import Changes


def begin(backend: Backend, changes: Changes) -> None:
    """Write an intent into the book."""
    with boundaries.around('driver', 'qsd.intent'):
        backend.chain.commit(changes)


def push(backend: Backend, volume_id: str, *, snapshot: str | None = None,
         pad: bool = False) -> str:
    """Freeze the active layer and go on in an empty one above it.

    :param snapshot: the id of the snapshot that the frozen layer becomes.
    :param pad: the new layer is there only to allow a merge.
    :returns: the frozen layer.
    :raises DriverError: nothing was changed then, or recovery has to tell.
    """
    volume = backend.chain.volume(volume_id)
    old = str(volume['active'])
    new, number = backend.chain.new_layer(volume_id)
    op = {'kind': 'push', 'old': old, 'new': new, 'snapshot': snapshot,
          'pad': pad}
    begin(backend, {
        f'layer:{new}': {'parent': old},
        f'volume:{volume_id}': {**volume, 'seq': number, 'op': op}})
    try:
        backend.images.create(new, volume['size'], old)
        daemon = backend.daemon(volume_id)
        if daemon.alive():
            daemon.push(old, new)
    except exceptions.DriverError:
        recovery.ready(backend, volume_id)
        if backend.chain.volume(volume_id)['active'] != new:
            raise
    else:
        recovery.finish(backend, volume_id)
    return old
