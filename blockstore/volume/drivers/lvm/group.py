"""The volume group, as the rooms of this driver work with it.

What LVM refuses becomes :class:`LvmFailed`, with its exit code and its words;
each change of the group is a boundary of the crash tests.
"""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import os
import re
import threading
import typing

from blockstore import exceptions
from blockstore.lifecycle import boundaries
from blockstore.privileged import commands
from blockstore.privileged import lvm
from blockstore.volume.drivers import shapes
from blockstore.volume.drivers.lvm import report
from blockstore.volume.drivers.lvm.report import LogicalVolume
from blockstore.volume.drivers.lvm.settings import Settings

Result = typing.TypeVar('Result')

_UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
_OWN = re.compile(f'(volume|_snapshot|_moment)-({_UUID})')
_KINDS = {'volume': 'volume', '_snapshot': 'snapshot', '_moment': 'volume'}
_IN_USE = re.compile(r' in use|is used by another device|contains a filesystem'
                     r'|open count')


class LvmFailed(exceptions.VolumeBackendAPIException):
    """Raised when LVM, or the kernel below it, refused.

    :ivar exit_code: of the program; None if it was stopped at its deadline
        or none was run.
    :ivar stderr: what it said.
    """

    def __init__(self, message: str, exit_code: int | None = None,
                 stderr: str = '') -> None:
        super().__init__(message, remedy='see the log of the host')
        self.exit_code = exit_code
        self.stderr = stderr

    @property
    def in_use(self) -> bool:
        """Whether something has the volume open."""
        return bool(_IN_USE.search(self.stderr))


@contextlib.contextmanager
def translating(what: str) -> Iterator[None]:
    """Turn what the privileged side raises into LvmFailed."""
    try:
        yield
    except commands.CommandFailed as error:
        raise LvmFailed(str(error), error.exit_code, error.stderr) from error
    except OSError as error:
        raise LvmFailed(f'{what}: {error.strerror or error}') from error
    except ValueError as error:
        raise LvmFailed(f'{what}: {error}') from error


class Group:
    """One volume group and, if it has thin volumes, its pool."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.name = settings.group
        self._locks: dict[str, threading.RLock] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def locked(self, *ids: str) -> Iterator[None]:
        """Let nobody else of this process work on volumes meanwhile."""
        with self._lock:
            locks = [self._locks.setdefault(id_, threading.RLock())
                     for id_ in sorted(set(ids))]
        with contextlib.ExitStack() as stack:
            for lock in locks:
                stack.enter_context(lock)
            yield

    def volumes(self) -> dict[str, LogicalVolume]:
        """Return all that is in the group, by name."""
        with translating('lvs'):
            return report.parse_volumes(lvm.report_volumes(self.name))

    def facts(self) -> report.VolumeGroup:
        """Return how large the group is."""
        with translating('vgs'):
            return report.parse_group(lvm.report_group(self.name))

    def find(self, name: str) -> LogicalVolume | None:
        """Return what has a name, or None."""
        return self.volumes().get(name)

    def require(self, name: str) -> LogicalVolume:
        """Return what has a name, or raise DriverError."""
        return required(self.volumes(), name, self.name)

    def change(self, function: Callable[..., Result],
               *arguments: typing.Any) -> Result:
        """Let LVM change something in this group."""
        with (boundaries.around('driver', f'lvm.{_name(function)}'),
              translating(_name(function))):
            return function(self.name, *arguments)

    def make(self, name: str, function: Callable[..., None],
             *arguments: typing.Any) -> LogicalVolume | None:
        """Let LVM make something; return what has the name already."""
        try:
            self.change(function, *arguments)
        except LvmFailed:
            found = self.find(name)
            if found is None:
                raise
            return found
        return None

    def remove(self, name: str) -> None:
        """Remove something; gone is success.

        :raises LvmFailed: also when it is in use.
        """
        try:
            self.change(lvm.remove, name)
        except LvmFailed:
            if self.find(name) is not None:
                raise

    def activate(self, name: str) -> None:
        """Let something have a device, unless it has one."""
        if not os.path.exists(f'/dev/{self.name}/{name}'):
            self.change(lvm.activate, name)

    def grow(self, name: str, size: int) -> None:
        """Let a volume have at least a size."""
        try:
            self.change(lvm.extend, name, size)
        except LvmFailed:
            if self.require(name).size < size:
                raise


def required(volumes: dict[str, LogicalVolume], name: str, group: str,
             ) -> LogicalVolume:
    """Return what has a name, or raise DriverError."""
    try:
        return volumes[name]
    except KeyError:
        raise exceptions.DriverError(
            f'there is no {name} in the volume group {group}') from None


def name_of(one: shapes.Volume | shapes.Snapshot) -> str:
    """Return the name of a volume or snapshot in the group.

    LVM keeps names that begin with ``snapshot`` for itself.
    """
    return f'_{one.name}' if hasattr(one, 'volume_id') else one.name


def owner_of(name: str) -> tuple[str, str] | None:
    """Return kind and id of the row that a name was made from, if any.

    >>> owner_of('_snapshot-6f2b5c8a-…')
    ('snapshot', '6f2b5c8a-…')
    """
    found = _OWN.fullmatch(name)
    return (_KINDS[found[1]], found[2]) if found else None


def _name(function: Callable[..., object]) -> str:
    # An entry point of privsep is a partial of its caller and the function.
    inner = getattr(function, 'args', (function,))[0]
    return str(inner.__name__)
