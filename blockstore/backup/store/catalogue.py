"""Which backups there are, told by the store alone."""

from collections.abc import Iterator

from oslo_log import log as logging

from blockstore import exceptions
from blockstore.backup.store import layout
from blockstore.backup.store import manifest
from blockstore.backup.store import names
from blockstore.backup.stores import base

LOG = logging.getLogger(__name__)


def manifests(backend: base.Backend) -> Iterator[str]:
    """Yield the names of all manifests."""
    for container in containers(backend):
        yield from backend.list(container)


def containers(backend: base.Backend) -> Iterator[str]:
    """Yield the first part of the manifests' names, each once."""
    after = ''
    while name := next(backend.list('', after), None):
        part = name.split('/', 1)[0] + '/'
        # The store's own, or a file system's, such as .snapshot.
        if not part.startswith('.'):
            yield part
        after = names.after(part)


def find(backend: base.Backend, constants: layout.Layout,
         backup_id: str) -> manifest.BackupRecord:
    """Read the manifest of a backup, whatever container it is in.

    :raises StoreObjectMissing: there is no such backup.
    """
    name = locate(backend, backup_id)
    if name is None:
        raise exceptions.StoreObjectMissing(
            f'no backup {backup_id} in the store')
    return manifest.read(backend, name, constants)


def locate(backend: base.Backend, backup_id: str) -> str | None:
    """Return the name of a backup's manifest, if there is one."""
    last = names.backup(backup_id)
    for container in containers(backend):
        if backend.exists(container + last):
            return container + last
    return None


def records(backend: base.Backend,
            constants: layout.Layout) -> Iterator[manifest.BackupRecord]:
    """Yield what every readable manifest tells; damaged ones are logged."""
    for name in manifests(backend):
        try:
            yield manifest.read(backend, name, constants)
        except exceptions.StoreObjectMissing:
            continue        # deleted meanwhile
        except exceptions.StoreObjectDamaged as error:
            LOG.error('Manifest %s cannot be read: %s', name, error)
