"""What users go on asking for while something around the daemons is away.

>>> requests = traffic.Traffic(fleet, volume_id)
>>> requests.start()
>>> …                       # the fault
>>> requests.stop()
>>> assert requests.wrong() == []
"""

import itertools
import threading
import time
import typing

import fixtures

from blockstore.tests import rest
from blockstore.tests.integration import fleet as fleets

_PAUSE = 0.3
#: How many of each are made; then only lists are asked for.
_MOST = 6


class Asked(typing.NamedTuple):
    """A request and what became of it; no answer is an error's text."""

    method: str
    path: str
    answer: rest.Answer | str
    seconds: float


class Traffic(fixtures.Fixture):
    """Asks for volumes, snapshots, connections and lists, in turn.

    :param volume_id: of what snapshots are taken.
    """

    def __init__(self, fleet: fleets.Fleet, volume_id: str) -> None:
        super().__init__()
        self.asked: list[Asked] = []
        self._fleet = fleet
        self._volume_id = volume_id
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(requests,), daemon=True)
            for requests in (self._quick(), self._connections())]

    def _setUp(self) -> None:
        self.addCleanup(self._stopping.set)

    def start(self) -> None:
        """Begin to ask."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask no more, and wait for the last answers."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(120)

    def granted(self, noun: str) -> list[str]:
        """Return the ids of what was promised."""
        one = noun.removesuffix('s')
        return [asked.answer.json[one]['id'] for asked in self.asked
                if asked.method == 'POST' and asked.path == noun
                and not isinstance(asked.answer, str)
                and asked.answer.status in (200, 202)]

    def wrong(self) -> list[str]:
        """List the answers that should not have been given.

        Right is what was asked for, or a 503 with a stable code that says
        when to ask again.
        """
        return [f'{one.method} {one.path}: {one.answer} '
                f'after {one.seconds:.1f} s'
                for one in self.asked if not _is_right(one.answer)]

    def refused(self) -> set[str]:
        """Return the codes of all refusals."""
        return {_code(one.answer) for one in self.asked
                if not isinstance(one.answer, str)
                and one.answer.status == 503}

    def _quick(self) -> typing.Iterator[tuple[str, str, typing.Any]]:
        for number in itertools.count():
            if number < _MOST:
                yield 'POST', 'volumes', {'volume': {'size': 1}}
                yield 'POST', 'snapshots', {'snapshot': {
                    'volume_id': self._volume_id, 'force': True}}
            yield 'GET', 'volumes/detail', None
            yield 'GET', f'volumes/{self._volume_id}', None

    def _connections(self) -> typing.Iterator[tuple[str, str, typing.Any]]:
        tried: set[str] = set()
        while True:
            for id_ in set(self.granted('volumes')) - tried:
                if self._is_available(id_):
                    tried.add(id_)
                    yield 'POST', 'attachments', {'attachment': {
                        'volume_uuid': id_, 'connector': {'host': 'client'}}}
            yield 'GET', 'attachments', None

    def let_go(self) -> None:
        """Delete the attachments that were made, told of or not."""
        mine = set(self.granted('volumes'))
        for one in self._fleet.request('GET', 'attachments/detail')[
                'attachments']:
            if one['volume_id'] in mine:
                self._fleet.detach(one['id'])

    def _is_available(self, id_: str) -> bool:
        for one in reversed(self.asked):
            if one.path == 'volumes/detail' and _is_list(one.answer):
                return any(volume['id'] == id_
                           and volume['status'] == 'available'
                           for volume in one.answer.json['volumes'])
        return False

    def _run(self, requests: typing.Iterator[tuple[str, str, typing.Any]],
             ) -> None:
        for method, path, body in requests:
            if self._stopping.wait(_PAUSE):
                return
            begun = time.monotonic()
            answer: rest.Answer | str
            try:
                answer = self._fleet.ask(method, path, body)
            except (OSError, ValueError) as error:
                # Looked at later: ``wrong``.
                answer = str(error)
            self.asked.append(Asked(method, path, answer,
                                    time.monotonic() - begun))


def _is_list(answer: rest.Answer | str) -> bool:
    return not isinstance(answer, str) and answer.status == 200


def _is_right(answer: rest.Answer | str) -> bool:
    if isinstance(answer, str):
        return False
    if answer.status == 503:
        return (_code(answer).startswith('blockstore.')
                and answer.headers.get('Retry-After', '').isdigit())
    return answer.status in (200, 202)


def _code(answer: rest.Answer) -> str:
    fault, = (answer.json or {'': {}}).values()
    return str(fault.get('error_code', ''))
