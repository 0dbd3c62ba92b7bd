"""What can be said about any backend, said around it instead of inside.

>>> backend = Retrying(Guarded(Counting(PosixStore('/backups'))))
"""

import collections
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
import datetime
import threading
import time
import typing

from oslo_log import log as logging

from blockstore import exceptions
from blockstore.backup.stores import base
from blockstore.lifecycle import boundaries

LOG = logging.getLogger(__name__)

Result = typing.TypeVar('Result')

# Answers, not accidents: asking again would give the same.
_ANSWERS = (exceptions.StoreObjectMissing, exceptions.StoreObjectExists,
            exceptions.StoreObjectDamaged, exceptions.StoreFull)
_CHANGES = frozenset({'put', 'move', 'delete'})


class Wrapper(base.Backend):
    """A backend that hands everything on, through one method."""

    def __init__(self, inner: base.Backend) -> None:
        self._inner = inner

    def _call(self, action: str, effect: Callable[[], Result]) -> Result:
        """Do one thing; what a wrapper adds, it adds here."""
        return effect()

    def put(self, name: str, parts: Sequence[base.Buffer]) -> None:
        self._call('put', lambda: self._inner.put(name, parts))

    def get(self, name: str) -> bytes:
        return self._call('get', lambda: self._inner.get(name))

    def stat(self, name: str) -> base.Stat:
        return self._call('stat', lambda: self._inner.stat(name))

    def exists(self, name: str) -> bool:
        return self._call('exists', lambda: self._inner.exists(name))

    def list(self, prefix: str = '', after: str = '') -> Iterator[str]:
        yield from self._call('list', lambda: self._inner.list(prefix, after))

    def move(self, name: str, new_name: str) -> None:
        self._call('move', lambda: self._inner.move(name, new_name))

    def delete(self, name: str) -> None:
        self._call('delete', lambda: self._inner.delete(name))

    def sync(self) -> None:
        self._call('sync', self._inner.sync)

    def now(self) -> datetime.datetime:
        return self._call('now', self._inner.now)

    def tidy(self, before: datetime.datetime) -> int:
        return self._call('tidy', lambda: self._inner.tidy(before))


class Guarded(Wrapper):
    """Crosses a boundary before and after each effect."""

    def _call(self, action: str, effect: Callable[[], Result]) -> Result:
        with boundaries.around('store', action):
            return effect()


class Fenced(Wrapper):
    """Asks before each change whether it may still be made.

    :param fence: raises when it may not.
    """

    def __init__(self, inner: base.Backend, fence: Callable[[], None],
                 ) -> None:
        super().__init__(inner)
        self._fence = fence

    def _call(self, action: str, effect: Callable[[], Result]) -> Result:
        if action in _CHANGES:
            self._fence()
        return effect()


class Retrying(Wrapper):
    """Tries again, a little later each time, when the store has failed.

    A put or move that failed after its effect is found done by the second
    try, which then tells so: the name is taken, the object is gone.
    """

    def __init__(self, inner: base.Backend, attempts: int = 4,
                 delay: float = 0.2,
                 sleep: Callable[[float], None] = time.sleep) -> None:
        super().__init__(inner)
        self._attempts = attempts
        self._delay = delay
        self._sleep = sleep

    def _call(self, action: str, effect: Callable[[], Result]) -> Result:
        for attempt in range(1, self._attempts):
            try:
                return effect()
            except _ANSWERS:
                raise
            except exceptions.StoreError as error:
                LOG.warning('Store: %s failed, attempt %d of %d: %s',
                            action, attempt, self._attempts, error)
                self._sleep(self._delay * 2 ** (attempt - 1))
        return effect()

    def list(self, prefix: str = '', after: str = '') -> Iterator[str]:
        # A listing that broke is taken up after the last name it gave.
        names: Iterator[str] | None = None

        def step() -> str | None:
            nonlocal names
            if names is None:
                names = self._inner.list(prefix, after)
            try:
                return next(names, None)
            except exceptions.StoreError:
                names = None
                raise

        while (name := self._call('list', step)):
            after = name
            yield name


class Counting(Wrapper):
    """Counts calls by method, and bytes put and got."""

    def __init__(self, inner: base.Backend) -> None:
        super().__init__(inner)
        self.calls: collections.Counter[str] = collections.Counter()
        self.bytes_put = 0
        self.bytes_got = 0
        self._lock = threading.Lock()

    def _call(self, action: str, effect: Callable[[], Result]) -> Result:
        with self._lock:
            self.calls[action] += 1
        return effect()

    def put(self, name: str, parts: Sequence[base.Buffer]) -> None:
        super().put(name, parts)
        with self._lock:
            self.bytes_put += sum(len(part) for part in parts)

    def get(self, name: str) -> bytes:
        data = super().get(name)
        with self._lock:
            self.bytes_got += len(data)
        return data
