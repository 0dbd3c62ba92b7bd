"""Files of this host as connections."""

import os

import fixtures
from oslotest import base

from blockstore import exceptions
from blockstore.volume import connections

MIB = 1 << 20


class LocalTestCase(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        directory = self.useFixture(fixtures.TempDir()).path
        self.path = os.path.join(directory, 'f')
        with open(self.path, 'wb') as target:
            target.truncate(8 * MIB)
            target.seek(2 * MIB)
            target.write(b'd' * MIB)

    def open(self, writable=False):
        connection = connections.open_connection(
            {'driver_volume_type': 'local',
             'data': {'device_path': self.path}}, writable=writable)
        self.addCleanup(connection.close)
        return connection

    def test_reads(self):
        connection = self.open()
        self.assertEqual(8 * MIB, connection.size)
        answers = list(connection.read_many(
            (offset, memoryview(bytearray(MIB)))
            for offset in (2 * MIB, 0)))
        self.assertEqual([(2 * MIB, b'd' * MIB), (0, bytes(MIB))],
                         [(offset, bytes(data)) for offset, data in answers])

    def test_writes_and_zeroes(self):
        connection = self.open(writable=True)
        connection.write(0, b'w' * MIB)
        connection.write_zeroes(2 * MIB, MIB)
        connection.flush()
        with open(self.path, 'rb') as source:
            self.assertEqual(b'w' * MIB + bytes(7 * MIB), source.read())
        self.assertEqual([(0, MIB, False)],
                         list(connection.extents(0, 8 * MIB)))

    def test_holes(self):
        connection = self.open()
        self.assertEqual([(2 * MIB, MIB, False)],
                         list(connection.extents(0, 8 * MIB)))
        self.assertEqual([(2 * MIB + 5, 10, False)],
                         list(connection.extents(2 * MIB + 5, 10)))
        self.assertEqual([], list(connection.extents(0, MIB)))

    def test_what_cannot_be_is_told(self):
        connection = self.open()
        failed = exceptions.ConnectionFailed
        self.assertRaises(failed, connection.write, 0, b'x')
        self.assertRaises(failed, connection.read_into, 8 * MIB - 1,
                          memoryview(bytearray(2)))
        connection.close()
        connection.close()
        self.assertRaises(failed, connections.open_connection, {
            'driver_volume_type': 'local',
            'data': {'device_path': self.path + 'x'}})
        self.assertRaises(failed, connections.open_connection, {
            'driver_volume_type': 'local', 'data': {}})
        self.assertRaises(failed, connections.open_connection, {
            'driver_volume_type': 'pigeon', 'data': {}})
