"""What a backup store needs from the place where its objects lie.

A backend keeps named byte strings.  The comments here are the contract;
``tests/contract/test_backup_store.py`` is the suite that every backend must
pass, also under faults.

Names are parts joined by ``/``; a part has 1 to 255 of the characters
``A-Z a-z 0-9 _ . - %`` and is neither ``.`` nor ``..``.  Order always means
the order of the ASCII strings.  All methods may be called by several threads
at once and raise :class:`blockstore.exceptions.StoreError`, or the more
precise family members named below.

>>> backend.put('a/b', [b'head', b'body'])
>>> backend.sync()
>>> backend.get('a/b')
b'headbody'
"""

import abc
from collections.abc import Iterator
from collections.abc import Sequence
import datetime
import re
import typing

from blockstore import exceptions

Buffer = bytes | bytearray | memoryview

_NAME = re.compile(r'(?!\.{1,2}(/|$))[\w.%-]{1,255}'
                   r'(/(?!\.{1,2}(/|$))[\w.%-]{1,255})*', re.ASCII)


class Stat(typing.NamedTuple):
    """What is known of an object without reading it.

    :ivar size: bytes.
    :ivar modified: when it was put or moved, by the backend's clock, UTC.
    """

    size: int
    modified: datetime.datetime


class Backend(abc.ABC):
    """A place for objects."""

    @abc.abstractmethod
    def put(self, name: str, parts: Sequence[Buffer]) -> None:
        """Store an object, its parts one after the other, once.

        Atomic: at any time, and after a loss of power, the name shows all of
        the bytes or nothing.  Durable only when a later :meth:`sync` has
        returned.

        :raises StoreObjectExists: the name is taken; it is left untouched.
        """

    @abc.abstractmethod
    def get(self, name: str) -> bytes:
        """Return all bytes of an object.

        :raises StoreObjectMissing: there is no such object.
        """

    @abc.abstractmethod
    def stat(self, name: str) -> Stat:
        """Tell size and time of an object.

        :raises StoreObjectMissing: there is no such object.
        """

    def exists(self, name: str) -> bool:
        """Tell whether there is such an object."""
        try:
            self.stat(name)
        except exceptions.StoreObjectMissing:
            return False
        return True

    @abc.abstractmethod
    def list(self, prefix: str = '', after: str = '') -> Iterator[str]:
        """Yield the names that begin with a prefix, in order, lazily.

        An object put or removed meanwhile may or may not show; all others
        do, once.

        :param after: only names greater than this one.
        """

    @abc.abstractmethod
    def move(self, name: str, new_name: str) -> None:
        """Give an object another name, and the present as its time.

        An object under the new name is replaced.  The bytes are at no time
        under neither name; they may be under both for a while.

        :raises StoreObjectMissing: there is no such object.
        """

    @abc.abstractmethod
    def delete(self, name: str) -> None:
        """Remove an object; it is no error if there is none."""

    @abc.abstractmethod
    def sync(self) -> None:
        """Return when all that was put, moved or deleted is durable.

        Covers what returned before this call began, by any thread.
        """

    @abc.abstractmethod
    def now(self) -> datetime.datetime:
        """Tell the time by the clock that stamps objects, naive UTC."""

    @abc.abstractmethod
    def tidy(self, before: datetime.datetime) -> int:
        """Remove what puts that were cut off before an instant left behind.

        :returns: how many such remains were removed.
        """


def is_name(name: str) -> bool:
    """Tell whether a string keeps to the rules for object names."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> None:
    """Refuse what is not an object name.

    :raises Invalid: the name breaks the rules of this module.
    """
    if not is_name(name):
        raise exceptions.Invalid(f'bad object name {name!r}')


def missing(name: str) -> exceptions.StoreObjectMissing:
    """Make the exception for an object that is not there."""
    return exceptions.StoreObjectMissing(f'no object {name} in the store')


def taken(name: str) -> exceptions.StoreObjectExists:
    """Make the exception for a name that is taken."""
    return exceptions.StoreObjectExists(f'object {name} exists already')
