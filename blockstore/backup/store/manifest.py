"""The manifest: the object that makes a backup exist.

>>> header = BackupHeader(
...     id='6c5…', project_id='p', volume_id='v', container='c',
...     data_timestamp=timeutils.utcnow(), metadata={'name': 'daily'})
"""

from collections.abc import Mapping
import dataclasses
import datetime
import json
import typing

from blockstore import exceptions
from blockstore.backup.store import envelope
from blockstore.backup.store import keys
from blockstore.backup.store import layout
from blockstore.backup.store import names
from blockstore.backup.store import records
from blockstore.backup.stores import base

_TIME = '%Y-%m-%dT%H:%M:%S.%f'


@dataclasses.dataclass(frozen=True)
class BackupHeader:
    """What the caller knows of a backup before it is made.

    :ivar data_timestamp: the instant that the image shows, naive UTC.
    :ivar metadata: anything that JSON can say; enough to rebuild the
        backup's row in the database.
    """

    id: str
    project_id: str
    volume_id: str
    container: str
    data_timestamp: datetime.datetime
    metadata: Mapping[str, typing.Any] = dataclasses.field(
        default_factory=dict)

    def fields(self) -> dict[str, typing.Any]:
        """Return the header in the form it has in a record."""
        return {'backup_id': self.id, 'project_id': self.project_id,
                'volume_id': self.volume_id, 'container': self.container,
                'data_timestamp': self.data_timestamp.strftime(_TIME),
                # As it will be read back: tuples become lists.
                'metadata': json.loads(json.dumps(dict(self.metadata)))}

    @classmethod
    def parse(cls, fields: records.Fields) -> 'BackupHeader':
        """Read the header in a record."""
        return cls(id=fields['backup_id'], project_id=fields['project_id'],
                   volume_id=fields['volume_id'],
                   container=fields['container'],
                   data_timestamp=datetime.datetime.strptime(
                       fields['data_timestamp'], _TIME),
                   metadata=fields['metadata'])


@dataclasses.dataclass(frozen=True)
class BackupRecord:
    """A backup as its manifest tells it.

    :ivar size: bytes of the image.
    :ivar parent_id: of whom it was an increment; for information.
    :ivar image_digest: proves the image, 64 hexadecimal digits.
    :ivar segments: name hashes of the segments, joined.
    """

    header: BackupHeader
    size: int
    chunk_size: int
    segment_entries: int
    parent_id: str | None
    chunks: int
    data_chunks: int
    image_digest: str
    segments: bytes = dataclasses.field(repr=False)

    @property
    def id(self) -> str:
        """The backup's id."""
        return self.header.id

    @property
    def zero_chunks(self) -> int:
        """How many chunks are all zero."""
        return self.chunks - self.data_chunks

    @property
    def object_count(self) -> int:
        """How many objects the image refers to, shared ones included."""
        return self.data_chunks + len(self.segments) // keys.HASH_LENGTH


def encode(record: BackupRecord, constants: layout.Layout) -> list[bytes]:
    """Return the parts of the manifest object."""
    fields = record.header.fields() | {
        'size': record.size, 'chunk_size': record.chunk_size,
        'segment_entries': record.segment_entries,
        'parent_id': record.parent_id, 'chunks': record.chunks,
        'data_chunks': record.data_chunks,
        'zero_chunks': record.zero_chunks,
        'image_digest': record.image_digest}
    return records.encode(envelope.MANIFEST, constants.keys.manifest_seal,
                          fields, record.segments)


def decode(name: str, data: bytes, constants: layout.Layout) -> BackupRecord:
    """Read a manifest.

    :raises StoreObjectDamaged: it is not what was stored under this name.
    """
    fields, segments = records.decode(
        envelope.MANIFEST, constants.keys.manifest_seal, data)
    header = BackupHeader.parse(fields)
    record = BackupRecord(
        header, fields['size'], fields['chunk_size'],
        fields['segment_entries'], fields['parent_id'], fields['chunks'],
        fields['data_chunks'], fields['image_digest'], segments)
    if (names.manifest(header.container, header.id) != name
            or record.chunk_size != constants.chunk_size
            or record.segment_entries != constants.segment_entries
            or len(segments) != (constants.segments(record.size)
                                 * keys.HASH_LENGTH)):
        raise exceptions.StoreObjectDamaged(f'manifest {name} is misplaced')
    return record


def read(backend: base.Backend, name: str,
         constants: layout.Layout) -> BackupRecord:
    """Get and read a manifest.

    :raises StoreObjectMissing: there is no such backup.
    :raises StoreObjectDamaged: it is not what was stored under this name.
    """
    return decode(name, backend.get(name), constants)
