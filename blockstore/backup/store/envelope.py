"""The envelope around every object but the config: 24 bytes and a payload.

See ``doc/source/contributor/backup-format.rst``.  What opens is undamaged
with a probability that suits accidents; only a keyed hash of the plain bytes
proves more.
"""

import struct
import threading
import typing

import xxhash
import zstandard

from blockstore import exceptions
from blockstore.backup.stores import base

CHUNK = b'BSCH'
SEGMENT = b'BSSG'
JOURNAL = b'BSJN'
MANIFEST = b'BSMF'

RAW = 0
ZSTD = 1

_VERSION = 1
_FIELDS = struct.Struct('>4sBBHII')
_CHECKSUM = struct.Struct('>Q')
HEADER_LENGTH = _FIELDS.size + _CHECKSUM.size

# A sample of 16 pieces of 4 KiB tells in some microseconds that a chunk is
# not worth the compressor's time.
_SAMPLE_PIECES = 16
_SAMPLE_PIECE = 4096
_SAMPLE_SHARE = 0.97

_local = threading.local()


class Envelope(typing.NamedTuple):
    """An envelope, taken apart but not yet decompressed."""

    codec: int
    length: int
    payload: memoryview


def seal(magic: bytes, plain: base.Buffer,
         level: int = 0) -> list[base.Buffer]:
    """Put bytes into an envelope.

    :param level: zstd level, 0 to store the bytes as they are.
    :returns: the parts of the object, for
        :meth:`blockstore.backup.stores.base.Backend.put`; the plain bytes
        themselves if they are not compressed.
    """
    codec, payload = RAW, plain
    if level and _worth_compressing(plain, level):
        smaller = _compressor(level).compress(plain)
        if len(smaller) < len(plain):
            codec, payload = ZSTD, smaller
    fields = _FIELDS.pack(magic, _VERSION, codec, 0, len(plain), len(payload))
    return [fields + _checksum(fields, payload), payload]


def split(magic: bytes, data: bytes) -> Envelope:
    """Take an envelope apart and check it.

    :raises StoreObjectDamaged: it is not what was stored.
    """
    if len(data) < HEADER_LENGTH:
        raise _damaged('too short')
    found, version, codec, reserved, length, size = _FIELDS.unpack_from(data)
    payload = memoryview(data)[HEADER_LENGTH:]
    if found != magic:
        raise _damaged(f'magic {found!r} is not {magic!r}')
    if len(payload) != size:
        raise _damaged(f'{len(payload)} bytes of payload instead of {size}')
    fields = data[:_FIELDS.size]
    if data[_FIELDS.size:HEADER_LENGTH] != _checksum(fields, payload):
        raise _damaged('checksum differs')
    if version != _VERSION or codec not in (RAW, ZSTD) or reserved:
        raise exceptions.StoreError(
            f'object of version {version}, codec {codec}: made by a newer '
            'release', remedy='upgrade this host')
    return Envelope(codec, length, payload)


def unseal(magic: bytes, data: bytes, limit: int) -> base.Buffer:
    """Return the plain bytes in an envelope.

    :param limit: the most plain bytes that there may be.
    :raises StoreObjectDamaged: it is not what was stored.
    """
    codec, length, payload = split(magic, data)
    if length > limit:
        raise _damaged(f'{length} plain bytes, {limit} at most expected')
    if codec == RAW:
        if len(payload) != length:
            raise _damaged('lengths differ')
        return payload
    try:
        # Decompressing allocates what the frame says: do not trust it.
        if zstandard.frame_content_size(payload) != length:
            raise _damaged('the frame has another length')
        plain = _decompressor().decompress(payload)
    except zstandard.ZstdError as error:
        raise _damaged(str(error)) from error
    if len(plain) != length:
        raise _damaged('lengths differ')
    return plain


def _worth_compressing(plain: base.Buffer, level: int) -> bool:
    if len(plain) < 4 * _SAMPLE_PIECES * _SAMPLE_PIECE:
        return True
    step = len(plain) // _SAMPLE_PIECES
    view = memoryview(plain)
    sample = b''.join(view[start:start + _SAMPLE_PIECE]
                      for start in range(0, step * _SAMPLE_PIECES, step))
    smaller = _compressor(level).compress(sample)
    return len(smaller) < _SAMPLE_SHARE * len(sample)


def _checksum(fields: bytes, payload: base.Buffer) -> bytes:
    checksum = xxhash.xxh3_64(fields)
    checksum.update(payload)
    return _CHECKSUM.pack(checksum.intdigest())


def _compressor(level: int) -> zstandard.ZstdCompressor:
    # A compressor must not be used by two threads at once and is dear to
    # make: one for each thread and level.
    made: dict[int, zstandard.ZstdCompressor] = _local.__dict__.setdefault(
        'compressors', {})
    if level not in made:
        made[level] = zstandard.ZstdCompressor(
            level=level, write_content_size=True)
    return made[level]


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_local, 'decompressor'):
        _local.decompressor = zstandard.ZstdDecompressor()
    made: zstandard.ZstdDecompressor = _local.decompressor
    return made


def _damaged(why: str) -> exceptions.StoreObjectDamaged:
    return exceptions.StoreObjectDamaged(f'damaged object: {why}')
