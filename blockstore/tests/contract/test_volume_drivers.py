"""The drivers that are here, through the suite."""

import shutil

import fixtures

from blockstore.tests import volume_objects
from blockstore.tests.contract import volume_driver
from blockstore.volume.drivers import base
from blockstore.volume.drivers import memory


class Memory:
    """The memory driver with all capabilities."""

    LACKS = ()

    def load_driver(self, book):
        self.addCleanup(memory.forget, self.id())
        return volume_objects.load_driver(
            'memory', book, memory_pool=self.id(), memory_lacks=self.LACKS)


class PlainMemory(Memory):
    """The memory driver without any: what is left must work as well."""

    LACKS = tuple(base.CAPABILITIES)


class Qsd:
    """Files that QEMU's storage daemon serves."""

    def load_driver(self, book):
        for tool in ('qemu-storage-daemon', 'qemu-img'):
            if shutil.which(tool) is None:
                self.skipTest(f'{tool} is not installed')
        if not hasattr(self, 'directory'):
            self.directory = self.useFixture(fixtures.TempDir()).path
        return volume_objects.load_driver(
            'qsd', book, qsd_directory=self.directory)


globals().update(volume_driver.cases('Memory', Memory, __name__))
globals().update(volume_driver.cases('PlainMemory', PlainMemory, __name__))
globals().update(volume_driver.cases('Qsd', Qsd, __name__))
