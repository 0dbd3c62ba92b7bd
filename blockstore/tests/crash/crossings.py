"""Crossings of step boundaries: what they are called, and which to strike.

A crossing is named by the thread that makes it, by the effect, and by how
often that thread has been there since the process was armed, so that the
name stays the same however threads interleave:

>>> str(Crossing('backup-operation', 'store', 'put', 'before', 3))
'backup-operation store.put before 3'
"""

import re
import typing

# Threads of the process itself, which work whether anybody asks or not.
BACKGROUND = frozenset({
    'MainThread', 'heartbeat', 'lease-keeper', 'reaper', 'volume-setup',
    'backup-housekeeping', 'volume-poller', 'backup-poller',
    'scheduler-poller'})

_NUMBER = re.compile(r'[-_ (]*\d+.*$')


class Crossing(typing.NamedTuple):
    """One crossing of one boundary."""

    role: str
    kind: str
    name: str
    when: str
    turn: int

    def __str__(self) -> str:
        return (f'{self.role} {self.kind}.{self.name} {self.when} '
                f'{self.turn}')

    def of(self, process: str) -> 'Crossing':
        """Name it as one of a process among others."""
        return self._replace(role=f'{process}/{self.role}')

    @property
    def process(self) -> str:
        """The process that it is named after."""
        return self.role.partition('/')[0]

    @property
    def inside(self) -> 'Crossing':
        """The same, as that process names it."""
        return self._replace(role=self.role.partition('/')[2])

    @classmethod
    def parse(cls, text: str) -> 'Crossing':
        """Read what ``str`` has written."""
        role, effect, when, turn = text.rsplit(' ', 3)
        kind, _, name = effect.partition('.')
        return cls(role, kind, name, when, int(turn))


def role_of(thread_name: str) -> str:
    """Return what kind of thread has a name.

    >>> role_of('volume-operation_3')
    'volume-operation'
    """
    return _NUMBER.sub('', thread_name) or thread_name


def worth_striking(recorded: list[Crossing]) -> list[Crossing]:
    """Leave out boundaries at which a death would show nothing new.

    * Before an effect that directly follows another one of the same thread:
      it is the place after that one.
    * Of the calls to the store that one thread makes with one name, the
      first, the middle and the last one stay: the ones between differ by the
      chunk alone.
    """
    last: dict[str, Crossing] = {}
    kept = []
    for crossing in recorded:
        before = last.get(crossing.role)
        if not (crossing.when == 'before' and before is not None
                and before.when == 'after'):
            kept.append(crossing)
        last[crossing.role] = crossing
    turns: dict[tuple[str, ...], list[int]] = {}
    for crossing in kept:
        turns.setdefault(crossing[:4], []).append(crossing.turn)
    return [crossing for crossing in kept if crossing.kind != 'store'
            or crossing.turn in _ends(turns[crossing[:4]])]


def few(recorded: list[Crossing]) -> list[Crossing]:
    """Leave a death or two of each kind of thread.

    Of what :func:`worth_striking` leaves, the crossing in the middle of each
    kind of thread, and the last one of those that work on operations.
    """
    by_role: dict[str, list[Crossing]] = {}
    for crossing in worth_striking(recorded):
        by_role.setdefault(crossing.role, []).append(crossing)
    chosen = []
    for role, found in by_role.items():
        chosen.append(found[len(found) // 2])
        if role.endswith('-operation') and len(found) > 1:
            chosen.append(found[-1])
    return chosen


def _ends(turns: list[int]) -> tuple[int, int, int]:
    return turns[0], turns[len(turns) // 2], turns[-1]
