"""Objects as files below a directory: local disk, NFS or the like.

An object's name is its path below the root.  A put writes a temporary file
below ``.incoming/``, makes its bytes durable, and only then links it to its
name, which fails if the name is taken.  So no name ever shows a torn object,
also after a loss of power.  What is put off until :meth:`PosixStore.sync` are
the directories: one fsync for each that changed, instead of one per object.

The file system must have hard links.
"""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
import contextlib
import datetime
import os
import threading

from oslo_config import cfg
from oslo_utils import uuidutils

from blockstore import exceptions
from blockstore.backup.stores import base

_INCOMING = '.incoming'
_MAX_PARTS = 1000
_MKDIR_TRIES = 100


class PosixStore(base.Backend):
    """A backend on a file system."""

    def __init__(self, root: str) -> None:
        self._root = os.path.abspath(root)
        self._incoming = os.path.join(self._root, _INCOMING)
        self._dirty: set[str] = set()
        self._dirty_lock = threading.Lock()
        self._sync_lock = threading.Lock()

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts) -> 'PosixStore':
        """Make the backend that ``[store] posix_path`` describes."""
        return cls(conf.store.posix_path)

    def put(self, name: str, parts: Sequence[base.Buffer]) -> None:
        path = self._path(name)
        with _errors('put', name):
            temporary = self._write(parts)
            try:
                self._in_directory(
                    path, lambda: os.link(temporary, path))
            except FileExistsError:
                raise base.taken(name) from None
            finally:
                os.unlink(temporary)
            self._soil(os.path.dirname(path))

    def get(self, name: str) -> bytes:
        with (_errors('get', name),
              open(self._path(name), 'rb', buffering=0) as file):
            return file.read()

    def stat(self, name: str) -> base.Stat:
        with _errors('stat', name):
            status = os.stat(self._path(name))
        return base.Stat(status.st_size, _instant(status.st_mtime))

    def list(self, prefix: str = '', after: str = '') -> Iterator[str]:
        with _errors('list', prefix):
            yield from self._walk('', prefix, after)

    def move(self, name: str, new_name: str) -> None:
        path, new_path = self._path(name), self._path(new_name)
        with _errors('move', name):
            os.utime(path)
            self._in_directory(
                new_path, lambda: os.rename(path, new_path))
            self._soil(os.path.dirname(path), os.path.dirname(new_path))

    def delete(self, name: str) -> None:
        path = self._path(name)
        with _errors('delete', name), contextlib.suppress(FileNotFoundError):
            os.unlink(path)
            self._soil(os.path.dirname(path))
            self._drop_empty(os.path.dirname(path))

    def sync(self) -> None:
        # One at a time: who comes second must not return while the first is
        # still busy with directories of the second.
        with self._sync_lock, _errors('sync', ''):
            with self._dirty_lock:
                dirty, self._dirty = self._dirty, set()
            try:
                for directory in dirty:
                    with contextlib.suppress(FileNotFoundError):
                        _fsync_directory(directory)
            except OSError:
                self._soil(*dirty)
                raise

    def now(self) -> datetime.datetime:
        with _errors('now', ''):
            temporary = self._write([])
            try:
                return _instant(os.stat(temporary).st_mtime)
            finally:
                os.unlink(temporary)

    def tidy(self, before: datetime.datetime) -> int:
        removed = 0
        with _errors('tidy', ''):
            for entry in _scan(self._incoming):
                with contextlib.suppress(FileNotFoundError):
                    if _instant(entry.stat().st_mtime) < before:
                        os.unlink(entry.path)
                        removed += 1
        return removed

    def _path(self, name: str) -> str:
        base.check_name(name)
        if name.split('/', 1)[0] == _INCOMING:
            raise exceptions.Invalid(f'reserved object name {name!r}')
        return os.path.join(self._root, name)

    def _write(self, parts: Sequence[base.Buffer]) -> str:
        path = os.path.join(self._incoming, uuidutils.generate_uuid())
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = -1

        def create() -> None:
            nonlocal descriptor
            descriptor = os.open(path, flags, 0o600)

        self._in_directory(path, create)
        try:
            _write_all(descriptor, parts)
            os.fdatasync(descriptor)
            # Nobody reads it soon: leave the page cache to those who read.
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        except BaseException:
            os.unlink(path)
            raise
        finally:
            os.close(descriptor)
        return path

    def _in_directory(self, path: str, effect: Callable[[], None]) -> None:
        # A directory may vanish between its making and its use when the last
        # object in it is deleted; then it is made again.
        for _ in range(_MKDIR_TRIES):
            try:
                effect()
                return
            except FileNotFoundError:
                self._make_directory(os.path.dirname(path))
        effect()

    def _make_directory(self, directory: str) -> None:
        parent = os.path.dirname(directory)
        if not os.path.isdir(parent):
            self._make_directory(parent)
        # The parent may be gone again: the caller comes back.
        with contextlib.suppress(FileExistsError, FileNotFoundError):
            os.mkdir(directory, 0o700)
        self._soil(parent)

    def _drop_empty(self, directory: str) -> None:
        with contextlib.suppress(OSError):
            while directory != self._root:
                os.rmdir(directory)
                directory = os.path.dirname(directory)
                self._soil(directory)

    def _soil(self, *directories: str) -> None:
        with self._dirty_lock:
            self._dirty.update(directories)

    def _walk(self, directory: str, prefix: str,
              after: str) -> Iterator[str]:
        # What cannot be ours, such as lost+found, is not looked into.
        found = [directory + entry.name + '/' * entry.is_dir()
                 for entry in _scan(os.path.join(self._root, directory))
                 if base.is_name(entry.name)]
        for name in sorted(found):
            if not directory and name == _INCOMING + '/':
                continue
            if name.endswith('/'):
                # Nothing below can match if the two part ways here, or if
                # all of it comes before the start.
                if ((name.startswith(prefix) or prefix.startswith(name))
                        and name[:-1] + '0' > after):
                    yield from self._walk(name, prefix, after)
            elif name.startswith(prefix) and name > after:
                yield name


@contextlib.contextmanager
def _errors(action: str, name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise base.missing(name) from error
    except OSError as error:
        if error.errno in exceptions.FULL:
            raise exceptions.StoreFull(
                'the backup store is full', remedy='delete backups that are '
                'not needed, or have the operator give it more room'
                ) from error
        raise exceptions.StoreError(
            f'{action} {name}: {error.strerror}') from error


def _instant(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(
        seconds, datetime.UTC).replace(tzinfo=None)


def _scan(directory: str) -> Sequence['os.DirEntry[str]']:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _fsync_directory(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, parts: Sequence[base.Buffer]) -> None:
    left = [memoryview(part).cast('B') for part in parts if len(part)]
    while left:
        written = os.writev(descriptor, left[:_MAX_PARTS])
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if written:
            left[0] = left[0][written:]
