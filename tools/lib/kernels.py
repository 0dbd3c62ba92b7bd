"""Run tests that need root on a kernel with device-mapper, LVM and iSCSI.

On a machine that is such a kernel they run here, one after the other.
Elsewhere they run in two guests of ``tools/uml-run`` at a time, as a guest
has one processor; each has its own disk.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import typing

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LOGS = pathlib.Path(
    os.environ.get('BLOCKSTORE_TEST_LOGS', ROOT / '.test-logs'))
GUESTS = 2
GUEST = (str(ROOT / 'tools' / 'uml-run'), '--no-udev', '--timeout', '1500',
         '--')

Runs = list[tuple[list[str], int]]


class NotThereError(Exception):
    """Raised when there is no such kernel, and no guest can be started."""


def is_here() -> bool:
    """Tell whether this machine is such a kernel."""
    return (os.geteuid() == 0 and os.path.exists('/dev/mapper/control')
            and shutil.which('lvs') is not None)


def repository(name: str, folder: pathlib.Path) -> list[str]:
    """Make a repository of test results; return stestr's command for it.

    It is of this run alone: it cannot be mistaken for another.
    """
    path = LOGS / f'{name}.stestr'
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    stestr = [sys.executable, '-m', 'stestr', '--repo-url', str(path),
              '--test-path', str(folder)]
    subprocess.run([*stestr, 'init'], cwd=ROOT, check=True)
    return stestr


def run(part: typing.Any, folder: pathlib.Path, patterns: list[str],
        environment: dict[str, str]) -> Runs:
    """Run tests by stestr; return its commands and how they ended.

    :raises NotThereError: they can run nowhere.
    """
    first = repository(part.name, folder)
    if is_here():
        done = subprocess.run([*first, 'run', '--serial', *patterns],
                              cwd=ROOT, env=environment, check=False)
        return [(first, done.returncode)]
    ready = subprocess.run([*GUEST, 'true'], capture_output=True, text=True,
                           cwd=ROOT, check=False)
    if ready.returncode:
        raise NotThereError(f'no guest can be started: {ready.stderr}')
    listed = subprocess.run([*first, 'list', *patterns], cwd=ROOT,
                            env=environment, capture_output=True, text=True,
                            check=True).stdout.split()
    running = []
    for number in range(min(GUESTS, len(listed))):
        wanted = LOGS / f'{part.name}-{number}.tests'
        wanted.write_text('\n'.join(listed[number::GUESTS]) + '\n')
        stestr = repository(f'{part.name}-{number}', folder)
        running.append((stestr, subprocess.Popen(
            [*GUEST, *stestr, 'run', '--serial', '--load-list', str(wanted)],
            cwd=ROOT, env=environment)))
    return [(stestr, guest.wait()) for stestr, guest in running]
