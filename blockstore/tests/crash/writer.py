"""A client that never stops writing, and knows what must be there.

It counts.  Each number goes to one block, then to a second one, with a flush
after each: at any moment the first block has the number of the second, or the
next one.  Any copy of the volume of one moment shows that, too.
"""

import struct
import threading

from blockstore import exceptions
from blockstore.tests.crash import process
from blockstore.volume import connections

_BLOCK = 4096
_NUMBER = struct.Struct('>Q')
_OFFSET = 8 * process.CHUNK
_PAUSE = 0.005
LENGTH = 2 * _BLOCK


class Writer(threading.Thread):
    """Writes behind the bytes of the scene's own client."""

    def __init__(self, connection_info):
        super().__init__(name='writer', daemon=True)
        self._connection = connections.open_connection(
            connection_info, writable=True)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self.failure = None
        # It goes on from what was flushed before it.
        found = bytearray(LENGTH)
        self._connection.read_into(_OFFSET, memoryview(found))
        self.flushed = expect_moment(found, 'the volume')
        self.start()

    def run(self):
        """Count."""
        try:
            while not self._stopping.wait(_PAUSE):
                with self._lock:
                    self._put(0, self.flushed + 1)
                    self._put(_BLOCK, self.flushed + 1)
                    self.flushed += 1
        except exceptions.ConnectionFailed as error:
            self.failure = error
        finally:
            self._connection.close()

    def _put(self, block, number):
        self._connection.write(_OFFSET + block,
                               _NUMBER.pack(number).ljust(_BLOCK, b'.'))
        self._connection.flush()

    def check(self):
        """Raise unless it has always been served, and finds its bytes."""
        with self._lock:
            if self.failure is not None:
                raise AssertionError(f'the writer failed: {self.failure}')
            found = bytearray(LENGTH)
            self._connection.read_into(_OFFSET, memoryview(found))
            if expect_moment(found, 'the writer') != self.flushed:
                raise AssertionError('flushed bytes are lost')

    def stop(self):
        """Write no more."""
        self._stopping.set()
        self.join()


def expect_moment(found, where):
    """Return the number that bytes show; raise if they never were so."""
    first, = _NUMBER.unpack_from(found, 0)
    second, = _NUMBER.unpack_from(found, _BLOCK)
    if first not in (second, second + 1):
        raise AssertionError(f'{where} mixes moments {first} and {second}')
    return second
