"""What the rooms of this driver share: facts, files, daemons and locks.

A *family* is a volume with all that descend from it by cloning: they share
layers.  One lock per family is held for changes of the graph and the book,
never while a merge runs.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable
from collections.abc import Iterator
import contextlib
import threading
import typing

from blockstore import exceptions
from blockstore.lifecycle import boundaries
from blockstore.volume.drivers.base import Book
from blockstore.volume.drivers.qsd import daemon as daemons
from blockstore.volume.drivers.qsd import images
from blockstore.volume.drivers.qsd.chain import Chain
from blockstore.volume.drivers.qsd.chain import Changes
from blockstore.volume.drivers.qsd.settings import Settings

if typing.TYPE_CHECKING:
    from blockstore.volume.drivers.qsd.merges import Merge
    from blockstore.volume.drivers.qsd.readers import Reader


class Backend:
    """The state of one back end in this process."""

    def __init__(self, settings: Settings, book: Book) -> None:
        self.settings = settings
        self.images = images.Images(settings)
        self.merging: dict[str, Merge] = {}
        self.reading: dict[str, Reader] = {}
        self.verified: set[str] = set()
        self.closing = False
        self.later: typing.Callable[[str], None] = lambda volume_id: None
        self._book = book
        self._chain: Chain | None = None
        self._direct: bool | None = None
        self._daemons: dict[str, daemons.Daemon] = {}
        self._readers: collections.Counter[str] = collections.Counter()
        self._locks: dict[str, threading.RLock] = {}
        self._guard = threading.Lock()
        #: Held while a file is looked at and taken over: what two volumes
        #: may both want has no family yet.  Taken last.
        self.adopting = threading.Lock()

    @property
    def chain(self) -> Chain:
        """The facts; read from the book when first needed."""
        with self._guard:
            if self._chain is None:
                self._chain = Chain(self._book)
            return self._chain

    def reload(self) -> None:
        """Forget what is known of the book and of the daemons."""
        with self._guard:
            self._chain = None
        self.verified.clear()
        self._direct = None

    @contextlib.contextmanager
    def lock(self, volume_id: str) -> Iterator[None]:
        """Hold the lock of a volume's family."""
        while True:
            family = self.chain.family(volume_id)
            with self._guard:
                lock = self._locks.setdefault(family, threading.RLock())
            with lock:
                # It may have become a clone while this thread waited.
                if self.chain.family(volume_id) == family:
                    yield
                    return

    # Daemons.

    def daemon(self, volume_id: str) -> daemons.Daemon:
        """Return a volume's daemon, running or not."""
        direct = self.direct()
        with self._guard:
            if volume_id not in self._daemons:
                self._daemons[volume_id] = daemons.Daemon(
                    volume_id, self.settings, self.images, direct)
            return self._daemons[volume_id]

    def direct(self) -> bool:
        """Tell whether files are opened with O_DIRECT."""
        with self._guard:
            if self._direct is None:
                self._direct = self.settings.cache_direct == 'on' or (
                    self.settings.cache_direct == 'auto'
                    and images.accepts_direct(self.settings.directory))
            return self._direct

    def running(self, volume_id: str) -> daemons.Daemon:
        """Return a volume's daemon with its chain open, starting it.

        :raises DriverError: when it has died since the volume was ready.
        """
        daemon = self.daemon(volume_id)
        if daemon.alive():
            return daemon
        if volume_id in self.verified:
            # Another one would have no exports, and nobody would be told
            # that writes may be lost: ``recovery.ready`` comes first.
            raise exceptions.DriverError(
                f'the storage daemon of volume {volume_id} has died',
                remedy='try again')
        daemon.start()
        chain = self.chain.down(self.chain.volume(volume_id)['active'])
        try:
            daemon.add_layers(chain, writable=True)
            daemon.add_root(chain[0])
        except BaseException:
            daemon.stop()
            raise
        self.verified.add(volume_id)
        return daemon

    def stop(self, volume_id: str) -> None:
        """End a volume's daemon if it runs."""
        self.daemon(volume_id).stop()
        self.verified.discard(volume_id)

    def release(self, volume_id: str) -> None:
        """End a volume's daemon unless something needs it."""
        clients = [attachment for attachment in self.chain.volume(
            volume_id)['attachments'].values() if not attachment['layer']]
        if not (clients or volume_id in self.merging
                or self._readers[volume_id]):
            self.stop(volume_id)

    # Readers of frozen layers.

    def readers(self, volume_id: str) -> list[str]:
        """Name what reads frozen layers of a volume: no merge meanwhile."""
        volume = self.chain.volume(volume_id)
        found = [f'connection {identity}' for identity, attachment
                 in volume['attachments'].items() if attachment['layer']]
        found += [f'connection {identity} of snapshot {snapshot_id}'
                  for snapshot_id, snapshot
                  in self.chain.snapshots(volume_id).items()
                  for identity in snapshot['exports']]
        if self._readers[volume_id]:
            found.append('a map of extents')
        return found

    def count_reader(self, volume_id: str, change: int) -> None:
        """Note the begin (1) or end (-1) of a map, read without a record."""
        with self._guard:
            self._readers[volume_id] += change

    def prune_nodes(self, volume_id: str) -> None:
        """Close layers that a daemon has open beside the active chain."""
        daemon = self.daemon(volume_id)
        if not daemon.alive() or self._readers[volume_id]:
            return
        active = self.chain.down(self.chain.volume(volume_id)['active'])
        for node in daemon.stray_nodes(active):
            daemon.command('blockdev-del', node_name=node)

    # Files.

    def commit_and_clean(self, changes: Changes) -> None:
        """Commit changes, then unlink the files that they threw away."""
        with boundaries.around('driver', 'qsd.book'):
            self.chain.commit(changes)
        self.empty_trash(key.partition(':')[2] for key in changes
                         if key.startswith('trash:'))

    def empty_trash(self, layers: Iterable[str]) -> None:
        """Unlink files whose layers are gone from the book."""
        gone: Changes = {}
        for layer in layers:
            with boundaries.around('driver', 'qsd.unlink'):
                self.images.remove(layer)
            gone[f'trash:{layer}'] = None
        if gone:
            self.chain.commit(gone)
