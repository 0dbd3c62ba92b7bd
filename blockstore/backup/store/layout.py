"""The store's constants: its config object and its keys.

>>> layout = load(backend, settings)
>>> layout.chunk_size
4194304
"""

import dataclasses
import json
import typing

from oslo_utils import uuidutils

from blockstore import exceptions
from blockstore.backup.store import keys
from blockstore.backup.store import names
from blockstore.backup.store import settings
from blockstore.backup.stores import base

_FORMAT = 'blockstore backup store'
_VERSION = 1
_SMALLEST_CHUNK = 4 * settings.KIB
_LARGEST_CHUNK = 64 * settings.MIB


@dataclasses.dataclass(frozen=True)
class Layout:
    """What is the same for all backups in a store."""

    store_id: str
    chunk_size: int
    segment_entries: int
    keys: keys.Keys

    def chunks(self, size: int) -> int:
        """Tell how many chunks an image of a size (bytes) has."""
        return -(-size // self.chunk_size)

    def segments(self, size: int) -> int:
        """Tell how many segments an image of a size (bytes) has."""
        return -(-self.chunks(size) // self.segment_entries)

    def length(self, index: int, size: int) -> int:
        """Tell the length of a chunk of an image, in bytes."""
        return min(self.chunk_size, size - index * self.chunk_size)


def load(backend: base.Backend, wanted: settings.Settings) -> Layout:
    """Read the store's constants, or set up a new store.

    :raises StoreError: not a store, a newer format, or the wrong key.
    """
    try:
        data = backend.get(names.CONFIG)
    except exceptions.StoreObjectMissing:
        _create(backend, wanted)
        data = backend.get(names.CONFIG)
    return _decode(data, wanted)


def _create(backend: base.Backend, wanted: settings.Settings) -> None:
    if not (_SMALLEST_CHUNK <= wanted.chunk_size <= _LARGEST_CHUNK
            and wanted.segment_entries > 0):
        raise exceptions.StoreError(
            f'chunk size {wanted.chunk_size} is not possible')
    fields: dict[str, typing.Any] = {
        'format': _FORMAT, 'version': _VERSION,
        'store_id': uuidutils.generate_uuid(),
        'chunk_size': wanted.chunk_size,
        'segment_entries': wanted.segment_entries}
    if wanted.key_file:
        master = keys.make_file(wanted.key_file)
    else:
        master = keys.generate()
        fields['key'] = master.hex()
    fields['key_id'] = keys.Keys(master).key_id
    try:
        backend.put(names.CONFIG, [json.dumps(fields, indent=1).encode()])
        backend.sync()
    except exceptions.StoreObjectExists:
        # Somebody else was faster; theirs is read.
        return


def _decode(data: bytes, wanted: settings.Settings) -> Layout:
    try:
        fields = json.loads(data)
        if fields['format'] != _FORMAT or fields['version'] != _VERSION:
            raise exceptions.StoreError(
                f'a store of version {fields["version"]} of the format '
                f'{fields["format"]!r} cannot be used by this release')
        if 'key' in fields:
            master = bytes.fromhex(fields['key'])
        elif wanted.key_file:
            master = keys.read_file(wanted.key_file)
        else:
            raise exceptions.StoreError(
                'the key of this store is kept outside of it',
                remedy='set [store] key_file')
        derived = keys.Keys(master)
        if derived.key_id != fields['key_id']:
            raise exceptions.StoreError(
                'the store key does not fit this store',
                remedy='copy the key file from another backup host')
        return Layout(fields['store_id'], fields['chunk_size'],
                      fields['segment_entries'], derived)
    except (ValueError, KeyError, TypeError) as error:
        raise exceptions.StoreObjectDamaged(
            f'{names.CONFIG} is not a store config: {error}') from error
