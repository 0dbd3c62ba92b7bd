"""The story that the tour tells, step by step, and what it proves.

Each comparison is one number in the end: ``held`` of ``made``.  A story ends
early only when something fails that should not.
"""

import time
import typing

from blockstore.tour import proof
from blockstore.tour import screen as screens
from blockstore.tour.client import Body
from blockstore.tour.client import Client
from blockstore.tour.place import Place
from blockstore.tour.screen import Screen
from blockstore.tour.service import Service
from blockstore.tour.writer import Writer
from blockstore.volume import connections

_MIB = 1024 ** 2
_KILL_AT = 0.1
_MOST = 768 * _MIB


class Story:
    """One telling.

    :param data: MiB that the client writes before the first backup.
    """

    def __init__(self, place: Place, service: Service, screen: Screen,
                 data: int) -> None:
        self._place = place
        self._service = service
        self._screen = screen
        self._data = data * _MIB
        self._client = Client(place, screen)
        self._writer: Writer | None = None
        self._volume = ''
        self._attachment = ''
        self.made = 0
        self.held = 0

    @property
    def true(self) -> bool:
        """Whether every comparison held."""
        return self.made > 0 and self.made == self.held

    def tell(self) -> None:
        """Tell it all."""
        self._a_volume_in_use()
        self._a_backup_meanwhile()
        self._only_what_changed()
        self._killed()
        self._the_end()

    def end(self) -> None:
        """Stop the client; safe to call at any time, and twice."""
        if self._writer is not None:
            self._writer.stop()

    @property
    def writer(self) -> Writer:
        """The client that writes."""
        if self._writer is None:
            raise RuntimeError('nothing is attached yet')
        return self._writer

    # The steps.

    def _a_volume_in_use(self) -> None:
        screen = self._screen
        screen.chapter('A volume, and a client that never pauses')
        up = [row['Binary'] for row in
              self._client.run('volume service list')
              if row['State'] == 'up']
        screen.say(f'Up: {", ".join(up)}.')
        self._volume = self._client.run('volume create --size 1 data')['id']
        self._client.wait(self._volume, 'available')
        self._attachment, info = self._client.attach(self._volume, 'rw')
        self._writer = Writer(self._place.state / 'writer', info)
        screen.say(
            'The volume is attached (by the attachments API, as Nova does). '
            'A client in a process of its own is connected to it over NBD. '
            'It marks every block with the number of the write, keeps a log, '
            'and goes on writing until the end of this tour.')
        self.writer.fill(0, self._data)
        self.writer.go_on(0.5)
        screen.say(f'It has written {screens.mebibytes(self._data)} in large '
                   'pieces; now it writes here and there.')

    def _a_backup_meanwhile(self) -> None:
        self._screen.chapter('Back it up while it is in use')
        first, last = self._backup('full', '--force')
        self._screen.say(
            'Nobody was asked to pause. The backup is of one moment, the cut; '
            'the restore must give exactly the bytes of that moment.')
        self._restore_and_compare('full', first, last)

    def _only_what_changed(self) -> None:
        screen = self._screen
        screen.chapter('Again, but only what has changed since')
        self.writer.go_on(1)
        first, last = self._backup('changes', '--force --incremental')
        self._client.run('volume backup delete full', answers=False)
        screen.say('The backup that it was made from is gone. Every backup '
                   'stands alone, so this one restores all the same.')
        self._restore_and_compare('changes', first, last)

    def _killed(self) -> None:
        screen = self._screen
        screen.chapter('kill -9, in the middle of a backup')
        screen.say('First the client writes everything anew, and more, so '
                   'that there is something to copy.')
        length = self._data
        for name in ('killed', 'killed-2', 'killed-3'):
            length = min(2 * length, _MOST)
            self.writer.fill(0, length)
            killer = _Killer(self._service, screen, length)
            first, last = self._backup(name, '--force --incremental', killer)
            if killer.done:
                break
            screen.say('That was ready before it could be interrupted. Once '
                       'more.')
        if killer.done:
            self._judge(killer.went_on, killer.account())
        self.writer.check()
        screen.check(True, 'The client of the volume noticed nothing.')
        self._restore_and_compare(name, first, last)

    def _the_end(self) -> None:
        screen = self._screen
        self.writer.check()
        state = self.writer.state
        self.writer.stop()
        self._client.detach(self._attachment)
        screen.chapter('What came of it')
        screen.check(True, (
            f'The client made {state.answered:,} writes, saw no error, and '
            f'never waited longer than {state.longest / 1000:,.0f} ms.'))
        peak = self._service.peak_memory
        if peak:
            screen.check(True, 'The whole service took at most '
                               f'{screens.mebibytes(peak)} of memory.')
        screen.check(self.true, f'{self.held} of {self.made} comparisons '
                                'held.')

    # What the steps consist of.

    def _backup(self, name: str, options: str,
                look: 'typing.Callable[[Body, bool], None] | None' = None,
                ) -> tuple[int, int]:
        """Make a backup; return between which writes its cut lies."""
        first = self.writer.answered

        def watch(operation: Body, ended: bool) -> None:
            self._draw('copied', operation)
            if look is not None:
                look(operation, ended)

        _, operation = self._client.follow(
            f'volume backup create --name {name} {options} data',
            'backup.create', watch)
        last = self.writer.sent
        self._draw('copied', operation)
        self._screen.end_bar()
        self.writer.check()
        return first, last

    def _draw(self, what: str, operation: Body) -> None:
        progress = operation['progress'] or {
            'bytes_done': 0, 'bytes_total': 0, 'bytes_skipped': 0}
        moved = progress['bytes_done'] - progress['bytes_skipped']
        total = progress['bytes_total']
        note = operation['step'] or 'begins'
        if operation['finished_at']:
            note = (f'{screens.mebibytes(moved)} moved of '
                    f'{screens.mebibytes(total)}')
        self._screen.bar(what, progress['bytes_done'], total, note)

    def _restore_and_compare(self, name: str, first: int, last: int) -> None:
        target = f'data-of-{name}'
        answer, operation = self._client.follow(
            f'volume backup restore {name} {target}', 'backup.restore',
            lambda operation, ended: self._draw('restored', operation))
        self._draw('restored', operation)
        self._screen.end_bar()
        volume_id = answer['volume_id']
        self._client.wait(volume_id, 'available')
        self._judge(*self._exact(volume_id, first, last))

    def _judge(self, holds: bool, text: str) -> None:
        """Count one comparison, and tell of it."""
        self.made += 1
        self.held += holds
        self._screen.check(holds, text)

    def _exact(self, volume_id: str, first: int, last: int,
               ) -> tuple[bool, str]:
        """Read all of a volume and compare it with the log of writes."""
        attachment, info = self._client.attach(volume_id, 'ro')
        connection = connections.open_connection(info)
        try:
            found = proof.stamps(connection)
            size = connection.size
        except proof.Torn as error:
            return False, f'{error}.'
        finally:
            connection.close()
            self._client.detach(attachment)
        result = proof.compare(proof.entries(self.writer.log), found)
        if not result.moments:
            return False, 'The restored bytes are of no moment.'
        moment = result.moments[0]
        return result.within(first, last), (
            f'All {screens.mebibytes(size)} read: exactly the volume after '
            f'write {moment:,}, not a byte more or less. The backup was '
            f'asked for after write {first:,} and ready before '
            f'write {last + 1:,}.')


class _Killer:
    """Kills the service in the middle of a copy, once, and starts it again.

    :param data: bytes that there are to copy, at least.
    """

    def __init__(self, service: Service, screen: Screen, data: int) -> None:
        self._service = service
        self._screen = screen
        self._data = data
        self._settled = 0
        self._seconds = 0.0
        self._again = 0
        self.done = False

    def __call__(self, operation: Body, ended: bool) -> None:
        progress = operation['progress']
        if progress is None:
            return
        moved = progress['bytes_done'] - progress['bytes_skipped']
        if self.done:
            self._again = moved
        elif (self._data * _KILL_AT <= moved < self._data and ended
              and not operation['finished_at']):
            self._strike(progress['bytes_done'])

    def _strike(self, settled: int) -> None:
        self._settled = settled
        self.done = True
        self._screen.end_bar()
        self._screen.command('kill -9 (blockstore-all)')
        begun = time.monotonic()
        self._service.kill()
        self._service.start()
        self._seconds = time.monotonic() - begun
        self._screen.command('blockstore-all')

    @property
    def went_on(self) -> bool:
        """Whether the second attempt did not do everything again."""
        return self.done and self._again < self._data

    def account(self) -> str:
        """Tell what came of it."""
        return (f'Killed when {screens.mebibytes(self._settled)} of the '
                f'volume were done; back after {self._seconds:.1f} s, and the '
                'backup went on by itself where it had stopped: it read only '
                f'{screens.mebibytes(self._again)} more.')
