"""A volume service that is away while a backup or a restore needs it.

What was copied stays good: the work waits for the service and goes on.
"""

import typing

from blockstore import errors
from blockstore import exceptions
from blockstore.backup.store import names
from blockstore.rpc.volume import VolumeClient
from blockstore.tests.functional import test_backups


class AbsenceTest(test_backups.BackupTest):
    """Lets calls of the volume service remain without an answer."""

    OPTIONS: typing.ClassVar[dict[tuple[str, str], typing.Any]] = {
        ('operations', 'lease'): 2.0, ('operations', 'max_attempts'): 3,
        ('backup', 'keep_base_snapshot'): False}

    def away(self, method: str, times: int, when: str = 'before') -> None:
        """Let a call remain unanswered, before or after its effect."""
        call = getattr(VolumeClient, method)
        left = [None] * times

        def lost(*arguments: typing.Any, **named: typing.Any) -> typing.Any:
            if not left:
                return call(*arguments, **named)
            left.pop()
            if when == 'after':
                call(*arguments, **named)
            raise exceptions.Unavailable('no answer in time')

        self.patch(VolumeClient, method, lost)

    def operation(self, kind: str) -> typing.Any:
        """Return the one operation of a kind."""
        found = self.api.get(self.path(
            f'operations?kind={kind}')).json['operations']
        self.assertEqual(1, len(found), found)
        return found[0]


class RestoreTest(AbsenceTest):
    """A restore waits for the service; nothing is filled twice."""

    def setUp(self) -> None:
        super().setUp()
        volume, _ = self.written()
        self.backup_id = self.make_backup(volume['id'], force=True)['id']

    def test_disconnect(self) -> None:
        for when in ('before', 'after'):
            gets = self.count_gets()
            self.away('terminate_connection', 1, when)
            volume_id = self.restore(self.backup_id)
            # The chunk of each block was read once, and not again.
            self.assertEqual(2, len(gets), gets)
            self.assertEqual(b'A' * test_backups.BLOCK, self.bytes_of(
                volume_id, test_backups.BLOCK))
            self.api.delete(self.path(f'volumes/{volume_id}'))
            self.wait_gone('volumes', volume_id)

    def test_connect(self) -> None:
        self.away('initialize_connection', 2, 'after')
        self.restore(self.backup_id)
        self.assertEqual(3, self.operation('backup.restore')['attempt'])

    def test_too_long(self) -> None:
        self.away('terminate_connection', 3)
        answer = self.api.post(self.path(
            f'backups/{self.backup_id}/restore'), {'restore': {}})
        volume_id = answer.json['restore']['volume_id']
        self.wait_status('backups', self.backup_id, 'available')
        self.assertEqual('error_restoring',
                         self.show('volumes', volume_id)['status'])
        ended = self.operation('backup.restore')
        self.assertEqual(
            ('failed', 3, errors.DRIVER_NOT_READY),
            (ended['state'], ended['attempt'], ended['error']['code']))

    def count_gets(self) -> list[str]:
        """Return a list that gets the names of the chunks that are read."""
        got: list[str] = []
        backend = self.backup_manager.repository.backend
        get = backend.get

        def counted(name: str, *rest: typing.Any, **named: typing.Any,
                    ) -> typing.Any:
            if name.startswith(names.CHUNKS):
                got.append(name)
            return get(name, *rest, **named)

        self.patch(backend, 'get', counted)
        return got


class BackupTest(AbsenceTest):
    """A backup waits for the service, and closes its source later."""

    def check(self, method: str, when: str = 'before') -> typing.Any:
        """Let a call be lost; the backup must be good all the same."""
        volume, _ = self.written()
        self.away(method, 1, when)
        self.make_backup(volume['id'], force=True)
        return self.operation('backup.create')

    def test_abilities(self) -> None:
        self.assertEqual(2, self.check('get_capabilities')['attempt'])

    def test_connect(self) -> None:
        self.assertEqual(2, self.check(
            'initialize_connection_snapshot', 'after')['attempt'])

    def test_disconnect(self) -> None:
        ended = self.check('terminate_connection_snapshot')
        self.assertEqual(1, ended['attempt'])
        self.operation('snapshot.disconnect')
