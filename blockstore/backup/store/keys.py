"""The store key and what is derived from it.

>>> keys = Keys(bytes(range(32)))
>>> keys.chunk_name.hash(b'data')
"""

import os

import blake3

from blockstore import exceptions
from blockstore.backup.stores import base

KEY_LENGTH = 32
HASH_LENGTH = 32

_CONTEXT = 'blockstore backup store v1 '


class Key:
    """A key for one purpose."""

    def __init__(self, master: bytes, purpose: str) -> None:
        self.raw = blake3.blake3(
            master, derive_key_context=_CONTEXT + purpose).digest()

    def hash(self, data: base.Buffer) -> bytes:
        """Return the keyed hash of some bytes."""
        return blake3.blake3(data, key=self.raw).digest()

    def hasher(self) -> blake3.blake3:
        """Return a keyed hash to which bytes can be added."""
        return blake3.blake3(key=self.raw)


class Keys:
    """All keys of a store, derived from its store key."""

    def __init__(self, master: bytes) -> None:
        self.chunk_name = Key(master, 'chunk name')
        self.segment_name = Key(master, 'segment name')
        self.image_digest = Key(master, 'image digest')
        self.manifest_seal = Key(master, 'manifest seal')
        self.journal_seal = Key(master, 'journal seal')
        self.key_id = Key(master, 'key id').raw[:16].hex()


def generate() -> bytes:
    """Make a new store key."""
    return os.urandom(KEY_LENGTH)


def read_file(path: str) -> bytes:
    """Read a store key.

    :raises StoreError: the file cannot be read or holds something else.
    """
    try:
        with open(path, encoding='ascii') as file:
            key = bytes.fromhex(file.read().strip())
    except (OSError, ValueError) as error:
        raise exceptions.StoreError(
            f'cannot read the store key {path}: {error}',
            remedy='copy the key file from another backup host') from error
    if len(key) != KEY_LENGTH:
        raise exceptions.StoreError(
            f'{path} does not hold {KEY_LENGTH * 2} hexadecimal digits')
    return key


def make_file(path: str) -> bytes:
    """Read a store key, making it first if there is none."""
    try:
        descriptor = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_file(path)
    except OSError as error:
        raise exceptions.StoreError(
            f'cannot make the store key {path}: {error}') from error
    with os.fdopen(descriptor, 'w', encoding='ascii') as file:
        file.write(generate().hex() + '\n')
        file.flush()
        os.fsync(file.fileno())
    return read_file(path)
