"""Allocated and changed extents of snapshots, against a model of bytes."""

import random

from blockstore import exceptions
from blockstore.tests.integration import qsd_fixtures
from blockstore.tests.integration.qsd_fixtures import snapshot
from blockstore.tests.integration.qsd_fixtures import volume

GIB = 1 << 30
LENGTH = 8 << 20
CLUSTER = 64 << 10
ROUNDS = 6


class ExtentsTestCase(qsd_fixtures.TestCase):

    def _play(self, seed):
        """Write, zero and take snapshots at random; keep every state."""
        self.volume = volume()
        self.driver.create_volume(self.volume)
        connection = self.attach(self.volume)
        chance = random.Random(seed)
        model, self.states = bytearray(LENGTH), []
        for _round in range(ROUNDS):
            for _step in range(12):
                length = 512 * chance.randrange(1, 400)
                offset = 512 * chance.randrange((LENGTH - length) // 512)
                kind = chance.random()
                if kind < 0.6:
                    data = chance.randbytes(length)
                    connection.write(offset, data)
                elif kind < 0.8:
                    data = bytes(length)
                    connection.write_zeroes(offset, length)
                else:
                    data = bytes(length)
                    connection.write(offset, data)
                model[offset:offset + length] = data
            made = snapshot(self.volume)
            self.driver.create_snapshot(made)
            self.states.append((made, bytes(model)))
        connection.close()

    def _covered(self, extents):
        """Return the told bytes as a map; runs must ascend and not touch."""
        told, end = bytearray(LENGTH), -1
        for extent in extents:
            self.assertGreaterEqual(extent.offset, max(end, 0))
            self.assertLessEqual(extent.end, LENGTH)
            told[extent.offset:extent.end] = b'\1' * extent.length
            end = extent.end
        return told

    def _check_changed(self, older, newer):
        extents = list(self.driver.changed_extents(
            newer[0], older[0], 0, LENGTH))
        told = self._covered(extents)
        for position in range(0, LENGTH, 512):
            block = slice(position, position + 512)
            if older[1][block] != newer[1][block]:
                self.assertEqual(1, told[position], position)
        for extent in extents:
            if extent.zero:
                self.assertEqual(bytes(extent.length),
                                 newer[1][extent.offset:extent.end])
        return told

    def _check_all(self):
        for position, newer in enumerate(self.states):
            told = self._covered(self.driver.allocated_extents(
                newer[0], 0, LENGTH))
            for start in range(0, LENGTH, 512):
                if not told[start]:
                    self.assertEqual(bytes(512), newer[1][start:start + 512])
            for older in self.states[:position]:
                self._check_changed(older, newer)

    def test_no_changed_byte_is_missed(self):
        for seed in range(3):
            self._play(seed)
            self._check_all()

    def test_nothing_is_missed_after_merges(self):
        self._play(7)
        for position in (0, 2, -1):
            self.driver.delete_snapshot(self.states.pop(position)[0])
        self._check_all()
        self.driver.terminate_connection(self.volume, None)
        self.driver.delete_snapshot(self.states.pop(1)[0])
        self.driver.wait_until_idle()
        self._check_all()

    def test_a_small_change_is_told_as_one_cluster(self):
        self.volume = volume()
        self.driver.create_volume(self.volume)
        connection = self.attach(self.volume)
        connection.write(0, b'x' * LENGTH)
        first, second = snapshot(self.volume), snapshot(self.volume)
        self.driver.create_snapshot(first)
        connection.write(3 * CLUSTER + 100, b'y')
        self.driver.create_snapshot(second)
        self.assertEqual([(3 * CLUSTER, CLUSTER, False)], list(
            self.driver.changed_extents(second, first, 0, GIB)))
        self.assertEqual([], list(self.driver.changed_extents(
            second, first, 4 * CLUSTER, CLUSTER)))
        self.assertEqual([(0, LENGTH, False)], list(
            self.driver.allocated_extents(second, 0, GIB)))

    def test_growth_is_a_change(self):
        self.volume = volume()
        self.driver.create_volume(self.volume)
        first, second = snapshot(self.volume), snapshot(self.volume)
        self.driver.create_snapshot(first)
        self.driver.extend_volume(self.volume, 2)
        self.driver.create_snapshot(second)
        self.assertEqual([(GIB, GIB, True)], list(
            self.driver.changed_extents(second, first, 0, 2 * GIB)))

    def test_only_an_older_state_can_be_compared_with(self):
        self._play(1)
        older, newer = self.states[0][0], self.states[1][0]
        self.assertRaises(
            exceptions.Unsupported, list,
            self.driver.changed_extents(older, newer, 0, LENGTH))
        self.driver.delete_snapshot(older)
        self.assertRaises(
            exceptions.Unsupported, list,
            self.driver.changed_extents(newer, older, 0, LENGTH))

    def test_snapshots_of_a_branch_can_be_read(self):
        self._play(2)
        self.driver.terminate_connection(self.volume, None)
        self.driver.revert_to_snapshot(None, self.volume, self.states[1][0])
        connection = self.attach(self.volume)
        connection.write(0, b'new branch')
        self._check_all()
        with self.reading(self.states[-1][0]) as branch:
            self.assertEqual(self.states[-1][1],
                             qsd_fixtures.read(branch, 0, LENGTH))
        for made, _state in self.states:
            self.driver.delete_snapshot(made)
        self.assertEqual(b'new branch', qsd_fixtures.read(connection, 0, 10))
        self.driver.terminate_connection(self.volume, None)
        self.driver.wait_until_idle()
        self.assertEqual(1, len(self.layer_files()))


class SubclusterExtentsTestCase(ExtentsTestCase):

    options = {'qsd_extended_l2': True}

    def test_a_small_change_is_told_as_one_cluster(self):
        self.volume = volume()
        self.driver.create_volume(self.volume)
        connection = self.attach(self.volume)
        first, second = snapshot(self.volume), snapshot(self.volume)
        connection.write(0, b'x' * LENGTH)
        self.driver.create_snapshot(first)
        connection.write(8192, b'y')
        self.driver.create_snapshot(second)
        self.assertEqual([(8192, 4096, False)], list(
            self.driver.changed_extents(second, first, 0, GIB)))
