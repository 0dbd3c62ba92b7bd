"""A client that writes to a volume without a pause, and keeps a log.

It is a process of its own, as a virtual machine would be, with a connection
to the storage daemon and none to the service.  One write at a time, each
logged before it is sent (see :mod:`blockstore.tour.proof`).

>>> writer = Writer(directory, connection_info)
>>> writer.fill(0, 256 << 20)      # fresh data, in large writes
>>> before = writer.answered       # writes that the volume has confirmed
>>> writer.stop()

The process ends when its standard input does, so it never outlives the tour.
"""

import json
import os
import pathlib
import queue
import random
import struct
import subprocess
import sys
import threading
import time
import typing

from blockstore import exceptions
from blockstore.tour import proof
from blockstore.volume import connections
from blockstore.volume.connections.base import Connection

_STATE = struct.Struct('>QQQ')
_LARGE = 256
_HOT = 4096
_PAUSE = 0.002
_FLUSH_EVERY = 64


class State(typing.NamedTuple):
    """What a writer tells of itself.

    :ivar answered: writes that were confirmed.
    :ivar longest: microseconds of the longest wait for one.
    :ivar fills: fills that are done.
    """

    answered: int = 0
    longest: int = 0
    fills: int = 0


class WriterFailed(Exception):
    """Raised when the writing client saw an error."""


class Writer:
    """Starts the process, and sees what it does.

    :param directory: of its log; made here.
    :param info: a ``connection_info`` that allows writes.
    """

    def __init__(self, directory: pathlib.Path,
                 info: dict[str, typing.Any]) -> None:
        directory.mkdir(parents=True)
        self._directory = directory
        self._fills = 0
        self._errors = directory / 'errors'
        self.log = directory / 'log'
        self.log.touch()
        with open(self._errors, 'wb') as errors:
            self._process = subprocess.Popen(
                [sys.executable, '-m', 'blockstore.tour.writer',
                 str(directory)], stdin=subprocess.PIPE, stdout=errors,
                stderr=errors, start_new_session=True)
        self._send(info)

    def _send(self, message: typing.Any) -> None:
        if self._process.stdin is None:
            raise WriterFailed('the writer cannot be told anything')
        try:
            self._process.stdin.write(json.dumps(message).encode() + b'\n')
            self._process.stdin.flush()
        except BrokenPipeError:
            self.check()
            raise

    @property
    def state(self) -> State:
        """What the process has told last."""
        try:
            data = (self._directory / 'state').read_bytes()
        except FileNotFoundError:
            return State()
        return State(*_STATE.unpack(data)) if data else State()

    @property
    def answered(self) -> int:
        """How many writes were confirmed: all before this one are there."""
        return self.state.answered

    @property
    def sent(self) -> int:
        """How many writes were begun; no later one can be there yet."""
        return proof.count(self.log)

    def fill(self, offset: int, length: int) -> None:
        """Write fresh data to a run of bytes; return when that is done."""
        self._fills += 1
        self._send([offset // proof.BLOCK, length // proof.BLOCK])
        while self.state.fills < self._fills:
            self.check()
            time.sleep(0.01)

    def go_on(self, seconds: float) -> None:
        """Let it write for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.check()
            time.sleep(0.05)

    def check(self) -> None:
        """See that it writes.

        :raises WriterFailed: it has ended by itself.
        """
        if self._process.poll() is not None:
            raise WriterFailed(
                'the client of the volume saw an error: '
                + self._errors.read_text(errors='replace').strip()[-500:])

    def stop(self) -> None:
        """Let it finish its last write, and end it; safe to call twice."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class _Job:
    """The writing itself, in the process."""

    def __init__(self, directory: pathlib.Path, connection: Connection,
                 ) -> None:
        self._connection = connection
        self._log = os.open(directory / 'log', os.O_WRONLY | os.O_APPEND)
        self._state_file = os.open(directory / 'state',
                                   os.O_RDWR | os.O_CREAT, 0o600)
        self._state = State()
        self._random = random.Random(1)  # noqa: S311 # nosec B311
        self._blocks = connection.size // proof.BLOCK

    def put(self, entry: proof.Entry) -> None:
        """Do one write: log it, send it, wait for the answer."""
        number = self._state.answered
        data = b''
        if not entry.zero:
            data = b''.join(
                proof.content(number, block)
                for block in range(entry.block, entry.block + entry.blocks))
        os.write(self._log, entry.pack())
        begun = time.monotonic()
        offset = entry.block * proof.BLOCK
        if entry.zero:
            self._connection.write_zeroes(offset, entry.blocks * proof.BLOCK)
        else:
            self._connection.write(offset, data)
        if number % _FLUSH_EVERY == 0:
            self._connection.flush()
        waited = int((time.monotonic() - begun) * 1e6)
        self._tell(answered=number + 1,
                   longest=max(waited, self._state.longest))

    def _tell(self, **changes: int) -> None:
        self._state = self._state._replace(**changes)
        os.pwrite(self._state_file, _STATE.pack(*self._state), 0)

    def fill(self, block: int, blocks: int) -> None:
        """Write a run in large pieces."""
        for start in range(block, block + blocks, _LARGE):
            self.put(proof.Entry(
                False, start, min(_LARGE, block + blocks - start)))
        self._tell(fills=self._state.fills + 1)

    def step(self) -> None:
        """Write, or zero, a little: mostly in one place, as clients do."""
        blocks = self._random.choice((1, 1, 1, 1, 1, 4))
        hot = self._random.random() < 15 / 16
        first = self._blocks // 2 if hot else 0
        area = min(_HOT, self._blocks - first) if hot else self._blocks
        self.put(proof.Entry(
            self._random.random() < 1 / 16,
            first + self._random.randrange(area - blocks), blocks))


def _listen(orders: 'queue.Queue[list[int] | None]') -> None:
    for line in sys.stdin:
        orders.put(json.loads(line))
    orders.put(None)


def main(directory: str) -> int:
    """Write until the standard input ends."""
    info = json.loads(sys.stdin.readline())
    orders: queue.Queue[list[int] | None] = queue.Queue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    try:
        connection = connections.open_connection(info, writable=True)
        job = _Job(pathlib.Path(directory), connection)
        while True:
            try:
                order = orders.get(timeout=_PAUSE)
            except queue.Empty:
                job.step()
                continue
            if order is None:
                break
            job.fill(*order)
        connection.flush()
        connection.close()
    except exceptions.ConnectionFailed as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
