"""The facts: which layers a volume has, and who needs them.  Pure logic.

Four kinds of documents, kept in the driver's book:

``volume:<id>``
    ``size`` (bytes), ``active`` (its top layer), ``pad`` (the top layer if it
    is there only because its base could not be merged under a client),
    ``family`` (the id of the volume it descends from), ``seq``, ``op`` (what
    was begun, or None), ``attachments`` (identity → export, mode, layer,
    state).
``layer:<name>``
    ``parent`` (a layer's name or None).
``snapshot:<id>``
    ``volume``, ``layer``, ``size``, ``exports`` (identity → export);
    ``foreign`` if it has no owner.
``foreign:<layer>``
    a file that was let go.

and ``trash:<name>`` for a file to unlink.  A layer below another one, or that
a snapshot or a reader points to, is frozen: only a merge that keeps every
visible byte may touch it.  All changes of one step are one commit.
"""

import collections
from collections.abc import Iterable
from collections.abc import Mapping
import copy
import itertools
import threading
import typing

from blockstore.volume.drivers.base import Book
from blockstore.volume.drivers.base import Document
from blockstore.volume.drivers.qsd import images

Changes = dict[str, Document | None]


class Step(typing.NamedTuple):
    """The next thing to do to shorten a volume's chain."""

    kind: str                   # 'push' or 'merge'
    top: str
    base: str
    child: str | None


class Chain:
    """The book of one back end, read once and changed commit by commit."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._lock = threading.RLock()
        self._kinds: dict[str, dict[str, Document]] = {}
        self._apply(dict(book.items()))

    # Reading.

    def _of(self, kind: str) -> dict[str, Document]:
        """Return the documents of a kind; not to be changed."""
        with self._lock:
            return dict(self._kinds.get(kind, {}))

    def get(self, kind: str, name: str) -> Document | None:
        """Return a copy of a document, or None."""
        with self._lock:
            return copy.deepcopy(self._kinds.get(kind, {}).get(name))

    def volume(self, volume_id: str) -> Document:
        """Return a copy of a volume's facts; KeyError when unknown."""
        found = self.get('volume', volume_id)
        if found is None:
            raise KeyError(volume_id)
        return found

    def volumes(self) -> list[str]:
        """List the ids of all volumes."""
        return list(self._of('volume'))

    def snapshots(self, volume_id: str | None = None) -> dict[str, Document]:
        """Return the snapshots of a volume, or all, by id."""
        return {name: copy.deepcopy(document)
                for name, document in self._of('snapshot').items()
                if volume_id in (None, document['volume'])}

    def layers(self) -> dict[str, Document]:
        """Return all layers by name."""
        return self._of('layer')

    def trash(self) -> list[str]:
        """List the layers whose files are to be unlinked."""
        return list(self._of('trash'))

    def parent(self, layer: str) -> str | None:
        """Return the layer below, or None for the lowest."""
        with self._lock:
            return typing.cast(
                'str | None', self._kinds['layer'][layer]['parent'])

    def down(self, layer: str | None) -> list[str]:
        """List a layer and all below it, top first."""
        with self._lock:
            found = []
            while layer is not None:
                found.append(layer)
                layer = self.parent(layer)
            return found

    def children(self, layer: str) -> list[str]:
        """List the layers that stand on a layer."""
        return [name for name, document in self._of('layer').items()
                if document['parent'] == layer]

    def family(self, volume_id: str) -> str:
        """Return what names the family of a volume (itself if unknown)."""
        with self._lock:
            document = self._kinds.get('volume', {}).get(volume_id)
            return document['family'] if document else volume_id

    def relatives(self, family: str) -> list[str]:
        """List the volumes of a family."""
        return [name for name, document in self._of('volume').items()
                if document['family'] == family]

    def new_layer(self, volume_id: str) -> tuple[str, int]:
        """Return a name never used for a layer of a volume, and its number.

        The caller commits the number as the volume's ``seq``.
        """
        with self._lock:
            document = self.get('volume', volume_id) or {}
            taken = [document.get('seq', 0)]
            for kind in ('layer', 'trash'):
                taken += [int(name.rsplit('.', 1)[1])
                          for name in self._of(kind)
                          if images.owner_of(name) == volume_id]
            number = max(taken) + 1
            return images.layer_name(volume_id, number), number

    # Who needs what.

    def needed(self) -> set[str]:
        """Return the layers that a volume, snapshot or reader points to."""
        found = set()
        for document in self._of('volume').values():
            found.add(document['active'])
            found.update(pinned(document))
            if document['op']:
                found.add(document['op'].get('new'))
        found.update(document['layer']
                     for document in self._of('snapshot').values())
        found.discard(None)
        return found

    def reachable(self) -> set[str]:
        """Return every needed layer and all below them."""
        found: set[str] = set()
        with self._lock:
            for name in self.needed():
                layer: str | None = name
                while layer and layer not in found:
                    found.add(layer)
                    layer = self.parent(layer)
        return found

    def users(self, layer: str) -> list[str]:
        """List the volumes whose chain contains a layer."""
        return [name for name, document in self._of('volume').items()
                if layer in self.down(document['active'])]

    def collected(self, changes: Changes) -> Changes:
        """Add to changes the removal of layers that they leave unneeded."""
        with self._lock:
            before = self._kinds
            self._apply(changes)
            try:
                kept = self.reachable()
                lost = [name for name in self._of('layer')
                        if name not in kept]
            finally:
                self._kinds = before
        for name in lost:
            changes[f'layer:{name}'] = None
            changes[f'trash:{name}'] = {}
        return changes

    def next_step(self, volume_id: str) -> Step | None:
        """Find a layer that can be merged into the one below it.

        The lower one's bytes must be wanted by nobody: no snapshot or reader
        points to it, it has one child, and no other volume stands on it.
        Under a client the active layer is not merged; a new one is pushed
        first, and stays as the pad.
        """
        document = self.volume(volume_id)
        chain = self.down(document['active'])
        snapshots = self._of('snapshot').values()
        wanted = {snapshot['layer'] for snapshot in snapshots}
        # Somebody may know these by the names of their files.
        named = {snapshot['layer'] for snapshot in snapshots
                 if snapshot.get('foreign')}
        for name in self.relatives(document['family']):
            other = self._of('volume')[name]
            wanted |= pinned(other)
            if name != volume_id:
                wanted.update(self.down(other['active']))
        children = collections.Counter(
            layer['parent'] for layer in self._of('layer').values())
        above: str | None = None
        for top, base in itertools.pairwise(chain):
            child, above = above, top
            if (base in wanted or top in named
                    or children[base] != 1 or children[top] > 1
                    or not self._one_owner(top, base)):
                continue
            if top != document['active'] or not exported(document):
                return Step('merge', top, base, child)
            if document['pad'] != top:
                return Step('push', top, base, None)
        return None

    def _one_owner(self, top: str, base: str) -> bool:
        owner = images.owner_of(base)
        return (images.owner_of(top) == owner
                or owner not in self._of('volume'))

    def merged(self, volume_id: str, step: Mapping[str, typing.Any],
               ) -> Changes:
        """Return the changes after ``top`` went into ``base``."""
        top, base, child = step['top'], step['base'], step['child']
        volume = self.volume(volume_id)
        changes: Changes = {f'layer:{top}': None, f'trash:{top}': {}}
        for name, snapshot in self.snapshots().items():
            if snapshot['layer'] == top:
                changes[f'snapshot:{name}'] = {**snapshot, 'layer': base}
        if child:
            changes[f'layer:{child}'] = {'parent': base}
        else:
            volume['active'] = base
            volume['pad'] = None
        changes[f'volume:{volume_id}'] = {**volume, 'op': None}
        return changes

    # Writing.

    def commit(self, changes: Changes) -> None:
        """Make changes durable, then visible here."""
        with self._lock:
            self._book.commit(changes)
            self._apply(changes)

    def _apply(self, changes: Mapping[str, Document | None]) -> None:
        """Replace the tables; whoever holds the old ones keeps them."""
        kinds = dict(self._kinds)
        for kind in {key.partition(':')[0] for key in changes}:
            kinds[kind] = dict(kinds.get(kind, {}))
        for key, document in changes.items():
            kind, _colon, name = key.partition(':')
            if document is None:
                kinds[kind].pop(name, None)
            else:
                kinds[kind][name] = copy.deepcopy(document)
        self._kinds = kinds

    def update(self, volume_id: str, **facts: typing.Any) -> Document:
        """Change single facts of a volume and return all of them."""
        document = {**self.volume(volume_id), **facts}
        self.commit({f'volume:{volume_id}': document})
        return document


def new_volume(size: int, active: str, family: str, seq: int,
               op: Document) -> Document:
    """Return the first facts of a volume whose creation begins."""
    return {'size': size, 'active': active, 'pad': None, 'family': family,
            'seq': seq, 'op': op, 'attachments': {}}


def pinned(volume: Document) -> set[str]:
    """Return the layers that backup connections of a volume read."""
    return {attachment['layer']
            for attachment in volume['attachments'].values()
            if attachment['layer']}


def exported(volume: Document) -> bool:
    """Tell whether clients may reach a volume's active layer."""
    return any(not attachment['layer']
               for attachment in volume['attachments'].values())


def blockers(names: Iterable[str], kind: str) -> list[str]:
    """Name things that are in the way, for an error."""
    return [f'{kind} {name}' for name in sorted(names)]
