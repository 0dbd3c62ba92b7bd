"""The qcow2 files of one directory: made, read and checked.

A format is always named and a header is never believed: before a file is
opened it is compared with what the book says (:meth:`Images.verify`).
Backing names are relative, so the directory may move.
"""

from collections.abc import Iterator
import dataclasses
import os
import re
import stat
import struct
import subprocess

from blockstore import exceptions
from blockstore.lifecycle import boundaries
from blockstore.volume.drivers.qsd import qcow2
from blockstore.volume.drivers.qsd.settings import Settings

SUFFIX = '.qcow2'
_VERSION = 3
_HEADER = struct.Struct('>4sIQIIQIIQQIIQ')      # 72 bytes, as in version 2
_DIRTY = 1 << 0
_DATA_FILE = 1 << 2
_NAME = re.compile(r'^volume-(?P<owner>[0-9A-Za-z_-]+)\.(?P<number>\d+)$')
_COMMAND_TIMEOUT = 120
_COPY_TIMEOUT = 24 * 3600
#: The number of a layer that is a raw file: it was taken over, and is the
#: lowest of its chain.
RAW_NUMBER = 0
_RAW_SUFFIX = '.raw'
_FORMATS = {SUFFIX: 'qcow2', _RAW_SUFFIX: 'raw', '.img': 'raw'}


@dataclasses.dataclass(frozen=True)
class Header:
    """What a qcow2 file says about itself."""

    size: int
    backing: str | None
    backing_format: str | None
    incompatible: int
    encryption: int
    internal_snapshots: int


def parse_header(data: bytes) -> Header:
    """Read a version 3 header.

    :param data: the first 4 KiB or more of a file.
    :raises ValueError: when it is not one, or not complete.
    """
    if len(data) < 104 or data[:4] != qcow2.MAGIC:
        raise ValueError('this is no qcow2 file')
    (_magic, version, name_at, name_size, _cluster_bits, size, encryption,
     _l1_size, _l1_at, _ref_at, _ref_clusters, snapshots,
     _snapshots_at) = _HEADER.unpack_from(data)
    if version != _VERSION:
        raise ValueError(f'qcow2 version {version} is not used here')
    incompatible, = struct.unpack_from('>Q', data, 72)
    length, = struct.unpack_from('>I', data, 100)
    if name_at and name_at + name_size > len(data):
        raise ValueError('the backing name is cut off')
    backing = data[name_at:name_at + name_size].decode() if name_at else None
    return Header(size, backing, _backing_format(data, length), incompatible,
                  encryption, snapshots)


def _backing_format(data: bytes, position: int) -> str | None:
    """Walk the header extensions."""
    while position + 8 <= len(data):
        kind, length = struct.unpack_from('>II', data, position)
        if kind == 0:
            return None
        if kind == qcow2.BACKING_FORMAT:
            return data[position + 8:position + 8 + length].decode()
        position += 8 + (length + 7 & ~7)
    return None


def owner_of(layer: str) -> str | None:
    """Return the volume id in a layer's name, or None for other names."""
    match = _NAME.match(layer)
    return match['owner'] if match else None


def layer_name(volume_id: str, number: int) -> str:
    """Return the name of a volume's layer."""
    return f'volume-{volume_id}.{number:04d}'


def format_of(layer: str) -> str:
    """Return the format of a layer's file, which its name says."""
    return ('raw' if int(layer.rpartition('.')[2]) == RAW_NUMBER
            else 'qcow2')


def suffix(layer: str) -> str:
    """Return how the name of a layer's file ends."""
    return _RAW_SUFFIX if format_of(layer) == 'raw' else SUFFIX


def layer_of(name: str) -> str | None:
    """Return the layer whose file has a name, or None for other files."""
    stem, ending = os.path.splitext(name)
    if owner_of(stem) is None or ending != suffix(stem):
        return None
    return stem


def format_named(name: str) -> str | None:
    """Return the format that the end of a file's name stands for."""
    return _FORMATS.get(os.path.splitext(name)[1])


class Images:
    """The files of a back end; a layer ``volume-<id>.<n>`` is one file."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.directory = settings.directory

    def path(self, layer: str) -> str:
        """Return the absolute path of a layer's file."""
        return os.path.join(self.directory, layer + suffix(layer))

    def create(self, layer: str, size: int, parent: str | None) -> None:
        """Make an empty image, over its parent's if there is one.

        :param size: bytes.
        :raises DriverError: when it cannot be; no file is left then.
        """
        if parent:
            self.header(parent)
        with boundaries.around('driver', 'qsd.image'):
            self.remove(layer)
            try:
                qcow2.create(self.path(layer), size,
                             parent + suffix(parent) if parent else None,
                             format_of(parent) if parent else '',
                             extended_l2=self._settings.extended_l2)
            except OSError as error:
                self.remove(layer)
                if error.errno in exceptions.FULL:
                    raise exceptions.no_room() from error
                raise exceptions.DriverError(
                    f'cannot make the image {layer}: {error}') from error
            _sync(self.directory)

    def rebase(self, layer: str, parent: str) -> None:
        """Write another backing name into a closed layer's header."""
        with boundaries.around('driver', 'qsd.rebase'):
            self.run('rebase', '-q', '-u', '-f', 'qcow2', '-F',
                     format_of(parent), '-b', parent + suffix(parent),
                     self.path(layer))
            _sync(self.path(layer))

    def flatten(self, layer: str) -> None:
        """Copy what is below a closed layer into it; it stands alone then.

        Cut off anywhere, it still has what is below it, and may be repeated.
        """
        with boundaries.around('driver', 'qsd.flatten'):
            self.run('rebase', '-q', '-f', 'qcow2', '-b', '',
                     self.path(layer), timeout=_COPY_TIMEOUT)
            _sync(self.path(layer))

    def take(self, name: str, layer: str) -> None:
        """Give a file of the directory a layer's name.

        :raises OSError: it is gone, or the name is taken.
        """
        path = self.path(layer)
        if os.path.lexists(path):
            raise FileExistsError(f'{layer} is there already')
        os.rename(os.path.join(self.directory, name), path)
        _sync(self.directory)

    def run(self, *arguments: str, timeout: float = _COMMAND_TIMEOUT) -> str:
        """Run qemu-img and return what it printed.

        :raises DriverError: with its message when it failed.
        """
        command = [self._settings.qemu_img, *arguments]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True,
                text=True, errors='replace', timeout=timeout,
                env={**os.environ, 'LC_ALL': 'C'}, umask=0o077, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise exceptions.DriverError(
                f'cannot run {command[0]} {arguments[0]}: {error}') from error
        if done.returncode:
            raise exceptions.DriverError(
                f'qemu-img {arguments[0]} failed with {done.returncode}: '
                f'{done.stderr.strip()}')
        return done.stdout

    def remove(self, layer: str) -> None:
        """Unlink a layer's file; gone is success."""
        try:
            os.unlink(self.path(layer))
        except FileNotFoundError:
            return

    def header(self, layer: str) -> Header:
        """Read a layer's header; a raw file has none and is not looked into.

        :raises DriverError: when the file is missing or no qcow2 image.
        """
        if format_of(layer) == 'raw':
            return Header(self._length(layer), None, None, 0, 0, 0)
        return self.header_of(layer + suffix(layer))

    def header_of(self, name: str) -> Header:
        """Read the header of a qcow2 file of the directory."""
        try:
            descriptor = os.open(os.path.join(self.directory, name),
                                 os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                return parse_header(os.pread(descriptor, 65536, 0))
            finally:
                os.close(descriptor)
        except (OSError, ValueError) as error:
            raise exceptions.DriverError(
                f'the image {name} cannot be used: {error}') from error

    def _length(self, layer: str) -> int:
        try:
            status = os.lstat(self.path(layer))
        except OSError as error:
            raise exceptions.DriverError(
                f'the image {layer} cannot be used: {error}') from error
        if not stat.S_ISREG(status.st_mode):
            raise exceptions.DriverError(f'{layer} is no regular file')
        return status.st_size

    def check_plain(self, header: Header) -> None:
        """Raise DriverError for a header that says more than we use."""
        found = ', '.join(_unused(header))
        if found:
            raise exceptions.DriverError(
                f'it has what is not used here: {found}')

    def verify(self, layer: str, parent: str | None) -> Header:
        """Compare a header with the book's facts and return it.

        :raises DriverError: when they differ: nothing may be opened then.
        """
        header = self.header(layer)
        wanted = parent + suffix(parent) if parent else None
        faults = [*_unused(header)]
        if header.backing != wanted:
            faults.append(f'backing {header.backing!r}')
        if parent and header.backing_format != format_of(parent):
            faults.append(f'backing format {header.backing_format!r}')
        found = ', '.join(faults)
        if found:
            raise exceptions.DriverError(
                f'the image {layer} is not as the book says ({found}; '
                f'expected backing {wanted!r})',
                remedy='somebody changed the file: do not attach the volume '
                       'before its images were checked')
        return header

    def matches(self, layer: str, parent: str | None) -> bool:
        """Tell whether a complete image with this parent is there."""
        try:
            self.verify(layer, parent)
        except exceptions.DriverError:
            return False
        return True

    def names(self) -> Iterator[str]:
        """Yield the layer names of the files that are there."""
        with os.scandir(self.directory) as entries:
            for entry in entries:
                layer = layer_of(entry.name)
                if layer is not None:
                    yield layer

    def files(self) -> list[str]:
        """Return the names of all plain files, sorted."""
        with os.scandir(self.directory) as entries:
            return sorted(entry.name for entry in entries
                          if entry.is_file(follow_symlinks=False))

    def used_bytes(self) -> int:
        """Return what the images take of the file system."""
        total = 0
        with os.scandir(self.directory) as entries:
            for entry in entries:
                try:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                except FileNotFoundError:
                    continue
        return total


def _unused(header: Header) -> Iterator[str]:
    """Name the abilities of an image that are not used here."""
    features = header.incompatible & ~(_DIRTY | qcow2.EXTENDED_L2)
    if features & _DATA_FILE:
        yield 'a data file'
    elif features:
        yield f'features {features:#x}'
    if header.encryption:
        yield f'encryption {header.encryption}'
    if header.internal_snapshots:
        yield 'internal snapshots'


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def accepts_direct(directory: str) -> bool:
    """Tell whether files of a directory may be opened with O_DIRECT."""
    flag = getattr(os, 'O_DIRECT', 0)
    if not flag:
        return False
    path = os.path.join(directory, f'.direct-{os.getpid()}')
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | flag, 0o600)
    except OSError:
        return False
    else:
        os.close(descriptor)
        return True
    finally:
        if os.path.lexists(path):
            os.unlink(path)
