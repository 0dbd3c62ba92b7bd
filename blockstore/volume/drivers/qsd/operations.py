"""The short operations on a chain: create, extend, revert, delete.

Each writes its intent into the book, does the outside effect, and writes the
fact.  Callers hold the family's lock and have called ``recovery.ready``.
What is cut off anywhere is finished or backed out by
:mod:`blockstore.volume.drivers.qsd.recovery`.
"""

import typing

from blockstore import exceptions
from blockstore.volume.drivers.base import Document
from blockstore.volume.drivers.qsd import chain as facts
from blockstore.volume.drivers.qsd import merges
from blockstore.volume.drivers.qsd import recovery
from blockstore.volume.drivers.qsd.backend import Backend
from blockstore.volume.drivers.qsd.push import begin


def create(backend: Backend, volume_id: str, size: int,
           parent: str | None = None, family: str | None = None) -> None:
    """Make a volume of ``size`` bytes, empty or over a frozen layer."""
    recovery.ready(backend, volume_id)
    found = backend.chain.get('volume', volume_id)
    if found is not None:
        if found['size'] != size:
            raise exceptions.DriverError(
                f'volume {volume_id} exists with {found["size"]} bytes, not '
                f'{size}')
        return
    layer, number = backend.chain.new_layer(volume_id)
    op = {'kind': 'create', 'new': layer, 'parent': parent}
    begin(backend, {
        f'layer:{layer}': {'parent': parent},
        f'volume:{volume_id}': facts.new_volume(
            size, layer, family or volume_id, number, op)})
    try:
        backend.images.create(layer, size, parent)
    except exceptions.DriverError:
        backend.commit_and_clean({
            f'layer:{layer}': None, f'volume:{volume_id}': None,
            f'trash:{layer}': {}})
        raise
    recovery.finish(backend, volume_id)


def extend(backend: Backend, volume_id: str, size: int) -> None:
    """Grow a volume to ``size`` bytes, also under its clients.

    Clients of the volume itself are disconnected for some milliseconds: an
    export does not allow its device to change its length.
    """
    volume = backend.chain.volume(volume_id)
    if size < volume['size']:
        raise exceptions.DriverError(
            f'volume {volume_id} has {volume["size"]} bytes and cannot '
            f'shrink to {size}')
    if size == volume['size']:
        return
    merges.interrupt(backend, volume_id)
    begin(backend, {f'volume:{volume_id}': {
        **backend.chain.volume(volume_id),
        'op': {'kind': 'extend', 'size': size}}})
    try:
        daemon = backend.running(volume_id)
        for attachment in volume['attachments'].values():
            if not attachment['layer']:
                daemon.remove_export(attachment['export'])
        daemon.resize(size)
    except exceptions.DriverError:
        backend.verified.discard(volume_id)
        recovery.ready(backend, volume_id)
        if backend.chain.volume(volume_id)['size'] != size:
            raise
    else:
        recovery.finish(backend, volume_id)
        backend.verified.discard(volume_id)
        recovery.ready(backend, volume_id)
    backend.release(volume_id)


def revert(backend: Backend, volume_id: str, snapshot: Document) -> None:
    """Put a detached volume back on a snapshot's layer; its size stays."""
    refuse_if_used(backend, volume_id, 'revert')
    merges.interrupt(backend, volume_id)
    backend.stop(volume_id)
    volume = backend.chain.volume(volume_id)
    size = max(volume['size'], snapshot['size'])
    new, number = backend.chain.new_layer(volume_id)
    op = {'kind': 'revert', 'old': volume['active'], 'new': new,
          'layer': snapshot['layer'], 'size': size}
    begin(backend, {
        f'layer:{new}': {'parent': snapshot['layer']},
        f'volume:{volume_id}': {**volume, 'seq': number, 'op': op}})
    try:
        backend.images.create(new, size, snapshot['layer'])
    except exceptions.DriverError:
        recovery.ready(backend, volume_id)
        raise
    recovery.finish(backend, volume_id)


def delete(backend: Backend, volume_id: str) -> None:
    """Remove a volume; layers that clones stand on stay."""
    snapshots = backend.chain.snapshots(volume_id)
    if snapshots:
        raise exceptions.VolumeIsBusy(
            f'volume {volume_id} has snapshots',
            blockers=sorted(
                f'back-end snapshot {one["layer"]}' if one.get('foreign')
                else f'snapshot {name}' for name, one in snapshots.items()),
            remedy='manage and delete its snapshots first')
    refuse_if_used(backend, volume_id, 'delete')
    merges.interrupt(backend, volume_id)
    backend.stop(volume_id)
    family = backend.chain.family(volume_id)
    backend.commit_and_clean(backend.chain.collected(
        {f'volume:{volume_id}': None}))
    for relative in backend.chain.relatives(family):
        backend.later(relative)


def drop_snapshot(backend: Backend, snapshot_id: str,
                  snapshot: Document) -> None:
    """Forget a snapshot; what only it needed goes, its layer may merge."""
    if snapshot['exports']:
        raise exceptions.SnapshotIsBusy(
            f'snapshot {snapshot_id} is being read',
            blockers=facts.blockers(snapshot['exports'], 'connection'),
            remedy='end its connections first')
    volume_id = snapshot['volume']
    merges.interrupt(backend, volume_id)
    changes = backend.chain.collected({f'snapshot:{snapshot_id}': None})
    if any(key.startswith('trash:') for key in changes):
        backend.prune_nodes(volume_id)
    backend.commit_and_clean(changes)


def refuse_if_used(backend: Backend, volume_id: str, action: str) -> None:
    """Raise VolumeIsBusy when a volume has connections or readers."""
    used = [f'connection {identity}' for identity in
            backend.chain.volume(volume_id)['attachments']]
    used += [reader for reader in backend.readers(volume_id)
             if reader not in used]
    if used:
        raise exceptions.VolumeIsBusy(
            f'cannot {action} volume {volume_id} while it is in use',
            blockers=used, remedy='end its connections first')


def require_volume(backend: Backend, volume_id: str) -> dict[str, typing.Any]:
    """Return a volume's facts, or raise that it is not there."""
    volume = backend.chain.get('volume', volume_id)
    if volume is None:
        raise exceptions.DriverError(
            f'volume {volume_id} is not on this back end')
    return volume


def require_snapshot(backend: Backend, snapshot_id: str) -> Document:
    """Return a snapshot's facts, or raise that it is not there."""
    snapshot = backend.chain.get('snapshot', snapshot_id)
    if snapshot is None or snapshot.get('foreign'):
        raise exceptions.DriverError(
            f'snapshot {snapshot_id} is not on this back end')
    return snapshot
