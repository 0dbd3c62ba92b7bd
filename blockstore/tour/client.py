"""The clients of a tour: the released ``openstack`` program, and its library.

Main steps are commands that a user would type, and are shown.  Looking how
far something is, and attaching (which is Nova's part in a cloud), are done
with openstacksdk in this process.

>>> client = Client(place, screen)
>>> volume = client.run('volume create --size 1 data')
>>> client.follow('volume backup create data', 'backup.create', draw)
"""

from collections.abc import Callable
import json
import os
import shlex
import subprocess
import time
import typing

import openstack

from blockstore.tour import place as places
from blockstore.tour.screen import Screen

Body = dict[str, typing.Any]
_POLL = 0.05
_SECONDS = 300.0


class CommandFailed(Exception):
    """Raised when a command, or what it had started, failed."""


class Client:
    """Speaks to the service of a place."""

    def __init__(self, place: places.Place, screen: Screen) -> None:
        self._screen = screen
        self._environment = environment(place)
        self._program = str(places.programs() / 'openstack')
        config = openstack.config.OpenStackConfig(
            config_files=[str(place.clouds)], load_envvars=False)
        connection: typing.Any = openstack.connection.Connection(
            config=config.get_one(places.CLOUD))
        # A proxy of the user's would lead away from this host.
        connection.session.session.trust_env = False
        self.volumes: typing.Any = connection.block_storage

    def run(self, line: str, *, answers: bool = True) -> typing.Any:
        """Run ``openstack LINE``, shown to the user; return what it says.

        :param answers: whether the command prints something.
        """
        return self._finish(self._start(line, answers), line)

    def _start(self, line: str, answers: bool) -> 'subprocess.Popen[str]':
        self._screen.command(f'openstack {line}')
        return subprocess.Popen(
            [self._program, *shlex.split(line),
             *(('-f', 'json') if answers else ())],
            env=self._environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def _finish(self, process: 'subprocess.Popen[str]', line: str,
                ) -> typing.Any:
        output, errors = process.communicate(timeout=60)
        if process.returncode:
            raise CommandFailed(f'openstack {line}: {errors.strip()[-500:]}')
        return json.loads(output) if output.strip() else None

    def operations(self, kind: str) -> list[Body]:
        """List the operations of a kind, the newest first."""
        answer = self.volumes.get('/operations', params={'kind': kind})
        found: list[Body] = answer.json()['operations']
        return found

    def follow(self, line: str, kind: str,
               look: Callable[[Body, bool], None]) -> tuple[Body, Body]:
        """Run a command, and follow what it starts to its end.

        :param kind: of the operation that the command starts.
        :param look: called with the operation again and again, and whether
            the command itself has ended.
        :returns: what the command said, and the operation at its end.
        :raises CommandFailed: the command or the operation failed.
        """
        known = {row['id'] for row in self.operations(kind)}
        process = self._start(line, answers=True)
        deadline = time.monotonic() + _SECONDS
        while True:
            ended = process.poll() is not None
            new = [row for row in self.operations(kind)
                   if row['id'] not in known]
            if new:
                look(new[0], ended)
            if ended and (process.returncode or (
                    new and new[0]['finished_at'])):
                break
            if time.monotonic() > deadline:
                process.kill()
                raise CommandFailed(f'{line}: not done in {_SECONDS:.0f} s')
            time.sleep(_POLL)
        answer = self._finish(process, line)
        if new[0]['error']:
            raise CommandFailed(f'{line}: {new[0]["error"]["message"]}')
        return answer, new[0]

    def wait(self, volume_id: str, status: str) -> None:
        """Wait until a volume has a status."""
        self.volumes.wait_for_status(
            self.volumes.get_volume(volume_id), status,
            ['error', 'error_restoring'], interval=_POLL, wait=60)

    def attach(self, volume_id: str, mode: str) -> tuple[str, Body]:
        """Attach a volume to this host.

        :param mode: ``rw`` or ``ro``.
        :returns: the attachment's id, and its ``connection_info``.
        """
        attachment = self.volumes.create_attachment(
            volume_id, connector={'host': 'tour', 'mode': mode})
        self.volumes.complete_attachment(attachment)
        flat = dict(attachment.connection_info)
        return attachment.id, {
            'driver_volume_type': flat.pop('driver_volume_type'),
            'data': flat}

    def detach(self, attachment_id: str) -> None:
        """Detach a volume."""
        self.volumes.delete_attachment(attachment_id)


def environment(place: places.Place) -> dict[str, str]:
    """Return the environment in which ``openstack`` speaks to a place."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith('OS_')}
    return {**kept, 'OS_CLIENT_CONFIG_FILE': str(place.clouds),
            'OS_CLOUD': places.CLOUD, 'NO_PROXY': '127.0.0.1',
            'no_proxy': '127.0.0.1', 'PYTHONWARNINGS': 'ignore'}
