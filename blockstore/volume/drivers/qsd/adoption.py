"""Taking files and chains of the directory over, and letting them go.

A *foreign* file is one that no volume has.  It is taken over as a volume
under a reference that says its format, ``{'source-name': 'disk.img',
'format': 'raw'}`` or ``{'raw': 'disk.img'}``: nothing is ever guessed from
what a guest may have written.  A single file gets a layer's name; a whole
chain that this driver made once (here or in another installation) keeps its
names, and its frozen layers become foreign snapshots, which no merge touches.

A *foreign snapshot* is a ``snapshot:`` document without an owner, marked
``foreign``.  ``foreign:<layer>`` notes a file that was let go, so that it is
nobody's orphan.  Callers hold the family's lock.
"""

from collections.abc import Iterator
from collections.abc import Set
import itertools
import os
import stat
import typing

from blockstore import exceptions
from blockstore.lifecycle import boundaries
from blockstore.volume.drivers import manageable
from blockstore.volume.drivers.base import Document
from blockstore.volume.drivers.qsd import chain as facts
from blockstore.volume.drivers.qsd import images
from blockstore.volume.drivers.qsd import merges
from blockstore.volume.drivers.qsd import operations
from blockstore.volume.drivers.qsd import recovery
from blockstore.volume.drivers.qsd.backend import Backend
from blockstore.volume.drivers.qsd.chain import Changes
from blockstore.volume.drivers.qsd.push import begin

FORMATS = ('qcow2', 'raw')
_REMEDY = 'list what can be managed on this back end'


class Found(typing.NamedTuple):
    """What a reference names.

    :ivar layers: of a chain of ours, top first; () for any other file.
    """

    name: str
    format: str
    size: int
    layers: tuple[str, ...]


# Volumes.

def find(backend: Backend, reference: manageable.Reference,
         below: Set[str] | None = None) -> Found:
    """Return what can be taken over as a volume.

    :param below: the files that others stand on, if they are known already.
    :raises ManageExistingInvalidReference: it cannot be.
    :raises ManageExistingAlreadyManaged: a volume has it.
    """
    name, wanted = _read(reference)
    layer = images.layer_of(name)
    if wanted is None and layer is not None:
        wanted = images.format_of(layer)    # We have named it so ourselves.
    if wanted not in FORMATS:
        raise _refused(
            reference, 'its format must be given, it is never guessed',
            "add 'format': 'qcow2' or 'raw' to the reference")
    if layer is not None and layer in backend.chain.layers():
        raise _taken(backend, reference, layer)
    if layer in backend.chain.trash():
        raise _refused(reference, 'it is about to be removed')
    size = _look(backend, reference, name)
    if name in (_below(backend) if below is None else below):
        raise _refused(reference, 'another file stands on it')
    if wanted == 'raw':
        return _found_raw(reference, name, size, layer)
    header = _header(backend, reference, name)
    if header.backing is None:
        return Found(name, wanted, header.size,
                     (layer,) if layer is not None else ())
    return Found(name, wanted, header.size,
                 _own_chain(backend, reference, layer))


def take(backend: Backend, volume_id: str, found: Found) -> None:
    """Make a file or a chain a volume; the file's bytes stay as they are."""
    if found.layers:
        layers = found.layers
        changes: Changes = {
            f'layer:{layer}': {'parent': parent}
            for layer, parent in zip(layers, [*layers[1:], None],
                                     strict=True)}
        changes |= {f'snapshot:{layer}': {
            'volume': volume_id, 'layer': layer, 'exports': {},
            'size': backend.images.header(layer).size, 'foreign': True}
            for layer in layers[1:]}
        changes |= {f'foreign:{layer}': None for layer in layers}
        backend.commit_and_clean(changes | {f'volume:{volume_id}': {
            **facts.new_volume(found.size, layers[0], volume_id, 0, {}),
            'op': None}})
        return
    number = images.RAW_NUMBER if found.format == 'raw' else 1
    layer = images.layer_name(volume_id, number)
    begin(backend, {
        f'layer:{layer}': {'parent': None},
        f'volume:{volume_id}': facts.new_volume(
            found.size, layer, volume_id, number,
            {'kind': 'manage', 'new': layer})})
    try:
        with boundaries.around('driver', 'qsd.adopt'):
            backend.images.take(found.name, layer)
    except OSError as error:
        recovery.ready(backend, volume_id)
        raise exceptions.DriverError(
            f'{found.name} cannot be taken over: {error}') from error
    recovery.finish(backend, volume_id)


def let_go(backend: Backend, volume_id: str) -> None:
    """Forget a volume; its files stay, and are noted as nobody's."""
    operations.refuse_if_used(backend, volume_id, 'unmanage')
    managed = [name for name, snapshot
               in backend.chain.snapshots(volume_id).items()
               if not snapshot.get('foreign')]
    if managed:
        raise exceptions.VolumeIsBusy(
            f'volume {volume_id} has snapshots',
            blockers=facts.blockers(managed, 'snapshot'),
            remedy='unmanage its snapshots first')
    merges.interrupt(backend, volume_id)
    backend.stop(volume_id)
    _stand_alone(backend, volume_id)
    layers = backend.chain.down(backend.chain.volume(volume_id)['active'])
    changes: Changes = {f'volume:{volume_id}': None}
    for layer in layers:
        changes[f'layer:{layer}'] = None
        changes[f'foreign:{layer}'] = {}
    changes |= {f'snapshot:{name}': None
                for name in backend.chain.snapshots(volume_id)}
    backend.commit_and_clean(changes)


def _stand_alone(backend: Backend, volume_id: str) -> None:
    """Copy what others' layers hold into the lowest layer of its own."""
    chain = backend.chain
    layers = chain.down(chain.volume(volume_id)['active'])
    own = [layer for layer in layers if chain.users(layer) == [volume_id]
           and not _of_others(chain.snapshots(), layer, volume_id)]
    if len(own) == len(layers):
        return
    for layer, parent in itertools.zip_longest(layers, layers[1:]):
        backend.images.verify(layer, parent)
    lowest = own[-1]
    begin(backend, {f'volume:{volume_id}': {
        **chain.volume(volume_id),
        'op': {'kind': 'flatten', 'layer': lowest}}})
    backend.images.flatten(lowest)
    recovery.finish(backend, volume_id)


def _of_others(snapshots: dict[str, Document], layer: str, volume_id: str,
               ) -> bool:
    return any(one['layer'] == layer and one['volume'] != volume_id
               for one in snapshots.values())


# Snapshots.

def find_snapshot(backend: Backend, volume_id: str, snapshot_id: str,
                  reference: manageable.Reference) -> tuple[str, int]:
    """Return the layer that can be a snapshot, and its size.

    :raises ManageExistingInvalidReference: it is no frozen layer of that
        volume.
    :raises ManageExistingAlreadyManaged: it is another snapshot's.
    """
    layer = images.layer_of(_file_name(reference))
    volume = backend.chain.get('volume', volume_id)
    below = [] if volume is None else backend.chain.down(volume['active'])[1:]
    if layer is None or layer not in below:
        raise _refused(reference, f'it is no frozen layer of volume '
                                  f'{volume_id}')
    for name, snapshot in backend.chain.snapshots().items():
        if snapshot['layer'] == layer and snapshot['volume'] != volume_id:
            raise _refused(reference, 'it belongs to the volume '
                                      f'{snapshot["volume"]}')
        if (snapshot['layer'] == layer and name != snapshot_id
                and not snapshot.get('foreign')):
            raise exceptions.ManageExistingAlreadyManaged(
                volume_ref=name, blockers=[f'snapshot {name}'],
                remedy='unmanage it there first')
    return layer, backend.images.header(layer).size


def take_snapshot(backend: Backend, volume_id: str, snapshot_id: str,
                  layer: str, size: int) -> None:
    """Make a frozen layer a snapshot."""
    merges.interrupt(backend, volume_id)
    changes: Changes = {
        f'snapshot:{name}': None for name, snapshot
        in backend.chain.snapshots(volume_id).items()
        if snapshot['layer'] == layer and snapshot.get('foreign')}
    backend.commit_and_clean({**changes, f'snapshot:{snapshot_id}': {
        'volume': volume_id, 'layer': layer, 'size': size, 'exports': {}}})


def let_snapshot_go(backend: Backend, snapshot_id: str,
                    snapshot: Document) -> None:
    """Forget a snapshot; its layer stays, and no merge touches it."""
    if snapshot['exports']:
        raise exceptions.SnapshotIsBusy(
            f'snapshot {snapshot_id} is being read',
            blockers=facts.blockers(snapshot['exports'], 'connection'),
            remedy='end its connections first')
    merges.interrupt(backend, snapshot['volume'])
    # A merge that came to its end may have moved it to another layer.
    found = operations.require_snapshot(backend, snapshot_id)
    backend.commit_and_clean(
        {f'snapshot:{snapshot_id}': {**found, 'foreign': True}})
    backend.later(snapshot['volume'])


# Lists.

def volumes(backend: Backend) -> Iterator[manageable.Manageable]:
    """Yield the files that are a volume's top, or could become one."""
    chain = backend.chain
    known = chain.layers()
    for volume_id in chain.volumes():
        volume = chain.volume(volume_id)
        yield _entry(reference_to(volume['active']), volume['size'],
                     volume_id)
    below = _below(backend)
    for name in backend.images.files():
        if images.layer_of(name) in known:
            continue
        entry = _free(backend, name, below)
        if entry is not None:
            yield entry


def _free(backend: Backend, name: str, below: Set[str],
          ) -> manageable.Manageable | None:
    """Return the line of a file that no volume has; None: it cannot be one.

    The format is what the file's name says; nothing is read but the size.
    """
    reference = {'source-name': name, 'format': images.format_named(name)}
    if name in {layer + images.suffix(layer) for layer
                in backend.chain.trash()}:
        return None
    try:
        found = find(backend, reference, below)
    except exceptions.DriverError:
        return None
    return _entry(reference, found.size, None,
                  'the format is what the name of the file says')


def snapshots(backend: Backend) -> Iterator[manageable.Manageable]:
    """Yield the frozen layers that are snapshots, or were."""
    chain = backend.chain
    for name, snapshot in chain.snapshots().items():
        entry = _entry(reference_to(snapshot['layer']), snapshot['size'],
                       None if snapshot.get('foreign') else name)
        entry['source_reference'] = reference_to(
            chain.volume(snapshot['volume'])['active'])
        yield entry


def reference_to(layer: str) -> dict[str, typing.Any]:
    """Return the reference of a layer's file."""
    return {'source-name': layer + images.suffix(layer),
            'format': images.format_of(layer)}


def gib(size: int) -> int:
    """Return bytes in GiB, rounded up, at least 1."""
    return max(1, -(-size >> 30))


def _entry(reference: dict[str, typing.Any], size: int, id_: str | None,
           extra: str | None = None) -> manageable.Manageable:
    return manageable.Manageable(
        reference=reference, size=gib(size), safe_to_manage=id_ is None,
        reason_not_safe=None if id_ is None else 'already managed',
        cinder_id=id_, extra_info=extra)


# Looking at files.

def _below(backend: Backend) -> set[str]:
    """Return the names of the files that images without a volume stand on."""
    known = backend.chain.layers()
    found = set()
    for name in backend.images.files():
        if (images.format_named(name) != 'qcow2'
                or images.layer_of(name) in known):
            continue
        try:
            backing = backend.images.header_of(name).backing
        except exceptions.DriverError:
            continue    # It is no image, so it stands on nothing.
        if backing is not None:
            found.add(os.path.basename(backing))
    return found


def _read(reference: manageable.Reference) -> tuple[str, typing.Any]:
    """Return the file's name and the format, if that is given.

    For clients that send one key alone, ``{'raw': NAME}`` says both.
    """
    if isinstance(reference, typing.Mapping):
        for format_ in FORMATS:
            if list(reference) == [format_]:
                return _file_name(reference[format_]), format_
        return _file_name(reference), reference.get('format')
    return _file_name(reference), None


def _file_name(reference: manageable.Reference) -> str:
    name = manageable.source_name(reference)
    if os.path.basename(name) != name or name in ('.', '..') or '\0' in name:
        raise _refused(reference, 'it is no name of a file in the directory '
                                  'of the back end',
                       'move the file there, and give its name alone')
    return name


def _look(backend: Backend, reference: manageable.Reference, name: str,
          ) -> int:
    """Return the length of a plain file of the directory."""
    try:
        status = os.lstat(os.path.join(backend.images.directory, name))
    except (OSError, ValueError) as error:
        raise _refused(reference, f'there is no such file: {error}'
                       ) from error
    if stat.S_ISLNK(status.st_mode):
        raise _refused(reference, 'it is a symbolic link')
    if not stat.S_ISREG(status.st_mode):
        raise _refused(reference, 'it is no regular file')
    if status.st_nlink != 1:
        raise _refused(reference, 'the file has other names, too')
    return status.st_size


def _found_raw(reference: manageable.Reference, name: str, size: int,
               layer: str | None) -> Found:
    if layer is not None and images.format_of(layer) != 'raw':
        raise _refused(reference, 'it is a qcow2 file by its name')
    if not size or size % 512:
        raise _refused(reference, f'{size} bytes are no whole number of '
                                  'sectors')
    return Found(name, 'raw', size, (layer,) if layer is not None else ())


def _header(backend: Backend, reference: manageable.Reference, name: str,
            ) -> images.Header:
    """Read a qcow2 file's header; refuse all that leads elsewhere."""
    try:
        header = backend.images.header_of(name)
        backend.images.check_plain(header)
    except exceptions.DriverError as error:
        raise _refused(reference, error.message) from error
    return header


def _own_chain(backend: Backend, reference: manageable.Reference,
               layer: str | None) -> tuple[str, ...]:
    """Follow the backing files of a chain that this driver has made."""
    found: list[str] = []
    owner = images.owner_of(layer) if layer is not None else None
    while layer is not None:
        name = layer + images.suffix(layer)
        if (images.owner_of(layer) != owner or owner is None
                or layer in found or layer in backend.chain.layers()
                or layer in backend.chain.trash()):
            break
        _look(backend, reference, name)
        found.append(layer)
        if images.format_of(layer) == 'raw':
            return tuple(found)
        header = _header(backend, reference, name)
        if header.backing is None:
            return tuple(found)
        layer = images.layer_of(header.backing)
        if layer is None or header.backing_format != images.format_of(layer):
            break
    raise _refused(
        reference, 'it has a backing file, and is no chain that this driver '
        'has made', 'make it stand alone: qemu-img convert')


def _taken(backend: Backend, reference: manageable.Reference, layer: str,
           ) -> exceptions.DriverError:
    owners = [volume_id for volume_id in backend.chain.users(layer)
              if backend.chain.volume(volume_id)['active'] == layer]
    if not owners:
        return _refused(reference, 'it is a layer of a volume, not a volume')
    return exceptions.ManageExistingAlreadyManaged(
        volume_ref=owners[0], blockers=[f'volume {owners[0]}'],
        remedy='unmanage it there first')


def _refused(reference: manageable.Reference, reason: str,
             remedy: str = _REMEDY,
             ) -> exceptions.ManageExistingInvalidReference:
    return exceptions.ManageExistingInvalidReference(
        existing_ref=reference, reason=reason, remedy=remedy)
