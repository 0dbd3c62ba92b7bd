"""Which blocks of thin volumes are mapped, and where two of them differ.

The programs ``thin_dump`` and ``thin_delta`` tell it as XML, in blocks of the
pool.  What is kept of it are runs of blocks, in arrays: two numbers for each.
"""

import array
import bisect
from collections.abc import Iterator
import re

from blockstore.volume.connections.base import Extent

SECTOR = 512
_TAG = re.compile(r'<([a-z_]+)((?:\s+[a-z_0-9]+="[^"]*")*)\s*/?>')
_ATTRIBUTE = re.compile(r'([a-z_0-9]+)="([^"]*)"')
# What a run of a difference means for the newer of the two.
_CHANGED = {'different': False, 'right_only': False, 'left_only': True}


class Runs:
    """Ascending runs of blocks, adjacent ones of a kind as one.

    :param block: length of a block in bytes.
    """

    def __init__(self, block: int) -> None:
        self._block = block
        self._starts = array.array('Q')
        self._ends = array.array('Q')
        self._zero = array.array('B')

    def __len__(self) -> int:
        return len(self._starts)

    def add(self, start: int, count: int, zero: bool = False) -> None:
        """Append a run; it begins where the last one ends, or later."""
        if (self._ends and self._ends[-1] == start
                and self._zero[-1] == zero):
            self._ends[-1] = start + count
            return
        self._starts.append(start)
        self._ends.append(start + count)
        self._zero.append(zero)

    def within(self, offset: int, length: int) -> Iterator[Extent]:
        """Yield the parts that lie in a run of bytes."""
        end = offset + length
        first = bisect.bisect_right(self._ends, offset // self._block)
        for index in range(first, len(self._starts)):
            start = max(offset, self._starts[index] * self._block)
            stop = min(end, self._ends[index] * self._block)
            if start >= end:
                return
            if start < stop:
                yield Extent(start, stop - start, bool(self._zero[index]))


def parse_mappings(text: str) -> Runs:
    """Return the mapped blocks of the one volume of a dump."""
    runs: Runs | None = None
    for tag, found in _tags(text):
        if tag == 'superblock':
            runs = Runs(int(found['data_block_size']) * SECTOR)
        elif runs is not None and tag == 'single_mapping':
            runs.add(int(found['origin_block']), 1)
        elif runs is not None and tag == 'range_mapping':
            runs.add(int(found['origin_begin']), int(found['length']))
    return _whole(runs)


def parse_delta(text: str) -> Runs:
    """Return the blocks in which the newer volume of a delta differs.

    Those that only the older one has read as zeros in the newer one.
    """
    runs: Runs | None = None
    for tag, found in _tags(text):
        if tag == 'superblock':
            runs = Runs(int(found['data_block_size']) * SECTOR)
        elif runs is not None and tag in _CHANGED:
            runs.add(int(found['begin']), int(found['length']),
                     _CHANGED[tag])
    return _whole(runs)


def _tags(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the opening tags.

    Their form is fixed, and there may be millions: no tree is built.
    """
    for found in _TAG.finditer(text):
        yield found[1], dict(_ATTRIBUTE.findall(found[2]))


def _whole(runs: Runs | None) -> Runs:
    if runs is None:
        raise ValueError('there is no superblock in what thin_dump or '
                         'thin_delta said')
    return runs
