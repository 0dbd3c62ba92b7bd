"""Sealed records: a JSON object and a table of hashes that nobody can forge.

Manifests and journals are records.
"""

from collections.abc import Mapping
import json
import struct
import typing

from blockstore import exceptions
from blockstore.backup.store import envelope
from blockstore.backup.store import keys

_LENGTH = struct.Struct('>I')
_LIMIT = 2 ** 32 - 1

Fields = Mapping[str, typing.Any]


def encode(magic: bytes, key: keys.Key, fields: Fields,
           table: bytes) -> list[bytes]:
    """Return the parts of the object; equal records make equal bytes."""
    text = json.dumps(fields, sort_keys=True, separators=(',', ':'),
                      ensure_ascii=False, allow_nan=False).encode()
    body = _LENGTH.pack(len(text)) + text + table
    return [bytes(part)
            for part in envelope.seal(magic, body + key.hash(body))]


def decode(magic: bytes, key: keys.Key,
           data: bytes) -> tuple[dict[str, typing.Any], bytes]:
    """Return the JSON object and the table.

    :raises StoreObjectDamaged: the record was not made with this key.
    """
    plain = bytes(envelope.unseal(magic, data, _LIMIT))
    body, seal = plain[:-keys.HASH_LENGTH], plain[-keys.HASH_LENGTH:]
    if key.hash(body) != seal or len(body) < _LENGTH.size:
        raise exceptions.StoreObjectDamaged('the seal of a record is wrong')
    start = _LENGTH.size
    end = start + _LENGTH.unpack_from(body)[0]
    return json.loads(body[start:end]), body[end:]
