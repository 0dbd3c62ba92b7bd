"""What this back end consists of, each thing with its owner."""

from collections.abc import Iterator
import os
import uuid

from blockstore.volume.drivers.base import BackendObject
from blockstore.volume.drivers.qsd import daemon
from blockstore.volume.drivers.qsd import images
from blockstore.volume.drivers.qsd.backend import Backend


def list_objects(backend: Backend) -> list[BackendObject]:
    """List volumes, snapshots, exports, files and processes."""
    return [*_records(backend), *_files(backend), *_processes(backend)]


def _records(backend: Backend) -> Iterator[BackendObject]:
    chain = backend.chain
    for volume_id in chain.volumes():
        volume = chain.volume(volume_id)
        yield BackendObject('volume', volume_id, volume['active'])
        for attachment in volume['attachments'].values():
            yield BackendObject('export', volume_id, attachment['export'])
    for snapshot_id, snapshot in chain.snapshots().items():
        if snapshot.get('foreign'):
            continue
        yield BackendObject('snapshot', snapshot_id, snapshot['layer'])
        for export in snapshot['exports'].values():
            yield BackendObject('export', snapshot_id, export)


def _files(backend: Backend) -> Iterator[BackendObject]:
    """A file belongs to the volume in its name, or to who stands on it."""
    volumes, layers = backend.chain.volumes(), backend.chain.layers()
    for name in sorted(backend.images.names()):
        if backend.chain.get('foreign', name) is not None:
            continue
        owner = images.owner_of(name) or ''
        if owner not in volumes and name in layers:
            owner = next(iter(backend.chain.users(name)), owner)
        yield BackendObject('file', owner, name + images.suffix(name))


def _processes(backend: Backend) -> Iterator[BackendObject]:
    directory = backend.settings.run_directory
    owners = {daemon.stem(volume_id): volume_id
              for volume_id in backend.chain.volumes()}
    # What is frozen is read through processes of their own.
    owners.update((daemon.stem(one.detail), one.id)
                  for one in _records(backend) if one.kind == 'export')
    for name in sorted(os.listdir(directory)):
        stem, suffix = os.path.splitext(name)
        if suffix != '.pid' or len(stem) != 32:
            continue
        pid = daemon.living(os.path.join(directory, name))
        if pid is not None:
            owner = owners.get(stem) or str(uuid.UUID(stem))
            yield BackendObject('process', owner, f'pid {pid}')
