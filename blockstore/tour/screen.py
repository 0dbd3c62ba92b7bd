"""What the tour shows: plain words, command lines, a progress bar.

The bar moves in its line on a terminal; elsewhere only its end is printed.

>>> screen = Screen()
>>> screen.chapter('A volume in use')
>>> screen.bar('copied', 10, 40, '10 MiB')
"""

import sys
import textwrap
import time

_WIDTH = 76
_CELLS = 24


class Screen:
    """Prints to the standard output."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._moves = sys.stdout.isatty()
        self._bar = ''
        self._chapter = 0

    @property
    def seconds(self) -> float:
        """Seconds since the tour began."""
        return time.monotonic() - self._begun

    def chapter(self, title: str) -> None:
        """Begin a part of the tour."""
        self._chapter += 1
        self.line()
        self.line(f'{self._chapter}. {title}')

    def say(self, text: str) -> None:
        """Tell something in a sentence or two."""
        for line in textwrap.wrap(text, _WIDTH - 3):
            self.line(f'   {line}')

    def command(self, line: str) -> None:
        """Show a command that is run now."""
        self.line(f'   $ {line}')

    def check(self, holds: bool, text: str) -> None:
        """Tell whether something is as it should be."""
        mark = 'ok' if holds else 'WRONG'
        lines = textwrap.wrap(text, _WIDTH - 10)
        self.line(f'   {mark:>5}  {lines[0]}')
        for line in lines[1:]:
            self.line(f'          {line}')

    def bar(self, what: str, done: int, total: int, note: str) -> None:
        """Show how far something is; repeat it until :meth:`end_bar`."""
        share = min(1.0, done / total) if total else 0.0
        cells = '#' * int(share * _CELLS)
        text = f'   {what:<10} [{cells:-<{_CELLS}}] {share:4.0%}  {note}'
        if self._moves and text != self._bar:
            # Spaces rub out what a longer line has left.
            sys.stdout.write(f'\r{text:<{len(self._bar)}}')
            sys.stdout.flush()
        self._bar = text

    def end_bar(self) -> None:
        """Go on below the bar."""
        if self._bar:
            sys.stdout.write('\n' if self._moves else f'{self._bar}\n')
        self._bar = ''
        sys.stdout.flush()

    def line(self, text: str = '') -> None:
        """Print one line as it is."""
        self.end_bar()
        print(text, flush=True)


def mebibytes(count: int) -> str:
    """Write a number of bytes as a reader likes it."""
    return f'{count / 1024 ** 2:,.0f} MiB'
