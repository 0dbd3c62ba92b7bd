"""The NBD client against a scripted server that misbehaves on demand."""

import os
import socket
import struct
import threading

import fixtures
from oslotest import base

from blockstore import exceptions
from blockstore.volume import connections
from blockstore.volume.connections import nbd
from blockstore.volume.connections.base import Extent

MIB = 1 << 20
REPLY = 0x3e889045565a9


class Server(threading.Thread):
    """Serves one client from a bytearray.

    ``reverse`` answers reads in the wrong order, ``fail_at`` fails reads of
    an offset, ``hang_up_at`` closes at one; ``structured`` and ``flags`` are
    what it offers.
    """

    def __init__(self, listener, data, structured=True, flags=0x45):
        super().__init__(daemon=True)
        self.listener, self.data = listener, data
        self.structured, self.flags = structured, flags
        self.reverse = False
        self.fail_at = self.hang_up_at = None
        self.most = 0
        self.commands = []

    def run(self):
        wire = self.listener.accept()[0]
        with wire, wire.makefile('rwb') as stream:
            self.stream = stream
            if self._handshake():
                while self._requests(wire):
                    pass

    def _send(self, data):
        self.stream.write(data)
        self.stream.flush()

    def _option(self, option, kind, data=b''):
        self._send(struct.pack('>QIII', REPLY, option, kind, len(data))
                   + data)

    def _handshake(self):
        self._send(b'NBDMAGICIHAVEOPT' + struct.pack('>H', 3))
        self.stream.read(4)
        while True:
            head = self.stream.read(16)
            if len(head) < 16:
                return False
            option, length = struct.unpack('>II', head[8:])
            body = self.stream.read(length)
            if option == 8:
                self._option(8, 1 if self.structured else 1 << 31 | 1)
            elif option == 10:
                for number, name in ((1, nbd.ALLOCATION), (2, nbd.DEPTH)):
                    self._option(10, 4, struct.pack('>I', number)
                                 + name.encode())
                self._option(10, 1)
            elif b'missing' in body:
                self._option(option, 1 << 31 | 6, b'nothing here')
            else:
                self._option(7, 3, struct.pack('>HQH', 0, len(self.data),
                                               self.flags))
                self._option(7, 1)
                return True

    def _requests(self, wire):
        """Take what is there, then answer it."""
        batch = [self._request()]
        if self.reverse:
            wire.settimeout(0.05)
            try:
                while batch[-1]:
                    batch.append(self._request())
            except TimeoutError:
                wire.settimeout(None)
                self.stream = wire.makefile('rwb')
            batch.reverse()
        self.most = max(self.most, len(batch))
        return all(request and self._answer(*request) for request in batch)

    def _request(self):
        head = self.stream.read(28)
        if len(head) < 28:
            return None
        _magic, _flags, command, cookie, offset, length = struct.unpack(
            '>IHHQQI', head)
        payload = self.stream.read(length) if command == 1 else b''
        self.commands.append(command)
        return command, cookie, offset, length, payload

    def _chunk(self, kind, cookie, data, done=1):
        self._send(struct.pack('>IHHQI', 0x668e33ef, done, kind, cookie,
                               len(data)) + data)

    def _answer(self, command, cookie, offset, length, payload):
        if command == 2 or offset == self.hang_up_at:
            return False
        if not self.structured:
            body = self.data[offset:offset + length] if not command else b''
            self._send(struct.pack('>IIQ', 0x67446698, 0, cookie) + body)
        elif offset == self.fail_at:
            self._chunk(1 << 15 | 1, cookie,
                        struct.pack('>IH', 5, 8) + b'bad disk')
        elif command == 0:
            self._read(cookie, offset, length)
        elif command == 7:
            self._status(cookie, offset)
        else:
            if command == 1:
                self.data[offset:offset + length] = payload
            elif command == 6:
                self.data[offset:offset + length] = bytes(length)
            self._chunk(0, cookie, b'')
        return True

    def _read(self, cookie, offset, length):
        half = length // 2
        first = self.data[offset:offset + half]
        if first.strip(b'\0'):
            self._chunk(1, cookie, struct.pack('>Q', offset) + first, 0)
        else:
            self._chunk(2, cookie, struct.pack('>QI', offset, half), 0)
        self._chunk(1, cookie, struct.pack('>Q', offset + half)
                    + self.data[offset + half:offset + length])

    def _status(self, cookie, offset):
        """A depth for each MiB, and zero flags that progress slower."""
        index = offset // MIB
        self._chunk(5, cookie, struct.pack('>III', 1, MIB, 3 * (index % 2)),
                    0)
        self._chunk(5, cookie, struct.pack(
            '>IIIII', 2, MIB, index % 3, 5 * MIB, 9))


class NbdTestCase(base.BaseTestCase):

    def serve(self, size=4 * MIB, **options):
        directory = self.useFixture(fixtures.TempDir()).path
        self.path = os.path.join(directory, 'n')
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(self.path)
        listener.listen()
        self.server = Server(listener, bytearray(os.urandom(size)), **options)
        self.server.start()

    def connect(self, **options):
        connection = nbd.connect({'unix_socket': self.path, 'export': 'e'},
                                 **options)
        self.addCleanup(connection.close)
        return connection

    def read_all(self, connection, piece):
        offsets = range(0, connection.size, piece)
        answers = list(connection.read_many(
            (offset, memoryview(bytearray(min(
                piece, connection.size - offset)))) for offset in offsets))
        self.assertEqual(list(offsets), [offset for offset, _b in answers])
        return b''.join(bytes(buffer) for _offset, buffer in answers)

    def test_reads_of_any_size(self):
        self.serve()
        connection = self.connect()
        for piece in (100_000, MIB, 3 * MIB, 16 * MIB):
            self.assertEqual(self.server.data,
                             self.read_all(connection, piece))

    def test_four_requests_are_under_way_and_may_be_answered_in_any_order(
            self):
        self.serve(8 * MIB)
        self.server.reverse = True
        self.assertEqual(self.server.data,
                         self.read_all(self.connect(), MIB))
        self.assertEqual(nbd.IN_FLIGHT, self.server.most)

    def test_simple_replies(self):
        self.serve(structured=False)
        connection = self.connect()
        self.assertEqual(self.server.data, self.read_all(connection, MIB))
        self.assertEqual([Extent(0, 4 * MIB)],
                         list(connection.extents(0, 4 * MIB)))

    def test_hole_chunks_clear_the_buffer(self):
        self.serve()
        self.server.data[:MIB] = bytes(MIB)
        buffer = bytearray(b'x' * MIB)
        self.connect().read_into(0, memoryview(buffer))
        self.assertEqual(bytes(MIB), bytes(buffer))

    def test_a_failed_read_leaves_the_connection_usable(self):
        self.serve()
        self.server.fail_at = MIB
        connection = self.connect()
        error = self.assertRaises(exceptions.ConnectionFailed,
                                  self.read_all, connection, MIB)
        self.assertIn('bad disk', str(error))
        self.server.fail_at = None
        self.assertEqual(self.server.data, self.read_all(connection, MIB))

    def test_a_lost_server_is_told(self):
        self.serve()
        self.server.hang_up_at = 2 * MIB
        connection = self.connect()
        self.assertRaises(exceptions.ConnectionFailed, self.read_all,
                          connection, MIB)
        self.assertRaises(exceptions.ConnectionFailed, connection.flush)

    def test_silence_ends(self):
        self.serve()
        self.server.fail_at = None
        self.server._answer = lambda *request: True
        connection = self.connect(timeout=0.1)
        self.assertRaises(exceptions.ConnectionFailed, connection.read_into,
                          0, memoryview(bytearray(512)))

    def test_an_abandoned_iteration_leaves_nothing_under_way(self):
        self.serve()
        connection = self.connect()
        reads = connection.read_many(
            (offset, memoryview(bytearray(MIB)))
            for offset in range(0, 4 * MIB, MIB))
        next(reads)
        reads.close()
        self.assertEqual(self.server.data, self.read_all(connection, MIB))

    def test_writes_zeroes_and_flush(self):
        self.serve()
        connection = self.connect(writable=True)
        connection.write(10, b'y' * 5 * MIB)
        connection.write_zeroes(MIB, MIB)
        connection.flush()
        self.assertEqual(bytes(MIB), self.server.data[MIB:2 * MIB])
        self.assertEqual(b'y', self.server.data[10:11])
        self.assertEqual([1, 1, 6, 3], self.server.commands)

    def test_zeroes_without_the_command(self):
        self.serve(flags=0x5)
        connection = self.connect(writable=True)
        connection.write_zeroes(5, MIB + 7)
        self.assertEqual(bytes(MIB + 7), self.server.data[5:MIB + 12])

    def test_maps_are_cut_to_the_slower_context(self):
        self.serve(6 * MIB)
        connection = self.connect()
        self.assertEqual(
            [(index * MIB, MIB, bool(index % 2), index % 3)
             for index in range(6)],
            list(connection.depth_extents(0, 6 * MIB)))
        self.assertEqual(
            [Extent(MIB, MIB, True), Extent(2 * MIB, MIB, False),
             Extent(4 * MIB, MIB, False), Extent(5 * MIB, MIB, True)],
            list(connection.extents(0, 6 * MIB)))

    def test_read_only_exports_are_not_opened_for_writing(self):
        self.serve(flags=0x3)
        self.assertRaises(exceptions.ConnectionFailed, self.connect,
                          writable=True)

    def test_a_missing_export(self):
        self.serve()
        error = self.assertRaises(
            exceptions.ConnectionFailed, connections.open_connection,
            {'driver_volume_type': 'nbd', 'data': {
                'unix_socket': self.path, 'export': 'missing'}})
        self.assertIn('nothing here', str(error))

    def test_a_tcp_server(self):
        listener = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(listener.close)
        self.server = Server(listener, bytearray(os.urandom(MIB)))
        self.server.start()
        connection = connections.open_connection(
            {'driver_volume_type': 'nbd', 'data': {
                'host': '127.0.0.1', 'port': listener.getsockname()[1],
                'export': 'e'}})
        self.addCleanup(connection.close)
        self.assertEqual(self.server.data, self.read_all(connection, MIB))

    def test_nobody_there(self):
        for data in ({'unix_socket': '/nonexistent/n'}, {},
                     {'host': '127.0.0.1', 'port': 1}):
            self.assertRaises(exceptions.ConnectionFailed, nbd.connect, data)


class MapTestCase(base.BaseTestCase):

    def test_allocation_alone(self):
        self.assertEqual(
            [(0, 10, False, 1), (10, 5, True, 0), (15, 5, True, 1)],
            list(nbd.combine([(0, 10, 0), (10, 5, 3), (15, 5, 2)], None)))

    def test_depth_alone(self):
        self.assertEqual([(0, 10, True, 0), (10, 5, False, 2)],
                         list(nbd.combine(None, [(0, 10, 0), (10, 5, 2)])))

    def test_what_exceeds_the_question_is_cut(self):
        data = struct.pack('>IIII', 10, 1, 100, 2)
        self.assertEqual([(5, 10, 1), (15, 5, 2)],
                         nbd.parse_status(data, 5, 20))
