"""Objects in memory, for tests, with faults on command.

>>> store = MemoryStore()
>>> store.faults.append(Fault('put', when='after', times=1))

makes the next put store its object and then fail.
"""

from collections.abc import Iterator
from collections.abc import Sequence
import contextlib
import dataclasses
import datetime
import threading
import time

from oslo_config import cfg
from oslo_utils import timeutils

from blockstore import exceptions
from blockstore.backup.stores import base


@dataclasses.dataclass
class Fault:
    """Something that goes wrong with a call.

    :ivar action: the method, such as ``put``.
    :ivar when: ``before`` or ``after`` the effect an error is raised;
        ``slow`` waits first; ``damage`` flips a bit of what is read.
    :ivar times: how often; the fault is spent then.
    :ivar skip: how many matching calls go well first.
    :ivar prefix: only objects whose name begins so.
    :ivar seconds: how long ``slow`` waits.
    """

    action: str
    when: str = 'before'
    times: int = 1
    skip: int = 0
    prefix: str = ''
    seconds: float = 0.01


class MemoryStore(base.Backend):
    """A backend in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, datetime.datetime]] = {}
        self.faults: list[Fault] = []
        self._lock = threading.Lock()

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts) -> 'MemoryStore':
        """Make an empty backend."""
        return cls()

    def put(self, name: str, parts: Sequence[base.Buffer]) -> None:
        base.check_name(name)
        with self._faulty('put', name), self._lock:
            if name in self.objects:
                raise base.taken(name)
            self.objects[name] = (b''.join(parts), timeutils.utcnow())

    def get(self, name: str) -> bytes:
        base.check_name(name)
        with self._faulty('get', name) as damaged:
            data = self._object(name)[0]
        if damaged:
            data = data[:-1] + bytes([data[-1] ^ 1])
        return data

    def stat(self, name: str) -> base.Stat:
        base.check_name(name)
        with self._faulty('stat', name):
            data, modified = self._object(name)
        return base.Stat(len(data), modified)

    def list(self, prefix: str = '', after: str = '') -> Iterator[str]:
        with self._faulty('list', prefix), self._lock:
            names = sorted(self.objects)
        for name in names:
            if name.startswith(prefix) and name > after:
                yield name

    def move(self, name: str, new_name: str) -> None:
        base.check_name(name)
        base.check_name(new_name)
        with self._faulty('move', name), self._lock:
            if name not in self.objects:
                raise base.missing(name)
            data, _ = self.objects.pop(name)
            self.objects[new_name] = (data, timeutils.utcnow())

    def delete(self, name: str) -> None:
        base.check_name(name)
        with self._faulty('delete', name), self._lock:
            self.objects.pop(name, None)

    def sync(self) -> None:
        with self._faulty('sync', ''):
            pass

    def now(self) -> datetime.datetime:
        return timeutils.utcnow()

    def tidy(self, before: datetime.datetime) -> int:
        return 0

    def _object(self, name: str) -> tuple[bytes, datetime.datetime]:
        with self._lock:
            if name not in self.objects:
                raise base.missing(name)
            return self.objects[name]

    @contextlib.contextmanager
    def _faulty(self, action: str, name: str) -> Iterator[bool]:
        fault = self._strike(action, name)
        when = fault.when if fault else ''
        if fault and when == 'slow':
            time.sleep(fault.seconds)
        if when == 'before':
            raise exceptions.StoreError(f'fault before {action} {name}')
        yield when == 'damage'
        if when == 'after':
            raise exceptions.StoreError(f'fault after {action} {name}')

    def _strike(self, action: str, name: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.action != action or not name.startswith(
                        fault.prefix) or not fault.times:
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None
