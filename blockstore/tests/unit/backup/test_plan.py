"""Plans: what is read of which chunk, checked against single bytes."""

import hypothesis
from hypothesis import strategies
from oslotest import base

from blockstore.backup.store import keys
from blockstore.backup.store import layout
from blockstore.backup.store import plan
from blockstore.volume.connections import base as connections

CHUNK = 8
LAYOUT = layout.Layout('store', CHUNK, 4, keys.Keys(bytes(32)))


class Parent:
    """Entries of a parent: chunk ``n`` has the entry ``n + 1``, or zero."""

    def __init__(self, size, zeros=()):
        self.size = size
        self.count = LAYOUT.chunks(size)
        self.zeros = zeros

    def entry(self, index):
        present = index < self.count and index not in self.zeros
        return (index + 1).to_bytes(32) if present else bytes(32)

    def entries(self, first, count):
        return b''.join(self.entry(index)
                        for index in range(first, first + count))


def ranges(flags, kinds=(True,)):
    """Return the extents in which a flag per byte is one of some kinds."""
    found = []
    for offset, flag in enumerate(flags):
        if flag not in kinds:
            continue
        zero = flag == 'zero'
        if found and found[-1].end == offset and found[-1].zero == zero:
            found[-1] = connections.Extent(
                found[-1].offset, found[-1].length + 1, zero)
        else:
            found.append(connections.Extent(offset, 1, zero))
    return found


def bytes_of(units, size, parent):
    """Say of each byte where the units take it from."""
    found = []
    for unit in units:
        if isinstance(unit, plan.Known):
            for number in range(unit.count):
                index = unit.first + number
                entry = unit.entries[number * 32:(number + 1) * 32]
                kind = 'zero'
                if any(entry):
                    assert entry == parent.entry(index), index
                    kind = 'parent'
                found += [kind] * LAYOUT.length(index, size)
        else:
            part = ['zero' if unit.base is None else 'parent'] * unit.length
            for kind, runs in (('zero', unit.zeroes), ('read', unit.runs)):
                for start, length in runs:
                    part[start:start + length] = [kind] * length
            assert len(part) == unit.length
            found += part
    return found


class PlanTest(base.BaseTestCase):

    @hypothesis.settings(deadline=None, max_examples=100)
    @hypothesis.given(
        strategies.lists(strategies.booleans(), max_size=70),
        strategies.integers(0, 9))
    def test_by_allocation(self, flags, start):
        start = min(start, LAYOUT.chunks(len(flags)))
        planner = plan.Planner(LAYOUT, len(flags), None)
        units = list(planner.by_allocation(ranges(flags), start))
        self.assertEqual(
            ['read' if flag else 'zero' for flag in flags[start * CHUNK:]],
            bytes_of(units, len(flags), None))

    @hypothesis.settings(deadline=None, max_examples=200)
    @hypothesis.given(
        strategies.lists(strategies.tuples(
            strategies.booleans(),
            strategies.sampled_from(['same', 'changed', 'zero'])),
            max_size=70),
        strategies.integers(0, 9), strategies.integers(0, 80),
        strategies.sets(strategies.integers(0, 8)))
    def test_by_changes(self, flags, start, parent_size, zeros):
        start = min(start, LAYOUT.chunks(len(flags)))
        parent = Parent(parent_size, zeros)
        planner = plan.Planner(LAYOUT, len(flags), parent)
        units = list(planner.by_changes(
            ranges([flag for flag, _ in flags]),
            ranges([change for _, change in flags], ('changed', 'zero')),
            start))
        wanted = []
        for offset, (allocated, change) in enumerate(flags):
            if change == 'same':
                wanted.append('parent' if any(parent.entry(
                    offset // CHUNK)) else 'zero')
            else:
                wanted.append('read' if allocated and change == 'changed'
                              else 'zero')
        self.assertEqual(wanted[start * CHUNK:],
                         bytes_of(units, len(flags), parent))
        for unit in units:
            if isinstance(unit, plan.Known) and parent.size != len(flags):
                for index in range(unit.first, unit.first + unit.count):
                    # A taken entry must be of a chunk of the same length.
                    if any(unit.entries[(index - unit.first) * 32:][:32]):
                        self.assertEqual(
                            LAYOUT.length(index, len(flags)),
                            LAYOUT.length(index, parent.size))

    def test_huge_empty_volume_is_planned_in_segments(self):
        big = layout.Layout('store', 4 << 20, 4096, keys.Keys(bytes(32)))
        planner = plan.Planner(big, 16 << 40, None)
        units = list(planner.by_allocation([], 0))
        self.assertEqual(1024, len(units))
        self.assertEqual(4096, units[0].count)

    def test_extents_that_overlap_are_told_once(self):
        cursor = plan.Cursor([connections.Extent(0, 10),
                              connections.Extent(5, 10),
                              connections.Extent(6, 2)])
        self.assertEqual(([plan.Run(0, 15)], []), cursor.within(0, 100))

    def test_chunk_written_all_over_needs_no_base(self):
        planner = plan.Planner(LAYOUT, 16, Parent(16))
        unit, rest = planner.by_changes(
            [connections.Extent(0, 16)], [connections.Extent(0, 8)], 0)
        self.assertIsNone(unit.base)
        self.assertEqual(1, rest.first)
