"""The options of one back end, resolved and checked once."""

import dataclasses
import hashlib
import os
import tempfile
import typing

from blockstore import exceptions
from blockstore.conf import qsd as options

_LONGEST_SOCKET = 107
_SOCKET_NAME = 32 + len('/.q')


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the rooms of this driver need of the configuration."""

    backend_name: str
    directory: str
    run_directory: str
    daemon: str
    qemu_img: str
    cache_direct: str
    aio: str
    extended_l2: bool
    on_crash: str
    qmp_timeout: float
    capacity_gb: float
    reserved_percentage: int
    over_subscription: float


def from_conf(conf: typing.Any, host: str) -> Settings:
    """Read the options; one that the object lacks has its default.

    :param conf: an object whose attributes are options.
    :param host: ``host@backend``; its end is the default of the name.
    :raises DriverError: when the run directory's name is too long.
    """
    defaults = {option.dest: option.default for option in options.OPTS}

    def value(name: str) -> typing.Any:
        return getattr(conf, name, defaults[name])

    directory = os.path.abspath(value('qsd_directory'))
    return Settings(
        backend_name=(value('volume_backend_name')
                      or host.rpartition('@')[2]),
        directory=directory,
        run_directory=_run_directory(value('qsd_run_directory'), directory),
        daemon=value('qsd_daemon'),
        qemu_img=value('qemu_img'),
        cache_direct=value('qsd_cache_direct'),
        aio=value('qsd_aio'),
        extended_l2=value('qsd_extended_l2'),
        on_crash=value('qsd_on_crash'),
        qmp_timeout=value('qsd_qmp_timeout'),
        capacity_gb=value('qsd_capacity_gb'),
        reserved_percentage=value('reserved_percentage'),
        over_subscription=value('max_over_subscription_ratio'))


def _run_directory(wanted: str, directory: str) -> str:
    """Find a directory whose socket names fit into a socket address."""
    if wanted:
        path = os.path.abspath(wanted)
        if not _fits(path):
            raise exceptions.DriverError(
                f'the run directory {path} is too long for socket names',
                remedy='set qsd_run_directory to at most '
                       f'{_LONGEST_SOCKET - _SOCKET_NAME} characters')
        return path
    path = os.path.join(directory, 'run')
    if _fits(path):
        return path
    # The same name after each restart: daemons are found again through it.
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
    name = f'blockstore-{os.getuid()}-{digest}'
    for parent in (os.environ.get('XDG_RUNTIME_DIR'), tempfile.gettempdir()):
        if parent and _fits(os.path.join(parent, name)):
            return os.path.join(parent, name)
    raise exceptions.DriverError(
        'no directory for sockets was found',
        remedy='set qsd_run_directory to a short path')


def _fits(path: str) -> bool:
    return len(os.fsencode(path)) + _SOCKET_NAME <= _LONGEST_SOCKET
