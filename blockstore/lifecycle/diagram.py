"""Draw the status machines for the documentation.

``python -m blockstore.lifecycle.diagram DIRECTORY`` writes ``<noun>.svg`` and
``<noun>.inc.rst`` for each machine, from the tables that the service obeys.
"""

import html
import inspect
import math
import pathlib
import re
import sys

from blockstore.lifecycle import backups
from blockstore.lifecycle import machine
from blockstore.lifecycle import snapshots
from blockstore.lifecycle import volumes

MACHINES = (volumes.VOLUMES, snapshots.SNAPSHOTS, backups.BACKUPS)
_RADIUS, _BOX = 260.0, (136, 26)
_CENTRE = (400.0, 310.0)


def svg(drawn: machine.Machine) -> str:
    """Return a drawing: statuses on a circle, one arrow for each move."""
    names = [str(status) for status in drawn.statuses]
    places = {name: _place(index, len(names))
              for index, name in enumerate(names)}
    pairs = dict.fromkeys((move.source, move.target) for move in drawn.moves
                          if 'force' not in move.reason)
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 620" '
        'font-family="sans-serif" font-size="13">',
        '<defs><marker id="a" viewBox="0 0 8 8" refX="8" refY="4" '
        'markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#456"/></marker></defs>',
        *(_arrow(places[source], places[target])
          for source, target in pairs),
        *(_box(name, places[name], name in drawn.transient)
          for name in names), '</svg>']
    return '\n'.join(parts) + '\n'


def rst(drawn: machine.Machine) -> str:
    """Return tables of the statuses and of the moves."""
    meanings = _meanings(drawn)
    title = f'Statuses of a {drawn.noun}'
    lines = [title, '-' * len(title), '',
             f'.. image:: /_generated/{drawn.noun}.svg',
             f'   :alt: {title}', '',
             'Rounded boxes with a dashed frame are transitional: an '
             'operation works on it.', '',
             '.. list-table::', '   :header-rows: 1', '',
             '   * - Status', '     - Meaning']
    for status in drawn.statuses:
        lines += [f'   * - ``{status}``', f'     - {meanings[status]}']
    lines += ['', '.. list-table::', '   :header-rows: 1', '',
              '   * - From', '     - To', '     - Because']
    for move in drawn.moves:
        lines += [f'   * - ``{move.source}``', f'     - ``{move.target}``',
                  f'     - {move.reason}']
    return '\n'.join(lines) + '\n'


def write(directory: pathlib.Path) -> None:
    """Write all drawings and tables."""
    directory.mkdir(parents=True, exist_ok=True)
    for drawn in MACHINES:
        (directory / f'{drawn.noun}.svg').write_text(svg(drawn))
        (directory / f'{drawn.noun}.inc.rst').write_text(rst(drawn))


def _meanings(drawn: machine.Machine) -> dict[str, str]:
    """Return what the comment beside each status in its enum says."""
    return dict(re.findall(r"= '([a-z_-]+)'\s+# (.+)",
                           inspect.getsource(drawn.statuses)))


def _place(index: int, count: int) -> tuple[float, float]:
    angle = 2 * math.pi * index / count - math.pi / 2
    return (_CENTRE[0] + 1.15 * _RADIUS * math.cos(angle),
            _CENTRE[1] + _RADIUS * math.sin(angle))


def _edge(start: tuple[float, float], end: tuple[float, float],
          ) -> tuple[float, float]:
    """Return where the line to a box's middle meets its frame."""
    across, down = end[0] - start[0], end[1] - start[1]
    reach = min(_BOX[0] / 2 / (abs(across) or 1e-9),
                _BOX[1] / 2 / (abs(down) or 1e-9))
    return end[0] - across * reach, end[1] - down * reach


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    tail, head = _edge(end, start), _edge(start, end)
    return (f'<line x1="{tail[0]:.1f}" y1="{tail[1]:.1f}" x2="{head[0]:.1f}" '
            f'y2="{head[1]:.1f}" stroke="#89a" marker-end="url(#a)"/>')


def _box(name: str, place: tuple[float, float], transient: bool) -> str:
    dash = ' stroke-dasharray="4 3" rx="12"' if transient else ''
    return (f'<rect x="{place[0] - _BOX[0] / 2:.1f}" '
            f'y="{place[1] - _BOX[1] / 2:.1f}" width="{_BOX[0]}" '
            f'height="{_BOX[1]}" fill="#f6f9ff" stroke="#456"{dash}/>'
            f'<text x="{place[0]:.1f}" y="{place[1] + 4.5:.1f}" '
            f'text-anchor="middle">{html.escape(name)}</text>')


if __name__ == '__main__':
    write(pathlib.Path(sys.argv[1]))
