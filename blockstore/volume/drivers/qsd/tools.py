"""Looking at the programs and directories that a back end needs."""

import os
import re
import shutil
import stat
import subprocess

from blockstore import exceptions
from blockstore.volume.drivers.qsd.settings import Settings

_OLDEST = (6, 0)
_PACKAGES = ('install qemu-system-common and qemu-utils (Debian, Ubuntu), '
             'qemu-img and qemu-storage-daemon (Fedora, RHEL), '
             'or qemu (Homebrew); or set the option {option} to its path')


def prepare_directories(settings: Settings) -> None:
    """Make the directories, for this user alone.

    :raises DriverError: when they cannot be used.
    """
    for path, option in ((settings.directory, 'qsd_directory'),
                         (settings.run_directory, 'qsd_run_directory')):
        try:
            os.makedirs(path, mode=0o700, exist_ok=True)
            status = os.lstat(path)
        except OSError as error:
            raise exceptions.DriverError(
                f'the directory {path} cannot be made: {error.strerror}',
                remedy=f'make it for the user {os.getuid()} or set '
                       f'{option}') from error
        if not stat.S_ISDIR(status.st_mode) or not os.access(
                path, os.R_OK | os.W_OK | os.X_OK):
            raise exceptions.DriverError(
                f'{path} is no directory that user {os.getuid()} can use',
                remedy=f'give it to that user or set {option}')
    status = os.lstat(settings.run_directory)
    if status.st_uid != os.getuid() or status.st_mode & stat.S_IWOTH:
        raise exceptions.DriverError(
            f'{settings.run_directory} must belong to user {os.getuid()} and '
            'not be writable for all: its sockets lead to all volumes',
            remedy='set qsd_run_directory to a private directory')


def check(settings: Settings) -> None:
    """Raise DriverError, with a remedy, unless everything is there."""
    for program, option in ((settings.daemon, 'qsd_daemon'),
                            (settings.qemu_img, 'qemu_img')):
        version = _version(program, option)
        if version < _OLDEST:
            raise exceptions.DriverError(
                f'{program} has version {version[0]}.{version[1]}; at least '
                f'{_OLDEST[0]}.{_OLDEST[1]} is needed',
                remedy=_PACKAGES.format(option=option))
    prepare_directories(settings)


def _version(program: str, option: str) -> tuple[int, int]:
    path = shutil.which(program)
    if path is None:
        raise exceptions.DriverError(
            f'the program {program} is not installed',
            remedy=_PACKAGES.format(option=option))
    try:
        done = subprocess.run(
            [path, '--version'], stdin=subprocess.DEVNULL, check=False,
            capture_output=True, text=True, errors='replace', timeout=30)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise exceptions.DriverError(
            f'{path} does not run: {error}',
            remedy=_PACKAGES.format(option=option)) from error
    found = re.search(r'version (\d+)\.(\d+)', done.stdout)
    if not found:
        raise exceptions.DriverError(
            f'{path} tells no version: {done.stderr.strip()[:200]}',
            remedy=_PACKAGES.format(option=option))
    return int(found[1]), int(found[2])
