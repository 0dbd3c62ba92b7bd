"""What was measured, against what is wanted: a table and a JSON object.

>>> Figure('GET one volume', 'CPU', 0.9, 'ms', most=1.5).met
True
"""

from collections.abc import Iterable
import dataclasses
import json
import os
import platform
import textwrap
import typing

from oslo_utils import timeutils

_WIDTH = 79


@dataclasses.dataclass(frozen=True)
class Figure:
    """One value with its unit and its bounds.

    :param subject: what was done.
    :param quantity: what was measured of it.
    :param most: the value that must not be passed, if there is one.
    :param least: the value that must be reached, if there is one.
    :param cinder: what Cinder 29 needs on two cores, measured elsewhere.
    :param note: how it was measured.
    """

    subject: str
    quantity: str
    value: float
    unit: str
    most: float | None = None
    least: float | None = None
    cinder: str = ''
    note: str = ''

    @property
    def met(self) -> bool | None:
        """Tell whether the value is within its bounds; None without any."""
        if self.most is None and self.least is None:
            return None
        return ((self.most is None or self.value <= self.most)
                and (self.least is None or self.value >= self.least))

    @property
    def wanted(self) -> str:
        """The bounds as text."""
        parts = [f'{sign} {bound:g}' for sign, bound in (
            ('<=', self.most), ('>=', self.least)) if bound is not None]
        return ', '.join(parts)


def middle(values: Iterable[float]) -> float:
    """Return the median; of an even number, the smaller one."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2]


def conditions() -> dict[str, typing.Any]:
    """Return what a reader must know about the machine and the moment."""
    return {'at': timeutils.utcnow().isoformat(
                timespec='seconds'),
            'cores': os.cpu_count(), 'load': list(os.getloadavg()),
            'python': platform.python_version(),
            'system': platform.platform()}


def table(figures: Iterable[Figure]) -> str:
    """Write figures for people."""
    lines = []
    subject = ''
    for figure in figures:
        if figure.subject != subject:
            subject = figure.subject
            lines += ['', subject]
        verdict = {True: 'ok', False: 'MISSED', None: ''}[figure.met]
        cinder = f'Cinder: {figure.cinder}' if figure.cinder else ''
        lines.append(
            f'  {figure.quantity:<33}{figure.value:>9.4g} '
            f'{figure.unit:<9}{figure.wanted:<9}{verdict:<7}'
            f'{cinder}'.rstrip())
        if figure.note:
            lines += textwrap.wrap(figure.note, _WIDTH, initial_indent=' ' * 6,
                                   subsequent_indent=' ' * 6)
    return '\n'.join(lines)


def as_json(figures: Iterable[Figure], before: dict[str, typing.Any],
            ) -> str:
    """Write figures for programs.

    :param before: the conditions when the measurement began.
    """
    rows = [{**dataclasses.asdict(figure), 'met': figure.met}
            for figure in figures]
    return json.dumps({'before': before, 'after': conditions(),
                       'figures': rows}, indent=1)
