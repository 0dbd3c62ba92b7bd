"""An NBD client in plain Python, as fast as the C ones for large reads.

Speaks fixed newstyle with structured replies and block status.  Several
reads are under way at a time and land directly in the caller's buffers.
Every wait ends: a server that sends nothing for ``timeout`` seconds is a
:class:`~blockstore.exceptions.ConnectionFailed`, and after any failure of the
transport the connection stays unusable (open a new one).

>>> connection = connect({'unix_socket': '/run/v.n', 'export': 'name'})
>>> list(connection.extents(0, connection.size))
"""

import collections
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
import errno
import os
import socket
import struct
import typing

from blockstore import exceptions
from blockstore.volume.connections import nbd_handshake
from blockstore.volume.connections.base import Extent

ALLOCATION = 'base:allocation'
DEPTH = 'qemu:allocation-depth'

_REQUEST = struct.Struct('>IHHQQI')
_REQUEST_MAGIC = 0x25609513
_SIMPLE_MAGIC = 0x67446698
_CHUNK_MAGIC = 0x668e33ef

_READ, _WRITE, _DISCONNECT, _FLUSH, _ZEROES, _STATUS = 0, 1, 2, 3, 6, 7
_DONE = 1
_DATA_CHUNK, _HOLE_CHUNK, _STATUS_CHUNK, _ERROR_CHUNK = 1, 2, 5, 1 << 15

_CAN_READ_ONLY = 1 << 1
_CAN_FLUSH = 1 << 2
_CAN_ZERO = 1 << 6

_IS_HOLE, _READS_ZERO = 1, 2
PIECE = 1 << 20             # measured: as fast as any larger size
IN_FLIGHT = 4
_LONGEST_STATUS = 1 << 31
_LONGEST_ZERO = 1 << 30
_LONGEST_CHUNK = 64 << 20

Run = tuple[int, int, int]          # offset, length, value


def connect(data: Mapping[str, typing.Any], *, writable: bool = False,
            timeout: float = 60.0) -> 'NbdConnection':
    """Open the export that a connection's data names.

    :param data: ``unix_socket``, or ``host`` and ``port``; and ``export``.
    :param timeout: seconds without progress after which a call fails.
    :raises ConnectionFailed: when it cannot be reached or is read-only but
        writes are wanted.
    """
    address: str | tuple[str, int]
    if data.get('unix_socket'):
        address = str(data['unix_socket'])
    elif data.get('host') and data.get('port'):
        address = (str(data['host']), int(data['port']))
    else:
        raise exceptions.ConnectionFailed(
            'the connection names neither unix_socket nor host and port')
    connection = NbdConnection(address, str(data.get('export', '')),
                               timeout=timeout)
    if writable and connection.read_only:
        connection.close()
        raise exceptions.ConnectionFailed(
            'the export is read-only', remedy='attach it with mode rw')
    return connection


class _Pending:
    """A request without its complete answer."""

    def __init__(self, offset: int, buffer: memoryview | None = None) -> None:
        self.offset = offset
        self.buffer = buffer
        self.status: list[tuple[int, bytes]] = []
        self.error: str | None = None
        self.number = 0
        self.done = False


class _Read:
    """A caller's buffer on its way, in pieces."""

    def __init__(self, offset: int, buffer: memoryview) -> None:
        self.offset = offset
        self.buffer = buffer
        self.pieces: list[_Pending] = []
        self.sent = not buffer

    @property
    def complete(self) -> bool:
        """Whether every piece was sent and answered."""
        return self.sent and all(piece.done for piece in self.pieces)


class NbdConnection:
    """One open NBD export; used by one thread at a time."""

    def __init__(self, address: str | tuple[str, int], export: str, *,
                 timeout: float = 60.0,
                 contexts: Iterable[str] = (ALLOCATION, DEPTH)) -> None:
        self._where = address if isinstance(address, str) else (
            f'{address[0]}:{address[1]}')
        self._pending: dict[int, _Pending] = {}
        self._cookie = 0
        self._broken = False
        self._socket: socket.socket | None = None
        try:
            self._socket = _open_socket(address, timeout)
        except OSError as error:
            raise self._failure(f'cannot reach the server: {error}',
                                ) from error
        try:
            self._terms = nbd_handshake.negotiate(self, export, contexts)
        except exceptions.ConnectionFailed:
            self._socket.close()
            raise

    # The socket.

    def _failure(self, what: str) -> exceptions.ConnectionFailed:
        self._broken = True
        return exceptions.ConnectionFailed(f'NBD {self._where}: {what}')

    def _usable(self) -> socket.socket:
        if self._socket is None or self._broken:
            raise self._failure('the connection is closed')
        return self._socket

    def send(self, data: bytes) -> None:
        """Send all bytes."""
        try:
            self._usable().sendall(data)
        except OSError as error:
            raise self._failure(f'sending failed: {error}') from error

    def receive(self, length: int) -> bytes:
        """Return exactly so many bytes."""
        data = bytearray(length)
        self._receive_into(memoryview(data))
        return bytes(data)

    def _receive_into(self, view: memoryview) -> None:
        wire = self._usable()
        done = 0
        while done < len(view):
            try:
                count = wire.recv_into(view[done:])
            except TimeoutError as error:
                raise self._failure('the server answers no more') from error
            except OSError as error:
                raise self._failure(f'receiving failed: {error}') from error
            if not count:
                raise self._failure('the server closed the connection')
            done += count

    # Requests and replies.

    def _request(self, command: int, offset: int, length: int,
                 buffer: memoryview | None = None,
                 payload: memoryview | bytes = b'') -> _Pending:
        self._cookie += 1
        pending = self._pending[self._cookie] = _Pending(offset, buffer)
        self.send(_REQUEST.pack(_REQUEST_MAGIC, 0, command, self._cookie,
                                offset, length))
        if payload:
            self.send(typing.cast(bytes, payload))
        return pending

    def _reply(self) -> None:
        """Take one reply (or one chunk of it) from the server."""
        magic, = struct.unpack('>I', self.receive(4))
        if magic == _SIMPLE_MAGIC:
            error, cookie = struct.unpack('>IQ', self.receive(12))
            pending = self._known(cookie)
            if error:
                pending.error, pending.number = os.strerror(error), error
            elif pending.buffer is not None:
                self._receive_into(pending.buffer)
            finished = True
        elif magic == _CHUNK_MAGIC:
            flags, kind, cookie, length = struct.unpack(
                '>HHQI', self.receive(16))
            pending = self._known(cookie)
            self._chunk(pending, kind, length)
            finished = bool(flags & _DONE)
        else:
            raise self._failure('the reply has no magic')
        if finished:
            pending.done = True
            del self._pending[cookie]

    def _known(self, cookie: int) -> _Pending:
        try:
            return self._pending[cookie]
        except KeyError:
            raise self._failure('a reply to no request came') from None

    def _chunk(self, pending: _Pending, kind: int, length: int) -> None:
        if length > _LONGEST_CHUNK:
            raise self._failure('a reply is too long')
        if kind == _DATA_CHUNK and length >= 8:
            start, = struct.unpack('>Q', self.receive(8))
            self._receive_into(self._window(pending, start, length - 8))
        elif kind == _HOLE_CHUNK and length == 12:
            start, hole = struct.unpack('>QI', self.receive(12))
            self._window(pending, start, hole)[:] = bytes(hole)
        elif kind == _STATUS_CHUNK and length >= 4 and length % 8 == 4:
            data = self.receive(length)
            pending.status.append((struct.unpack('>I', data[:4])[0],
                                   data[4:]))
        elif kind & _ERROR_CHUNK and length >= 6:
            data = self.receive(length)
            number, size = struct.unpack('>IH', data[:6])
            text = data[6:6 + size].decode(errors='replace')
            pending.error = text or os.strerror(number)
            pending.number = number
        elif length:
            self.receive(length)

    def _window(self, pending: _Pending, start: int, length: int,
                ) -> memoryview:
        """The part of a request's buffer that a chunk may fill."""
        first = start - pending.offset
        if (pending.buffer is None or first < 0
                or first + length > len(pending.buffer)):
            raise self._failure('a reply is outside of its request')
        return pending.buffer[first:first + length]

    def _finish(self, pending: _Pending, action: str) -> None:
        while not pending.done:
            self._reply()
        if pending.number == errno.ENOSPC:
            raise exceptions.no_room()
        if pending.error:
            raise exceptions.ConnectionFailed(
                f'NBD {self._where}: cannot {action} at {pending.offset}: '
                f'{pending.error}')

    # The connection interface.

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self._terms.size

    @property
    def read_only(self) -> bool:
        """Whether the server refuses writes."""
        return bool(self._terms.flags & _CAN_READ_ONLY)

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill the whole buffer with the bytes at an offset."""
        for _answer in self.read_many([(offset, buffer)]):
            pass

    def read_many(self, requests: Iterable[tuple[int, memoryview]],
                  ) -> Iterator[tuple[int, memoryview]]:
        """Fill many buffers, up to 4 requests of 1 MiB under way."""
        ordered: collections.deque[_Read] = collections.deque()
        pieces = self._send_reads(requests, ordered)
        more = True
        try:
            while more or ordered:
                while (more and len(self._pending) < IN_FLIGHT
                        and not (ordered and ordered[0].complete)):
                    more = next(pieces, False)
                if ordered and ordered[0].complete:
                    read = ordered.popleft()
                    for pending in read.pieces:
                        self._finish(pending, 'read')
                    yield read.offset, read.buffer
                elif self._pending:
                    self._reply()
        finally:
            while self._pending and not self._broken:
                self._reply()

    def _send_reads(self, requests: Iterable[tuple[int, memoryview]],
                    ordered: 'collections.deque[_Read]') -> Iterator[bool]:
        """Send one piece of the requests at each step."""
        longest = min(PIECE, self._terms.longest)
        for offset, buffer in requests:
            read = _Read(offset, buffer)
            ordered.append(read)
            for start in range(0, len(buffer), longest):
                view = buffer[start:start + longest]
                read.pieces.append(self._request(
                    _READ, offset + start, len(view), view))
                read.sent = start + longest >= len(buffer)
                yield True

    def write(self, offset: int, data: memoryview | bytes) -> None:
        """Write bytes at an offset; durable after :meth:`flush`."""
        view = memoryview(data)
        for start in range(0, len(view), PIECE * 4):
            part = view[start:start + PIECE * 4]
            self._finish(self._request(_WRITE, offset + start, len(part),
                                       payload=part), 'write')

    def write_zeroes(self, offset: int, length: int) -> None:
        """Make a run read as zeros; its space goes back if possible."""
        if not self._terms.flags & _CAN_ZERO:
            zeros = bytes(min(length, PIECE))
            for start in range(offset, offset + length, PIECE):
                self.write(start, zeros[:min(PIECE, offset + length - start)])
            return
        end = offset + length
        while offset < end:
            part = min(end - offset, _LONGEST_ZERO)
            self._finish(self._request(_ZEROES, offset, part), 'write zeros')
            offset += part

    def flush(self) -> None:
        """Return when everything written is durable."""
        if self._terms.flags & _CAN_FLUSH:
            self._finish(self._request(_FLUSH, 0, 0), 'flush')

    def close(self) -> None:
        """Say good-bye; safe to call twice."""
        if self._socket is None:
            return
        try:
            if not self._broken:
                self._socket.sendall(_REQUEST.pack(
                    _REQUEST_MAGIC, 0, _DISCONNECT, 0, 0, 0))
        except OSError:
            self._broken = True
        self._socket.close()
        self._socket = None

    # Block status.

    def extents(self, offset: int, length: int) -> Iterator[Extent]:
        """Yield what is allocated in a run, merged and ascending."""
        yield from merged(
            Extent(start, size, zero)
            for start, size, zero, depth in self.depth_extents(offset, length)
            if depth)

    def depth_extents(self, offset: int, length: int,
                      ) -> Iterator[tuple[int, int, bool, int]]:
        """Yield (offset, length, reads as zero, depth), without gaps.

        Depth 0 is allocated nowhere, 1 in the top layer, and so on.  A
        server without allocation depth answers 0 or 1; one without block
        status at all answers 1 for the whole run.
        """
        end = offset + length
        while offset < end:
            asked = min(end - offset, _LONGEST_STATUS)
            if not self._terms.contexts:
                yield offset, asked, False, 1
                offset += asked
                continue
            for run in self._status(offset, asked):
                yield run
                offset = run[0] + run[1]

    def _status(self, offset: int, length: int,
                ) -> list[tuple[int, int, bool, int]]:
        """Ask once; the answer may cover only the beginning of the run."""
        pending = self._request(_STATUS, offset, length)
        self._finish(pending, 'map')
        maps = {self._terms.contexts.get(number, ''):
                parse_status(data, offset, offset + length)
                for number, data in pending.status}
        allocation, depths = maps.get(ALLOCATION), maps.get(DEPTH)
        if not allocation and not depths:
            raise self._failure('the server told no block status')
        return list(combine(allocation, depths))


def _open_socket(address: str | tuple[str, int], timeout: float,
                 ) -> socket.socket:
    if isinstance(address, str):
        wire = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        wire.settimeout(timeout)
        try:
            wire.connect(address)
        except OSError:
            wire.close()
            raise
        return wire
    wire = socket.create_connection(address, timeout=timeout)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return wire


def parse_status(data: bytes, offset: int, end: int) -> list[Run]:
    """Turn the descriptors of a status chunk into runs inside of a range.

    A server may tell of more than was asked for; that is cut off.
    """
    runs = []
    for length, value in struct.iter_unpack('>II', data):
        length = min(length, end - offset)
        if length > 0:
            runs.append((offset, length, value))
            offset += length
    return runs


def combine(allocation: list[Run] | None, depths: list[Run] | None,
            ) -> Iterator[tuple[int, int, bool, int]]:
    """Lay two status maps over each other, up to the shorter one's end."""
    if depths is None:
        for offset, length, value in allocation or ():
            unused = value & _IS_HOLE and value & _READS_ZERO
            yield offset, length, bool(value & _READS_ZERO), int(not unused)
        return
    if allocation is None:
        for offset, length, value in depths:
            yield offset, length, value == 0, value
        return
    first = second = 0
    position = allocation[0][0] if allocation else 0
    while first < len(allocation) and second < len(depths):
        zero_end = allocation[first][0] + allocation[first][1]
        depth_end = depths[second][0] + depths[second][1]
        end = min(zero_end, depth_end)
        zero = bool(allocation[first][2] & _READS_ZERO)
        yield position, end - position, zero, depths[second][2]
        position = end
        first += zero_end == end
        second += depth_end == end


def merged(extents: Iterable[Extent]) -> Iterator[Extent]:
    """Join extents that touch and are of one kind."""
    last: Extent | None = None
    for extent in extents:
        if last and last.end == extent.offset and last.zero == extent.zero:
            last = Extent(last.offset, last.length + extent.length, last.zero)
            continue
        if last:
            yield last
        last = extent
    if last:
        yield last
