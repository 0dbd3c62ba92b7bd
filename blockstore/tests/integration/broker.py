"""A virtual host of its own on the real RabbitMQ, for tests that need one.

The broker is at ``BLOCKSTORE_TEST_RABBIT_URL``, or on this host with the
account that a fresh RabbitMQ has.  ``BLOCKSTORE_TEST_RABBIT_CONTROL`` is the
command that controls it; without one it is ``rabbitmqctl``.
"""

import json
import os
import shlex
import shutil
import subprocess
import typing
import urllib.parse

import fixtures
from oslo_utils import uuidutils

URL = os.environ.get('BLOCKSTORE_TEST_RABBIT_URL',
                     'rabbit://guest:guest@127.0.0.1:5672/')
CONTROL = shlex.split(os.environ.get('BLOCKSTORE_TEST_RABBIT_CONTROL',
                                     'rabbitmqctl'))


class VirtualHost(fixtures.Fixture):
    """Has ``url``, the transport URL of a virtual host that is empty.

    :param url: the transport URL of a broker.
    :param control: the command that controls it.
    """

    def __init__(self, url: str = URL,
                 control: typing.Sequence[str] = CONTROL) -> None:
        super().__init__()
        self._broker = urllib.parse.urlsplit(url)
        self._command = list(control)
        self.name = f'blockstore-test-{uuidutils.generate_uuid()}'
        self.url = self._broker._replace(path=f'/{self.name}').geturl()

    @staticmethod
    def missing() -> str:
        """Tell why there can be none; empty if there can."""
        if shutil.which(CONTROL[0]) is None:
            return f'{CONTROL[0]} is not installed'
        done = subprocess.run([*CONTROL, '-q', 'list_vhosts'], check=False,
                              stdin=subprocess.DEVNULL, capture_output=True)
        return '' if done.returncode == 0 else 'RabbitMQ cannot be controlled'

    def _setUp(self) -> None:
        self._control('add_vhost', self.name)
        self.addCleanup(self._control, 'delete_vhost', self.name)
        self._control('set_permissions', '-p', self.name,
                      self._broker.username or 'guest', '.*', '.*', '.*')

    def queues(self) -> dict[str, str]:
        """Return the type of each queue, as the broker tells it."""
        answer = self._control('list_queues', '-p', self.name, '--formatter',
                               'json', 'name', 'type')
        kinds = {queue['name']: queue['type'] for queue in json.loads(answer)}
        # RabbitMQ 3 tells them by the names of its modules.
        return {name: kind.removeprefix('rabbit_').removesuffix('_queue')
                for name, kind in kinds.items()}

    def _control(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._command, '-q', *arguments], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f'rabbitmqctl {" ".join(arguments)}: '
                               f'{done.stdout}{done.stderr}')
        return done.stdout
