"""What the tests of the qsd driver share: a driver, a writer, a model.

The writer is serial and stamps each block with its number in a log, so every
state of the volume is a prefix of the log, and a snapshot taken under it must
equal one of them.
"""

import contextlib
import os
import random
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time
import types

from oslo_utils import uuidutils
from oslotest import base

from blockstore import exceptions
from blockstore.lifecycle import boundaries
from blockstore.volume import connections
from blockstore.volume.drivers import books
from blockstore.volume.drivers.qsd import daemon
from blockstore.volume.drivers.qsd import driver

BLOCK = 4096
BLOCKS = 512
_STAMP = struct.Struct('>8sQ')


def volume(size=1):
    """Return what a driver sees of a volume."""
    identity = uuidutils.generate_uuid()
    return types.SimpleNamespace(
        id=identity, name=f'volume-{identity}', size=size, project_id='p',
        provider_location=None, provider_auth=None)


def snapshot(of):
    """Return what a driver sees of a snapshot."""
    identity = uuidutils.generate_uuid()
    return types.SimpleNamespace(
        id=identity, name=f'snapshot-{identity}', volume_id=of.id,
        volume_name=of.name, volume_size=of.size, project_id='p',
        provider_location=None, provider_auth=None)


def stamp(number):
    """Return the block that the writer's log entry of a number wrote."""
    return _STAMP.pack(b'blocklog', number).ljust(BLOCK, b'\x5a')


def read(connection, offset, length):
    """Return bytes of a connection."""
    data = bytearray(length)
    connection.read_into(offset, memoryview(data))
    return bytes(data)


def stamps(connection):
    """Return block → number in the log for every block that is not zero."""
    data = read(connection, 0, BLOCK * BLOCKS)
    found = {}
    for index in range(BLOCKS):
        block = data[index * BLOCK:(index + 1) * BLOCK]
        if block.strip(b'\0'):
            magic, number = _STAMP.unpack_from(block)
            if magic != b'blocklog' or block != stamp(number):
                raise AssertionError(f'block {index} is torn')
            found[index] = number
    return found


def state_after(log, count):
    """Return block → number after the first entries of a log."""
    state = {}
    for number, (index, zero) in enumerate(log[:count]):
        if zero:
            state.pop(index, None)
        else:
            state[index] = number
    return state


def prefix_of(log, content):
    """Return how many entries lead to a content; None if no prefix does."""
    state = {}
    first = max(content.values(), default=-1) + 1
    for count, (index, zero) in enumerate([*log, (None, True)]):
        if count >= first and state == content:
            return count
        if zero:
            state.pop(index, None)
        else:
            state[index] = count
    return None


class Writer(threading.Thread):
    """Writes, zeroes and flushes; comes back when its export does."""

    def __init__(self, connection_info, seed=1, patience=10):
        super().__init__(daemon=True)
        self.info = connection_info
        self.patience = patience
        self.log = []
        self.unfinished = []
        self.flushed = 0
        self.longest = 0.0
        self.failure = None
        self.reconnects = 0
        self._random = random.Random(seed)
        self._stopping = threading.Event()
        self.start()

    def _connect(self):
        deadline = time.monotonic() + self.patience
        while True:
            try:
                return connections.open_connection(self.info, writable=True)
            except exceptions.ConnectionFailed:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.005)

    def run(self):
        try:
            self._write()
        except exceptions.BlockstoreError as error:
            self.failure = error

    def _write(self):
        connection = self._connect()
        while not self._stopping.is_set():
            entry = (self._random.randrange(BLOCKS),
                     self._random.random() < 0.1)
            self.unfinished = [entry]
            begun = time.monotonic()
            flushing = len(self.log) % 64 == 63
            while True:
                try:
                    self._put(connection, len(self.log), entry)
                    if flushing:
                        connection.flush()
                    break
                except exceptions.ConnectionFailed:
                    connection.close()
                    connection = self._connect()
                    self.reconnects += 1
            self.log.append(entry)
            self.unfinished = []
            if flushing:
                self.flushed = len(self.log)
            self.longest = max(self.longest, time.monotonic() - begun)
        connection.flush()
        self.flushed = len(self.log)
        connection.close()

    @staticmethod
    def _put(connection, number, entry):
        index, zero = entry
        if zero:
            connection.write_zeroes(index * BLOCK, BLOCK)
        else:
            connection.write(index * BLOCK, stamp(number))

    def log_with_unfinished(self):
        """Return the log and the entry that a failure cut off."""
        return [*self.log, *self.unfinished]

    def run_for(self, entries):
        """Wait until the log has grown by some entries."""
        target = len(self.log) + entries
        while len(self.log) < target:
            if self.failure:
                raise self.failure
            time.sleep(0.002)

    def finish(self):
        """Stop writing; everything in the log is flushed then."""
        self._stopping.set()
        self.join(30)
        if self.failure:
            raise self.failure


class TestCase(base.BaseTestCase):
    """A driver in a directory of its own; no daemon outlives the test."""

    options: dict = {}

    def setUp(self):
        super().setUp()
        for program in ('qemu-storage-daemon', 'qemu-img'):
            if shutil.which(program) is None:
                self.skipTest(f'{program} is not installed')
        self.directory = tempfile.mkdtemp(prefix='qsd-')
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.addCleanup(boundaries.listen, None)
        self.book = books.MemoryBook()
        self.drivers = []
        self.addCleanup(self._end_daemons)
        self.driver = self.new_driver()

    def new_driver(self):
        """Start the service (again) on the same directory and book."""
        made = driver.QsdDriver(
            types.SimpleNamespace(**{
                'qsd_directory': self.directory, 'qsd_qmp_timeout': 120.0,
                **self.options}),
            'host@qsd', self.book)
        made.do_setup(None)
        self.drivers.append(made)
        self.driver = made
        return made

    def abandon(self):
        """Let the service die: nothing of it goes on but the daemons."""
        boundaries.listen(None)
        for merge in self.driver._backend.merging.values():
            merge.settled.set()
        self.driver._backend.merging.clear()
        self.driver._collapser.close()
        for volume_id in self.driver._backend.chain.volumes():
            self.driver._backend.daemon(volume_id).forget()
        for reader in self.driver._backend.reading.values():
            reader.forget()

    def _end_daemons(self):
        for made in self.drivers:
            made._collapser.close()
        run = os.path.join(self.directory, 'run')
        for name in os.listdir(run):
            if name.endswith('.pid'):
                self._kill(os.path.join(run, name))

    def _kill(self, path):
        pid = daemon.living(path)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            while daemon.living(path) is not None:
                time.sleep(0.002)
        return pid

    def kill_daemon(self, of):
        """End a volume's daemon with SIGKILL; returns its pid or None.

        And those by which what is frozen of it is read.
        """
        for reader in list(self.driver._backend.reading.values()):
            if reader.volume_id == of.id:
                self._kill(reader.pid_path)
        return self._kill(self.driver._backend.daemon(of.id).pid_path)

    def daemon_runs(self, of):
        """Tell whether a volume has a daemon."""
        return self.driver._backend.daemon(of.id).alive()

    def attach(self, of, identity='a', **connector):
        """Connect and open a volume for writing, closed at the end."""
        info = self.driver.initialize_connection(
            of, {'attachment_id': identity, **connector})
        return self.open(info, writable=connector.get('mode') != 'ro')

    def open(self, info, writable=False):
        """Open a connection, closed at the end."""
        connection = connections.open_connection(info, writable=writable)
        self.addCleanup(connection.close)
        return connection

    @contextlib.contextmanager
    def reading(self, of):
        """Give a connection to a snapshot."""
        info = self.driver.initialize_connection_snapshot(
            of, {'attachment_id': 'reader'})
        connection = connections.open_connection(info)
        try:
            yield connection
        finally:
            connection.close()
            self.driver.terminate_connection_snapshot(
                of, {'attachment_id': 'reader'})

    def content(self, of):
        """Return the stamps of a volume, by a connection of its own."""
        connection = self.attach(of, 'content', mode='ro')
        found = stamps(connection)
        connection.close()
        self.driver.terminate_connection(of, {'attachment_id': 'content'})
        return found

    def snapshot_content(self, of):
        """Return the stamps of a snapshot."""
        with self.reading(of) as connection:
            return stamps(connection)

    def layer_files(self):
        """List the image files."""
        return sorted(name for name in os.listdir(self.directory)
                      if name.endswith('.qcow2'))

    def remove(self, name):
        """Unlink a file of the directory."""
        os.unlink(os.path.join(self.directory, name))

    def check_images(self):
        """Let qemu-img look for corruption (leaks are allowed: 3)."""
        for name in self.layer_files():
            done = subprocess.run(
                ['qemu-img', 'check', '-q', '-U', '-f', 'qcow2',
                 os.path.join(self.directory, name)],
                capture_output=True, text=True, check=False)
            self.assertIn(done.returncode, (0, 3), done.stderr + done.stdout)
