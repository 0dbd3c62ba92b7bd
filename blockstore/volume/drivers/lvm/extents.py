"""Which parts of thin snapshots hold data, and what changed between two.

The pool knows, in its blocks.  A snapshot never changes, so what was found
out about it is kept, for the few that are being read.
"""

import collections
from collections.abc import Callable
from collections.abc import Iterator
import threading

from blockstore import exceptions
from blockstore.privileged import lvm
from blockstore.privileged import mapper
from blockstore.volume.connections.base import Extent
from blockstore.volume.drivers import shapes
from blockstore.volume.drivers.lvm import group as groups
from blockstore.volume.drivers.lvm import thinmap
from blockstore.volume.drivers.lvm.group import Group
from blockstore.volume.drivers.lvm.report import LogicalVolume

_KEPT = 8


class Extents:
    """What a pool tells of its snapshots."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._kept: collections.OrderedDict[tuple[str, ...], thinmap.Runs] = (
            collections.OrderedDict())
        # A pool keeps one copy of its metadata at a time.
        self._lock = threading.Lock()

    def allocated(self, snapshot: shapes.Snapshot, offset: int, length: int,
                  ) -> Iterator[Extent]:
        """Yield what is mapped in a run of a snapshot."""
        name = groups.name_of(snapshot)
        yield from self._known((name,), lambda there: self._mappings(
            groups.required(there, name, self._group.name)),
            ).within(offset, length)

    def changed(self, snapshot: shapes.Snapshot, base: shapes.Snapshot,
                offset: int, length: int) -> Iterator[Extent]:
        """Yield where a snapshot differs from an older one of its volume.

        :raises Unsupported: the older one is gone, or another volume's.
        """
        names = (groups.name_of(base), groups.name_of(snapshot))
        yield from self._known(names, lambda there: self._delta(
            there.get(names[0]),
            groups.required(there, names[1], self._group.name), base.id),
            ).within(offset, length)

    def forget(self, name: str) -> None:
        """Keep nothing of a snapshot that goes."""
        with self._lock:
            for key in [key for key in self._kept if name in key]:
                del self._kept[key]

    def _known(self, key: tuple[str, ...],
               find: Callable[[dict[str, LogicalVolume]], thinmap.Runs],
               ) -> thinmap.Runs:
        with self._lock:
            if key not in self._kept:
                self._kept[key] = find(self._group.volumes())
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]

    def _mappings(self, snapshot: LogicalVolume) -> thinmap.Runs:
        return thinmap.parse_mappings(self._ask(
            lvm.thin_mappings, snapshot.pool, snapshot.thin_id))

    def _delta(self, older: LogicalVolume | None, newer: LogicalVolume,
               base_id: str) -> thinmap.Runs:
        if (older is None or older.origin != newer.origin
                or older.pool != newer.pool):
            raise exceptions.Unsupported(
                f'snapshot {base_id} cannot be compared with any more',
                remedy='make a full backup')
        return thinmap.parse_delta(self._ask(
            lvm.thin_delta, newer.pool, older.thin_id, newer.thin_id))

    def _ask(self, function: Callable[..., str], pool: str,
             *ids: int | None) -> str:
        """Ask a program about the pool's metadata as of now."""
        device = '-'.join(part.replace('-', '--')
                          for part in (self._group.name, pool)) + '-tpool'
        with groups.translating(f'the metadata of {pool}'):
            mapper.keep_metadata(device)
            try:
                return function(self._group.name, pool, *ids)
            finally:
                mapper.let_metadata_go(device)
