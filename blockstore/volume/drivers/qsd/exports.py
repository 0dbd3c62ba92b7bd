"""Connections: who may reach what, under which name.

An attachment of a volume leads to its active layer, through ``root``.  A
backup connection leads to a layer that was frozen when it was asked for, and
a connection to a snapshot to the snapshot's layer: their bytes never change,
and a process of its own serves each of them.
The book has an export before the daemon has it.
"""

from collections.abc import Mapping
import typing
import urllib.parse

from blockstore import exceptions
from blockstore.lifecycle import boundaries
from blockstore.volume.drivers.base import ConnectionInfo
from blockstore.volume.drivers.base import Document
from blockstore.volume.drivers.qsd import merges
from blockstore.volume.drivers.qsd import readers
from blockstore.volume.drivers.qsd import recovery
from blockstore.volume.drivers.qsd.backend import Backend
from blockstore.volume.drivers.qsd.push import push

_BACKUP = 'backup/'


def identity_of(connector: Mapping[str, typing.Any]) -> str:
    """Return what tells a connector from others."""
    return str(connector.get('attachment_id') or connector.get('host')
               or 'default')


def mode_of(connector: Mapping[str, typing.Any]) -> str:
    """Return ``ro`` or ``rw``, the default.

    :raises InvalidConnector: for any other mode.
    """
    mode = connector.get('mode') or 'rw'
    if mode not in ('ro', 'rw'):
        raise exceptions.InvalidConnector(
            f'the mode {mode!r} is not known', remedy='use ro or rw')
    return str(mode)


def is_backup(connector: Mapping[str, typing.Any]) -> bool:
    """Tell whether a connector asks for bytes that do not change."""
    return (connector.get('purpose') == 'backup'
            and mode_of(connector) == 'ro')


def _info(backend: Backend, volume_id: str, export: str, size: int,
          mode: str, layer: str | None) -> ConnectionInfo:
    daemon = (readers.find(backend, volume_id, export) if layer
              else backend.daemon(volume_id))
    path = daemon.socket_path
    return {'driver_volume_type': 'nbd', 'data': {
        'unix_socket': path, 'export': export, 'size': size,
        'access_mode': mode,
        'uri': f'nbd+unix:///{export}?socket={urllib.parse.quote(path)}'}}


def _commit(backend: Backend, key: str, document: Document) -> None:
    with boundaries.around('driver', 'qsd.book'):
        backend.chain.commit({key: document})


def attach(backend: Backend, volume_id: str,
           connector: Mapping[str, typing.Any]) -> ConnectionInfo:
    """Give a connector its export; the same one again for the same one."""
    mode, backup = mode_of(connector), is_backup(connector)
    identity = (_BACKUP if backup else '') + identity_of(connector)
    volume = backend.chain.volume(volume_id)
    attachment = volume['attachments'].get(identity)
    if attachment and attachment['mode'] != mode:
        raise exceptions.InvalidConnector(
            f'{identity} is connected with mode {attachment["mode"]}',
            remedy='end that connection first')
    if attachment is None or attachment['state'] == 'lost':
        attachment = _new_attachment(backend, volume_id, mode, backup)
        volume = backend.chain.volume(volume_id)
        volume['attachments'][identity] = attachment
        _commit(backend, f'volume:{volume_id}', volume)
    attaching = attachment['state'] == 'attaching'
    if attaching or attachment['layer']:
        _open(backend, volume_id, attachment['export'], mode == 'rw',
              attachment['layer'])
    if attaching:
        attachment['state'] = 'attached'
        _commit(backend, f'volume:{volume_id}', volume)
    return _info(backend, volume_id, attachment['export'],
                 attachment['size'] if backup else volume['size'], mode,
                 attachment['layer'])


def _new_attachment(backend: Backend, volume_id: str, mode: str,
                    backup: bool) -> Document:
    merges.interrupt(backend, volume_id, for_client=not backup)
    layer = None
    if backup:
        # An export of the active layer would move up with the next push, so
        # the layer is frozen now, whether or not a writer is there.
        layer = push(backend, volume_id, pad=True)
    return {'export': recovery.new_export(), 'mode': mode, 'layer': layer,
            'state': 'attaching',
            'size': backend.chain.volume(volume_id)['size']}


def _open(backend: Backend, volume_id: str, export: str, writable: bool,
          layer: str | None) -> None:
    if layer:
        readers.open_(backend, volume_id, export, layer)
    else:
        backend.running(volume_id).add_export(export, writable=writable)


def detach(backend: Backend, volume_id: str,
           connector: Mapping[str, typing.Any] | None) -> None:
    """End one connection of a volume, or (None) all; gone is success."""
    volume = backend.chain.volume(volume_id)
    attachments = volume['attachments']
    if connector is None:
        ended = list(attachments)
    else:
        identity = identity_of(connector)
        names = [identity, _BACKUP + identity]
        if is_backup(connector):
            names.reverse()
        ended = [name for name in names if name in attachments][:1]
    if not ended:
        return
    daemon = backend.daemon(volume_id)
    for name in ended:
        export = attachments[name]['export']
        if attachments[name]['layer']:
            readers.close(backend, volume_id, export)
        elif daemon.alive():
            daemon.remove_export(export)
        del attachments[name]
    _commit(backend, f'volume:{volume_id}', volume)
    _closed(backend, volume_id)


def attach_snapshot(backend: Backend, snapshot_id: str,
                    connector: Mapping[str, typing.Any]) -> ConnectionInfo:
    """Give a connector a read-only export of a snapshot."""
    key = f'snapshot:{snapshot_id}'
    snapshot = backend.chain.get('snapshot', snapshot_id) or {}
    volume_id = snapshot['volume']
    identity = identity_of(connector)
    if identity not in snapshot['exports']:
        merges.interrupt(backend, volume_id)
        snapshot = backend.chain.get('snapshot', snapshot_id) or {}
        snapshot['exports'][identity] = recovery.new_export()
        _commit(backend, key, snapshot)
    export = snapshot['exports'][identity]
    _open(backend, volume_id, export, False, snapshot['layer'])
    return _info(backend, volume_id, export, snapshot['size'], 'ro',
                 snapshot['layer'])


def detach_snapshot(backend: Backend, snapshot_id: str,
                    connector: Mapping[str, typing.Any] | None) -> None:
    """End one connection of a snapshot, or all; gone is success."""
    snapshot = backend.chain.get('snapshot', snapshot_id) or {}
    exports, volume_id = snapshot['exports'], snapshot['volume']
    ended = list(exports) if connector is None else [
        name for name in (identity_of(connector),) if name in exports]
    if not ended:
        return
    for name in ended:
        readers.close(backend, volume_id, exports[name])
        del exports[name]
    _commit(backend, f'snapshot:{snapshot_id}', snapshot)
    _closed(backend, volume_id)


def _closed(backend: Backend, volume_id: str) -> None:
    backend.prune_nodes(volume_id)
    backend.release(volume_id)
    backend.later(volume_id)
