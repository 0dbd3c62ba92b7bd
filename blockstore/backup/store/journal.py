"""The journal: what a backup that is not finished has already done.

>>> journal = Journal(backend, layout, 'id')
>>> journal.begin(start)          # or the start of an earlier attempt
>>> journal.add(0, entries)
>>> journal.entries()             # what a successor need not do again
"""

from collections.abc import Iterator
import dataclasses
import typing

from oslo_utils import uuidutils

from blockstore import exceptions
from blockstore.backup.store import envelope
from blockstore.backup.store import keys
from blockstore.backup.store import layout
from blockstore.backup.store import manifest
from blockstore.backup.store import names
from blockstore.backup.store import records
from blockstore.backup.stores import base

_WIDTH = keys.HASH_LENGTH


@dataclasses.dataclass(frozen=True)
class Start:
    """How a backup began.

    :ivar size: bytes of the image.
    :ivar parent_size: bytes of the parent's image, 0 without one.
    :ivar parent_segments: the parent's segments, pinned by this journal.
    """

    header: manifest.BackupHeader
    size: int
    parent_id: str | None = None
    parent_size: int = 0
    parent_segments: bytes = b''


class Journal:
    """The journal of one backup."""

    def __init__(self, backend: base.Backend, constants: layout.Layout,
                 backup_id: str) -> None:
        self._backend = backend
        self._layout = constants
        self._id = backup_id

    def start(self) -> Start | None:
        """Return how the backup began, if it did."""
        try:
            fields, table = self._read(names.journal_start(self._id))
        except exceptions.StoreObjectMissing:
            return None
        return Start(manifest.BackupHeader.parse(fields), fields['size'],
                     fields['parent_id'], fields['parent_size'], table)

    def begin(self, start: Start) -> None:
        """Write how the backup begins.

        :raises StoreObjectExists: it began in another way.
        """
        fields = start.header.fields() | {
            'size': start.size, 'chunk_size': self._layout.chunk_size,
            'segment_entries': self._layout.segment_entries,
            'parent_id': start.parent_id, 'parent_size': start.parent_size}
        self._write(names.journal_start(self._id), fields,
                    start.parent_segments)

    def add(self, first: int, entries: bytes) -> None:
        """Record chunks as done, their entries joined; durable on return.

        :raises StoreObjectExists: another worker found other bytes there.
        """
        count = len(entries) // _WIDTH
        self._write(names.journal_entries(self._id, first, count),
                    {'backup_id': self._id, 'first': first, 'count': count},
                    entries)

    def entries(self) -> Iterator[bytes]:
        """Yield the entries that are done, from the first chunk on.

        :raises StoreObjectExists: two workers found different bytes.
        """
        covered, before, last = 0, 0, b''
        for name in self._backend.list(names.journal(self._id)):
            if name == names.journal_start(self._id) or name.startswith(
                    names.journal_commits(self._id)):
                continue
            fields, table = self._read(name)
            first, end = fields['first'], fields['first'] + fields['count']
            if first > covered:
                return
            # Only what the object before it tells is at hand to compare.
            low, high = max(first, before), min(end, covered)
            if low < high and (_cut(table, low - first, high - first)
                               != _cut(last, low - before, high - before)):
                raise _differs(name)
            if end > covered:
                yield table[(covered - first) * _WIDTH:]
                covered, before, last = end, first, table

    def stage(self, parts: list[bytes]) -> str:
        """Put the manifest beside the journal; return its name there."""
        name = names.journal_commit(
            self._id, uuidutils.generate_uuid(dashed=False))
        self._backend.put(name, parts)
        return name

    def unstage(self) -> None:
        """Take away what earlier attempts were about to publish.

        Those that were cut off there, and live on, will not find it.
        """
        for name in list(self._backend.list(
                names.journal_commits(self._id))):
            self._backend.delete(name)

    def remove(self) -> None:
        """Forget the journal; what is cut off midway can be continued."""
        found = list(self._backend.list(names.journal(self._id)))
        # Latest first, so that what is left is a shorter journal.
        start = names.journal_start(self._id)
        ordered = sorted(set(found) - {start}, reverse=True)
        for name in [*ordered, start]:
            self._backend.delete(name)

    def _read(self, name: str) -> tuple[dict[str, typing.Any], bytes]:
        fields, table = records.decode(
            envelope.JOURNAL, self._layout.keys.journal_seal,
            self._backend.get(name))
        if fields['backup_id'] != self._id:
            raise exceptions.StoreObjectDamaged(f'{name} is misplaced')
        return fields, table

    def _write(self, name: str, fields: records.Fields,
               table: bytes) -> None:
        parts = records.encode(envelope.JOURNAL,
                               self._layout.keys.journal_seal, fields, table)
        put_same(self._backend, name, parts)
        self._backend.sync()


def unfinished(backend: base.Backend) -> Iterator[str]:
    """Yield the ids of backups that have a journal."""
    after = ''
    while name := next(backend.list(names.JOURNALS, after), None):
        backup_id = name[len(names.JOURNALS):].split('/', 1)[0]
        yield backup_id
        after = names.after(names.journal(backup_id))


def put_same(backend: base.Backend, name: str, parts: list[bytes]) -> None:
    """Put an object that may be there already if it is the same.

    :raises StoreObjectExists: it is there with other bytes.
    """
    try:
        backend.put(name, parts)
    except exceptions.StoreObjectExists:
        if backend.get(name) != b''.join(parts):
            raise


def _cut(table: bytes, first: int, end: int) -> bytes:
    return table[first * _WIDTH:end * _WIDTH]


def _differs(name: str) -> exceptions.StoreObjectExists:
    return exceptions.StoreObjectExists(
        f'{name} disagrees with what another worker recorded',
        remedy='abandon the backup and make it again')
