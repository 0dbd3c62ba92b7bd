"""Come by a Keystone for the tests: a virtual environment of its own.

Keystone brings a hundred packages that blockstore does not need, so it is
kept apart, in ``.venv-keystone``, and kept for the next time.  The tests
start it themselves (``blockstore/tests/compat/keystone_server.py``), because
they also stop it.  ``BLOCKSTORE_TEST_KEYSTONE`` names the folder of its
programs; where it is set already, it is believed.
"""

import os
import pathlib
import subprocess
import sys

VARIABLE = 'BLOCKSTORE_TEST_KEYSTONE'
PACKAGES = ('keystone>=30.0.0', 'waitress>=3.0.2')
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class NotThereError(Exception):
    """Raised when Keystone can be neither found nor installed."""


def provide(logs: pathlib.Path) -> dict[str, str]:
    """Return the variable that tells the tests where Keystone is.

    :raises NotThereError: saying why it is not there.
    """
    given = os.environ.get(VARIABLE)
    if given:
        return {VARIABLE: given}
    home = ROOT / '.venv-keystone'
    stamp = home / 'stamp'
    wanted = f'{" ".join(PACKAGES)} {sys.version} {ROOT}'
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f'  setting up {home.name} ...', flush=True)
        install(home, logs / 'keystone-install.log')
        stamp.write_text(wanted)
    return {VARIABLE: str(home / 'bin')}


def install(home: pathlib.Path, log: pathlib.Path) -> None:
    """Make the environment anew."""
    steps = ([sys.executable, '-m', 'venv', '--clear', str(home)],
             [str(home / 'bin' / 'python'), '-m', 'pip', 'install',
              '--disable-pip-version-check', '--prefer-binary', *PACKAGES])
    with open(log, 'ab') as output:
        for step in steps:
            done = subprocess.run(step, stdin=subprocess.DEVNULL,
                                  stdout=output, stderr=output, check=False)
            if done.returncode:
                raise NotThereError(f'it could not be installed, see {log}')
