"""Making a volume whole after a daemon, this service or both died.

:func:`ready` is called at the start of every operation on a volume.  It
finishes what was begun if its outside effect may have happened, backs it out
if it did not, takes a living daemon over, and brings exports back that were
lost with a dead one.
"""

import os
import secrets

from oslo_log import log as logging

from blockstore import exceptions
from blockstore.volume.drivers.base import Document
from blockstore.volume.drivers.qsd import images
from blockstore.volume.drivers.qsd import readers
from blockstore.volume.drivers.qsd.backend import Backend
from blockstore.volume.drivers.qsd.chain import Changes
from blockstore.volume.drivers.qsd.daemon import node_name
from blockstore.volume.drivers.qsd.daemon import ROOT

LOG = logging.getLogger(__name__)


def new_export() -> str:
    """Return a name that nobody can guess (and QEMU takes for an id)."""
    return 'x' + secrets.token_hex(16)


def ready(backend: Backend, volume_id: str) -> None:
    """Bring a volume into the state that the book tells; cheap if it is.

    The caller holds the family's lock.

    :raises DriverError: when that cannot be done; nothing was opened then.
    """
    volume = backend.chain.get('volume', volume_id)
    if volume is None:
        return
    daemon = backend.daemon(volume_id)
    alive = daemon.alive()
    if alive and volume_id in backend.verified and (
            not volume['op'] or volume_id in backend.merging):
        return
    if not alive:
        merge = backend.merging.pop(volume_id, None)
        if merge:
            merge.settled.set()
        daemon.forget()
        backend.verified.discard(volume_id)
        _lose_clients(backend, volume_id)
    if volume['op'] and volume_id not in backend.merging:
        LOG.info('Volume %s: completing an interrupted %s.', volume_id,
                 volume['op']['kind'])
        _complete(backend, volume_id, volume['op'])
        if backend.chain.get('volume', volume_id) is None:
            return      # it was never made
    if daemon.alive():
        _adopt(backend, volume_id)
    restore_exports(backend, volume_id)


def _lose_clients(backend: Backend, volume_id: str) -> None:
    """Note which clients were connected to a daemon that died.

    What they wrote and did not flush is gone, and they must get to know.
    """
    if backend.settings.on_crash == 'reconnect':
        return
    volume = backend.chain.volume(volume_id)
    lost = [attachment for attachment in volume['attachments'].values()
            if not attachment['layer'] and attachment['state'] == 'attached']
    if not lost:
        return
    for attachment in lost:
        attachment['state'] = 'lost'
    LOG.warning('The storage daemon of volume %s died with %d clients: they '
                'have to connect again.', volume_id, len(lost))
    backend.chain.commit({f'volume:{volume_id}': volume})


def _complete(backend: Backend, volume_id: str, op: Document) -> None:
    if op['kind'] == 'merge':
        _complete_merge(backend, volume_id, op)
    elif op['kind'] == 'extend':
        finish(backend, volume_id)
    elif op['kind'] == 'manage':
        _complete_manage(backend, volume_id, op)
    elif op['kind'] == 'flatten':
        _complete_flatten(backend, volume_id, op)
    else:
        _complete_new_layer(backend, volume_id, op)


def _complete_manage(backend: Backend, volume_id: str, op: Document) -> None:
    """Keep a file that has got its new name; never remove one."""
    if os.path.lexists(backend.images.path(op['new'])):
        finish(backend, volume_id)
        return
    backend.chain.commit({f'volume:{volume_id}': None,
                          f'layer:{op["new"]}': None})


def _complete_flatten(backend: Backend, volume_id: str, op: Document,
                      ) -> None:
    """Note that a layer stands alone if it does; else it has its parent."""
    if backend.images.header(op['layer']).backing is None:
        finish(backend, volume_id)
    else:
        backend.chain.update(volume_id, op=None)


def _complete_new_layer(backend: Backend, volume_id: str, op: Document,
                        ) -> None:
    """Finish with the new layer if its file is whole; else do without it.

    An overlay that was never switched to is empty, one that was holds the
    newest writes: to use it is right in both cases.
    """
    new, parent = op['new'], backend.chain.parent(op['new'])
    whole = backend.images.matches(new, parent)
    if whole:
        if op['kind'] == 'push' and backend.daemon(volume_id).alive():
            _switch(backend, volume_id, op)
        finish(backend, volume_id)
        return
    volume = None
    if op['kind'] != 'create':
        volume = {**backend.chain.volume(volume_id), 'op': None}
    backend.commit_and_clean({
        f'volume:{volume_id}': volume, f'layer:{new}': None,
        f'trash:{new}': {}})


def _switch(backend: Backend, volume_id: str, op: Document) -> None:
    daemon = backend.daemon(volume_id)
    there = {ROOT, node_name(op['old'])} <= daemon.nodes().keys()
    if not there and not daemon.exports():
        # It was just being started.
        backend.stop(volume_id)
        return
    daemon.push(op['old'], op['new'])


def _complete_merge(backend: Backend, volume_id: str, op: Document) -> None:
    """Finish a merge if it came to its end; else undo its last step.

    The upper layer's file is whole as long as the intent stands.  A daemon
    points the child at the lower layer *before* it has flushed what it
    copied there (QEMU 7.2), so if it died, the child goes back.
    """
    daemon = backend.daemon(volume_id)
    if daemon.alive():
        daemon.end_job('merge')
    if op['child'] and backend.images.matches(op['child'], op['base']):
        if daemon.alive():
            daemon.drop_layer(op['top'])
            backend.commit_and_clean(backend.chain.merged(volume_id, op))
            return
        backend.images.verify(op['top'], op['base'])
        backend.images.rebase(op['child'], op['top'])
    backend.chain.update(volume_id, op=None)


def finish(backend: Backend, volume_id: str) -> None:
    """Write down that the effect of a volume's open intent is there."""
    volume = backend.chain.volume(volume_id)
    op = volume['op']
    volume['op'] = None
    changes: Changes = {f'volume:{volume_id}': volume}
    if op['kind'] == 'push':
        volume['active'] = op['new']
        volume['pad'] = op['new'] if op['pad'] else None
        if op['snapshot']:
            changes[f'snapshot:{op["snapshot"]}'] = {
                'volume': volume_id, 'layer': op['old'],
                'size': volume['size'], 'exports': {}}
    elif op['kind'] == 'revert':
        volume.update(active=op['new'], size=op['size'], pad=None)
        changes = backend.chain.collected(changes)
    elif op['kind'] == 'flatten':
        changes[f'layer:{op["layer"]}'] = {'parent': None}
    elif op['kind'] == 'extend':
        found = backend.images.header(volume['active']).size
        volume['size'] = max(volume['size'], found)
    backend.commit_and_clean(changes)


def _adopt(backend: Backend, volume_id: str) -> None:
    """Compare a living daemon's graph with the book.

    :raises DriverError: when it differs and clients are connected.
    """
    if volume_id in backend.verified:
        return
    daemon = backend.daemon(volume_id)
    volume = backend.chain.volume(volume_id)
    exports = daemon.exports()
    if not daemon.serves(volume['active']):
        if exports:
            raise exceptions.DriverError(
                f'the storage daemon of volume {volume_id} has other layers '
                'open than the book says',
                remedy='detach the volume and let its daemon end')
        backend.stop(volume_id)
        return
    wanted = {name for name, (_writable, layer)
              in expected_exports(backend, volume_id).items() if not layer}
    for name in exports - wanted:
        daemon.remove_export(name)
    backend.verified.add(volume_id)


def expected_exports(backend: Backend, volume_id: str,
                     ) -> dict[str, tuple[bool, str | None]]:
    """Return name → (writable, frozen layer or None) as the book tells."""
    found: dict[str, tuple[bool, str | None]] = {}
    for attachment in backend.chain.volume(volume_id)['attachments'].values():
        if attachment['state'] != 'lost':
            found[attachment['export']] = (attachment['mode'] == 'rw',
                                           attachment['layer'])
    for snapshot in backend.chain.snapshots(volume_id).values():
        for export in snapshot['exports'].values():
            found[export] = (False, snapshot['layer'])
    return found


def restore_exports(backend: Backend, volume_id: str) -> None:
    """Let every export be there that the book tells of."""
    for name, (writable, layer) in expected_exports(
            backend, volume_id).items():
        if layer:
            readers.open_(backend, volume_id, name, layer)
        else:
            backend.running(volume_id).add_export(name, writable=writable)


def recover_all(backend: Backend) -> dict[str, str]:
    """Make every volume ready; return what could not be, by volume id."""
    backend.reload()
    backend.empty_trash(backend.chain.trash())
    failures = {}
    for volume_id in backend.chain.volumes():
        try:
            with backend.lock(volume_id):
                ready(backend, volume_id)
                if backend.chain.get('volume', volume_id) is not None:
                    backend.release(volume_id)
                    backend.later(volume_id)
        except exceptions.DriverError as error:
            LOG.error('Volume %s cannot be used: %s', volume_id, error)
            failures[volume_id] = error.message
    _sweep(backend)
    return failures


def _sweep(backend: Backend) -> None:
    """Unlink files of known volumes that no layer is stored in."""
    # The files first, for merges that were put off may be making layers
    # already: a layer is in the book before its file is there.
    names = list(backend.images.names())
    layers = backend.chain.layers()
    # Not of those whose layers only stand below others': what has their
    # names may have been let go, and be somebody's.
    owners = set(backend.chain.volumes())
    for name in names:
        if name in layers or backend.chain.get('foreign', name) is not None:
            continue
        if images.owner_of(name) in owners:
            LOG.warning('Unlinking %s, which no volume needs.', name)
            backend.images.remove(name)
        else:
            LOG.warning('The file %s belongs to no volume of this back end.',
                        name)
