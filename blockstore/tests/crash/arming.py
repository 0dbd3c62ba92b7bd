"""Telling a process under test where to die, and hearing where it was.

The other side is :class:`.child.Striker`.
"""

import pathlib

from blockstore.tests.crash.crossings import Crossing


class Arm:
    """The file by which a process is armed, and the log beside it."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self._serial = 0

    def set(self, target: Crossing | None, victim: str = '') -> None:
        """Let crossings be recorded from now on, and struck at the target."""
        self._serial += 1
        self._tell(f'{self._serial}\n{target or ""}\n{victim}\n')

    def clear(self) -> None:
        """Let nothing be recorded any more."""
        self._tell('\n')

    def crossings(self) -> list[Crossing]:
        """Return what was crossed since the process was last armed."""
        log = pathlib.Path(f'{self.path}.log')
        if not log.exists():
            return []
        found = []
        for line in log.read_text(encoding='utf-8').splitlines():
            serial, _, text = line.partition(' ')
            if serial == str(self._serial):
                found.append(Crossing.parse(text))
        return found

    def _tell(self, text: str) -> None:
        # Renamed, so that the child never reads a part of it.
        fresh = pathlib.Path(f'{self.path}.new')
        fresh.write_text(text, encoding='utf-8')
        fresh.rename(self.path)
