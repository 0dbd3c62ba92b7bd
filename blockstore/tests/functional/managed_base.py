"""What the tests of manage and unmanage share (S0, R-001 to R-029c)."""

import time
import typing

from blockstore.tests.functional import base
from blockstore.volume.connections.memory import BLOCK
from blockstore.volume.connections.memory import Content

HOST = 'test@memory'
POOL = 'test@memory#memory'
DATA = {0: b'one' * (BLOCK // 3) + b'!', 3: bytes(range(256)) * (BLOCK // 256)}
Names = dict[str, bytes]


class ManagedTest(base.FunctionalTest):
    """Has a back end with things on it that nobody manages."""

    OPTIONS: typing.ClassVar[dict[tuple[str, str], typing.Any]] = {
        ('operations', 'poll_interval'): 0.05}

    @property
    def pool(self) -> typing.Any:
        """The back end's own view."""
        return self.driver.pool

    # Asking.

    def ask_volume(self, ref: typing.Any, query: str = '',
                   version: str = '3.71', **fields: typing.Any,
                   ) -> base.Answer:
        """Ask for a volume to be managed."""
        return self.api.post(
            self.path(f'manageable_volumes{query}'),
            {'volume': {'host': HOST, 'ref': ref, **fields}},
            version=version)

    def ask_snapshot(self, volume_id: str, ref: typing.Any, query: str = '',
                     **fields: typing.Any) -> base.Answer:
        """Ask for a snapshot to be managed."""
        return self.api.post(
            self.path(f'manageable_snapshots{query}'),
            {'snapshot': {'volume_id': volume_id, 'ref': ref, **fields}})

    def accepted(self, answer: base.Answer) -> typing.Any:
        """Return the resource of a 202."""
        self.assertEqual(202, answer.status, answer.text)
        return next(iter(answer.json.values()))

    def manage_volume(self, ref: typing.Any, **fields: typing.Any,
                      ) -> typing.Any:
        """Manage a volume and wait until it is available."""
        made = self.accepted(self.ask_volume(ref, **fields))
        return self.wait_status('volumes', made['id'], 'available')

    def manage_snapshot(self, volume_id: str, ref: typing.Any,
                        **fields: typing.Any) -> typing.Any:
        """Manage a snapshot and wait until it is available."""
        made = self.accepted(self.ask_snapshot(volume_id, ref, **fields))
        return self.wait_status('snapshots', made['id'], 'available')

    def unmanage(self, noun: str, id_: str) -> None:
        """Let something go and wait until its row is gone."""
        answer = self.api.post(self.path(f'{noun}/{id_}/action'),
                               {'os-unmanage': {}})
        self.assertEqual((202, ''), (answer.status, answer.text))
        self.wait_gone(noun, id_)

    def listed(self, noun: str, rest: str = '') -> typing.Any:
        """Return the long list of what stands on the back end."""
        answer = self.api.get(self.path(
            f'manageable_{noun}/detail?host={HOST}{rest}'))
        self.assertEqual(200, answer.status, answer.text)
        return answer.json[f'manageable-{noun}']

    # Waiting.

    def wait_for(self, condition: typing.Callable[[], bool]) -> None:
        """Wait until something is so."""
        limit = time.monotonic() + 60
        while not condition():
            self.assertTrue(time.monotonic() < limit, 'waited in vain')
            time.sleep(0.01)

    def refused_later(self, noun: str, made: typing.Any) -> typing.Any:
        """Wait for the error of something accepted; return its message."""
        self.wait_for(lambda: self.show(
            noun, made['id'])['status'] != 'creating')
        shown = self.show(noun, made['id'])
        self.assertEqual('error', shown['status'])
        self.assertFalse(shown['consumes_quota'])
        message, = self.api.get(self.path(
            f'messages?resource_uuid={made["id"]}')).json['messages']
        return message

    def operations(self, id_: str) -> typing.Any:
        """Return the operations of a resource, the oldest first."""
        return list(reversed(self.api.get(self.path(
            f'operations?resource_id={id_}')).json['operations']))

    # The back end and the project.

    def foreign_snapshot(self, volume: typing.Any, name: str = 'old-snap',
                         size: int = 1) -> Content:
        """Put a snapshot of a volume there, as if made by hand."""
        found: Content = self.pool.put_foreign(
            name, size * base.GIB, kind='snapshot',
            origin=f'volume-{volume["id"]}', blocks=DATA)
        return found

    def names(self) -> Names:
        """Return what stands on the back end: names and first bytes."""
        with self.pool.lock:
            return {name: bytes(content.blocks.get(0, b''))
                    for name, content in self.pool.contents.items()}

    def usage(self) -> tuple[int, int, int]:
        """Return the volumes, snapshots and gigabytes that count."""
        found = self.api.get(self.path(
            f'os-quota-sets/{self.project}?usage=true')).json['quota_set']
        return tuple(  # type: ignore[return-value]
            found[name]['in_use']
            for name in ('volumes', 'snapshots', 'gigabytes'))
