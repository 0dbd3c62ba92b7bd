"""The suite that every volume driver must pass, on LVM.

A real volume group is slow, so that each test meets one of the faults, or
none, by its name.  ``BLOCKSTORE_LVM_ALL=1`` runs each with all of them.
"""

import os
import zlib

from oslotest import base as test_base

from blockstore.tests import volume_objects
from blockstore.tests.contract import driver_fixture
from blockstore.tests.contract import driver_managing
from blockstore.tests.contract import driver_snapshots
from blockstore.tests.contract import driver_volumes
from blockstore.tests.contract import volume_driver
from blockstore.tests.lvm import real

ALL = os.environ.get('BLOCKSTORE_LVM_ALL') == '1'


def load(book, kind='thin', **options):
    """Load the driver on the group of these tests."""
    return volume_objects.load_driver(
        'lvm', book, lvm_volume_group=real.GROUP, lvm_type=kind,
        lvm_pool=real.POOL, lvm_pool_size_gb=real.POOL_GB,
        lvm_local_hosts=['here'], **options)


class Loaded(real.VolumeGroup):
    """How the driver is loaded: with devices of this machine."""

    TYPE = 'thin'
    TELLS = False

    def load_driver(self, book):
        return load(book, self.TYPE)


class LoadedThick(Loaded):
    """The same, with all space taken from the beginning."""

    TYPE = 'thick'


class ThickContract(driver_volumes.VolumeTests,
                    driver_snapshots.SnapshotTests,
                    driver_fixture.DriverFixture):
    """What is not the same rooms for both: connections are.

    So is all of managing but what a snapshot is.
    """

    list_volumes = driver_managing.ManagingTests.list_volumes
    list_snapshots = driver_managing.ManagingTests.list_snapshots
    reference_of = driver_managing.ManagingTests.reference_of
    let_go = driver_managing.ManagingTests.let_go
    adopt = driver_managing.ManagingTests.adopt
    adopt_snapshot = driver_managing.ManagingTests.adopt_snapshot
    frozen = driver_managing.ManagingTests.frozen
    written = driver_managing.ManagingTests.written
    test_a_volume_and_its_snapshot_move = (
        driver_managing.ManagingTests.test_a_volume_and_its_snapshot_move)


def once(name, loaded, contract):
    """Make a test case in which each test has a fault by its name."""

    class Case(loaded, contract, test_base.BaseTestCase):
        def setUp(self):
            faults = volume_driver.FAULTS
            self.FAULT = faults[zlib.crc32(self._testMethodName.encode())
                                % len(faults)]
            super().setUp()

    Case.__module__ = __name__
    Case.__name__ = Case.__qualname__ = f'{name}Test'
    return {Case.__name__: Case}


if ALL:
    globals().update(volume_driver.cases('Thin', Loaded, __name__))
    globals().update(volume_driver.cases('Thick', LoadedThick, __name__))
else:
    globals().update(once('Thin', Loaded, volume_driver.VolumeDriverContract))
    globals().update(once('Thick', LoadedThick, ThickContract))
