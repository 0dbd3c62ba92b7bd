"""What a status machine is: statuses, moves with reasons, and who waits.

A machine is data.  :func:`blockstore.lifecycle.transitions.move` performs a
move; the diagrams of the documentation are drawn from the same object.
"""

from collections.abc import Iterable
import dataclasses
import enum
import typing


class Move(typing.NamedTuple):
    """One allowed change of status and why it happens."""

    source: str
    target: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Machine:
    """The statuses of one resource and the moves between them.

    :param noun: the resource's name for people (``volume``).
    :param statuses: an enum; each member's comment says what it means.
    :param moves: every allowed move.
    :param transient: statuses that an operation must leave within two lease
        times of its worker's death.
    """

    noun: str
    statuses: type[enum.StrEnum]
    moves: tuple[Move, ...]
    transient: frozenset[str]

    def sources(self, target: str) -> frozenset[str]:
        """Return the statuses from which a status may be reached."""
        return frozenset(move.source for move in self.moves
                         if move.target == target)

    def reason(self, source: str, target: str) -> str:
        """Return why a move happens; raises KeyError if it is not allowed."""
        for move in self.moves:
            if move.source == source and move.target == target:
                return move.reason
        raise KeyError(f'{self.noun}: {source} -> {target}')


def moves(*groups: tuple[str | Iterable[str], str, str]) -> tuple[Move, ...]:
    """Spell out moves from rows (source or sources, target, reason)."""
    return tuple(
        Move(str(source), str(target), reason)
        for sources, target, reason in groups
        for source in ([sources] if isinstance(sources, str) else sources))
