"""A daemon that counts what it asks of others, while it is one.

The module that ``BLOCKSTORE_BENCH_MODULE`` names is run as the daemon that it
is; each process of it keeps a file ``<pid>.counts`` in the directory that
``BLOCKSTORE_BENCH_COUNTS`` names, which can be read at any time: statements,
commits and messages sent, as three numbers of eight bytes.

>>> fleet.add('volume', module=counting.__name__,
...           environment=counting.environment('volume', directory))
>>> counting.read(directory)
Counts(statements=12, commits=4, messages=1)
"""

import mmap
import os
import pathlib
import runpy
import struct
import threading
import typing

from oslo_messaging._drivers import amqpdriver
import sqlalchemy as sa
from sqlalchemy import event

_MODULE = 'BLOCKSTORE_BENCH_MODULE'
_DIRECTORY = 'BLOCKSTORE_BENCH_COUNTS'
_FORM = struct.Struct('3q')


class Counts(typing.NamedTuple):
    """What processes have asked so far."""

    statements: int
    commits: int
    messages: int


class Rate(typing.NamedTuple):
    """What processes ask each second."""

    statements: float
    commits: float
    messages: float


def environment(kind: str, directory: pathlib.Path) -> dict[str, str]:
    """Return what makes a daemon of a kind count into a directory."""
    return {_MODULE: f'blockstore.cmd.{kind}', _DIRECTORY: str(directory)}


def read(directory: pathlib.Path) -> Counts:
    """Return the sums over all processes that count into a directory."""
    found = [_FORM.unpack(path.read_bytes())
             for path in directory.glob('*.counts')]
    return Counts(*(sum(column) for column in zip(*found, strict=True)))


def rate(before: Counts, after: Counts, seconds: float) -> Rate:
    """Return what was asked each second between two moments."""
    return Rate(*((late - early) / seconds
                  for early, late in zip(before, after, strict=True)))


class _Tally:
    """The numbers of this process, in a file that others may read."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._numbers = [0, 0, 0]
        self._open()
        # A worker process begins anew, and in a file of its own.
        os.register_at_fork(after_in_child=self._open)

    def _open(self) -> None:
        self._lock = threading.Lock()
        self._numbers = [0, 0, 0]
        path = pathlib.Path(self._directory, f'{os.getpid()}.counts')
        path.write_bytes(bytes(_FORM.size))
        with path.open('r+b') as file:
            self._map = mmap.mmap(file.fileno(), _FORM.size)

    def add(self, place: int) -> None:
        """Count one more."""
        with self._lock:
            self._numbers[place] += 1
            _FORM.pack_into(self._map, 0, *self._numbers)


def main() -> None:
    """Count, and be the daemon."""
    tally = _Tally(os.environ[_DIRECTORY])
    event.listen(sa.Engine, 'before_cursor_execute',
                 lambda *_: tally.add(0))
    event.listen(sa.Engine, 'commit', lambda *_: tally.add(1))
    send = amqpdriver.AMQPDriverBase._send

    def counted(self: typing.Any, *args: typing.Any, **more: typing.Any,
                ) -> typing.Any:
        tally.add(2)
        return send(self, *args, **more)

    amqpdriver.AMQPDriverBase._send = counted
    runpy.run_module(os.environ[_MODULE], run_name='__main__',
                     alter_sys=True)


if __name__ == '__main__':
    main()
