"""What the parts of the driver suite share: objects, bytes and clean-up.

At the end of each test everything that it made is taken down again, and the
driver must then have nothing left: no test can leave an orphan unnoticed.
"""

import random

from blockstore import exceptions
from blockstore.tests import volume_objects
from blockstore.tests.contract import faulty_driver
from blockstore.volume import connections
from blockstore.volume.drivers import base
from blockstore.volume.drivers import books
from blockstore.volume.drivers import guarded

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30


def pattern(seed, length):
    """Bytes that look like no others, never a run of zeros."""
    return random.Random(seed).randbytes(length)


class DriverFixture:
    """Mixed into a test case; a subclass says how its driver is loaded.

    :cvar FAULT: what each call meets, see FaultyDriver.
    :cvar TELLS: whether the driver's connections know which parts hold data;
        others name all of them.
    """

    FAULT = None
    TELLS = True

    def load_driver(self, book):
        """Return a driver on the back end of this test, not set up."""
        raise NotImplementedError

    def setUp(self):
        super().setUp()
        self.book = books.MemoryBook()
        self.volumes = []
        self.snapshots = []
        self.opened = []
        self.driver = self.start()
        self.addCleanup(self.take_down)

    def start(self):
        """Load and set up a driver, as a service's start does."""
        driver = faulty_driver.FaultyDriver(
            guarded.GuardedDriver(self.load_driver(self.book)), self.FAULT)
        driver.do_setup(None)
        driver.check_for_setup_error()
        driver.set_initialized()
        return driver

    def restart(self):
        """Let another driver take over from the book."""
        self.driver.close()
        self.driver = self.start()

    def take_down(self):
        for connection in self.opened:
            connection.close()
        for snapshot in self.snapshots:
            if self.can(base.AttachesSnapshots):
                self.driver._detach_snapshot(None, None, snapshot, None)
        for volume in self.volumes:
            self.driver.terminate_connection(volume, None)
            self.driver.remove_export(None, volume)
        for snapshot in reversed(self.snapshots):
            self.driver.delete_snapshot(snapshot)
        for volume in reversed(self.volumes):
            self.driver.delete_volume(volume)
        left = self.listed()
        self.driver.close()
        self.assertEqual([], left)

    # Capabilities.

    def can(self, capability):
        return base.has(self.driver, capability)

    def need(self, capability):
        if not self.can(capability):
            self.skipTest(f'the driver lacks {capability.__name__}')

    def listed(self):
        """What the driver says it made; nothing if it cannot say."""
        if not self.can(base.ListsObjects):
            return []
        return sorted(self.driver.list_objects())

    # Objects.

    def volume(self, size=1):
        volume = self.owned(size)
        self.updated(volume, self.driver.create_volume(volume))
        return volume

    def owned(self, size=1):
        """A volume's row, before its object is made."""
        volume = volume_objects.Volume(size)
        self.volumes.append(volume)
        return volume

    def snapshot(self, volume):
        snapshot = volume_objects.Snapshot(volume)
        self.snapshots.append(snapshot)
        self.updated(snapshot, self.driver.create_snapshot(snapshot))
        return snapshot

    def from_snapshot(self, snapshot, size=None):
        volume = self.owned(size or snapshot.volume_size)
        self.updated(volume, self.driver.create_volume_from_snapshot(
            volume, snapshot))
        return volume

    def clone(self, source, size=None):
        volume = self.owned(size or source.size)
        self.updated(volume, self.driver.create_cloned_volume(volume, source))
        return volume

    def updated(self, row, updates):
        """Store what a driver answers, as the manager does."""
        for name, value in (updates or {}).items():
            self.assertIn(name, ('provider_location', 'provider_auth'))
            setattr(row, name, value)

    # Connections.

    def connect(self, volume, attachment='a', writable=True, **connector):
        connector = {'attachment_id': attachment, 'host': 'here', **connector}
        self.driver.validate_connector(connector)
        self.updated(volume, self.driver.create_export(
            None, volume, connector))
        return self.opening(self.driver.initialize_connection(
            volume, connector), writable)

    def attach_snapshot(self, snapshot, attachment='s'):
        return self.opening(self.driver._attach_snapshot(
            None, snapshot, {'attachment_id': attachment, 'host': 'here'}))

    def opening(self, info, writable=False):
        connection = connections.open_connection(info, writable=writable)
        self.opened.append(connection)
        return connection

    def disconnect(self, volume, attachment='a'):
        self.driver.terminate_connection(
            volume, {'attachment_id': attachment, 'host': 'here'})

    def write(self, volume, *runs):
        """Write (offset, bytes) runs through a connection of their own."""
        connection = self.connect(volume, 'writer')
        for offset, data in runs:
            connection.write(offset, data)
        connection.flush()
        connection.close()
        self.disconnect(volume, 'writer')

    def assert_reads(self, volume, *runs, size=None):
        """Compare (offset, bytes) runs and the size."""
        connection = self.connect(volume, 'reader', False, mode='ro')
        self.assert_bytes(connection, *runs,
                          size=(size or volume.size) * GIB)
        connection.close()
        self.disconnect(volume, 'reader')

    def assert_snapshot_reads(self, snapshot, *runs):
        """Compare a snapshot's bytes: attached, or through a volume."""
        if not self.can(base.AttachesSnapshots):
            volume = self.from_snapshot(snapshot)
            self.assert_reads(volume, *runs)
            self.driver.delete_volume(volume)
            return
        connection = self.attach_snapshot(snapshot)
        self.assert_bytes(connection, *runs, size=snapshot.volume_size * GIB)
        connection.close()
        self.driver._detach_snapshot(
            None, None, snapshot, {'attachment_id': 's', 'host': 'here'})

    def assert_bytes(self, connection, *runs, size=None):
        if size is not None:
            self.assertEqual(size, connection.size)
        for offset, data in runs:
            self.assertEqual(data, read(connection, offset, len(data)),
                             f'{len(data)} bytes at {offset}')

    def assert_ended(self, connection):
        """A connection that was terminated serves no bytes."""
        self.assertRaises(exceptions.ConnectionFailed, read, connection,
                          0, 4096)


def read(connection, offset, length):
    buffer = bytearray(length)
    connection.read_into(offset, memoryview(buffer))
    return bytes(buffer)
