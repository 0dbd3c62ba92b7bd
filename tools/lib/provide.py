"""Run a command with RabbitMQ, MariaDB and PostgreSQL at hand.

    python tools/lib/provide.py COMMAND [ARGUMENT…]

What does not run already is started for it, see ``components``; the command
finds out by its environment, and what is missing is told before it begins.
"""

import os
import pathlib
import subprocess
import sys

import components

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LOGS = pathlib.Path(
    os.environ.get('BLOCKSTORE_TEST_LOGS', ROOT / '.test-logs'))


def main(command: list[str]) -> int:
    """Return the exit code of the command."""
    LOGS.mkdir(exist_ok=True)
    with components.running(True, LOGS) as (found, missing):
        for reason in missing:
            print(f'not there: {reason}', flush=True)
        return subprocess.run(command, env={**os.environ, **found},
                              check=False).returncode


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
