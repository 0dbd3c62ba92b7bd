"""The driver suite itself: drivers with one mistake each must not pass."""

import unittest

from oslotest import base as test_base

from blockstore import exceptions
from blockstore.tests import volume_objects
from blockstore.tests.contract import volume_driver
from blockstore.volume.connections.base import Extent
from blockstore.volume.connections.memory import Content
from blockstore.volume.connections.memory import GIB
from blockstore.volume.drivers import memory


class Sound(memory.MemoryDriver):
    """No mistake: the suite passes."""


class ForgetsToFreeze(memory.MemoryDriver):
    def create_snapshot(self, snapshot):
        super().create_snapshot(snapshot)
        self.pool.contents[snapshot.name].blocks = (
            self.pool.contents[snapshot.volume_name].blocks)


class FreezesAgain(memory.MemoryDriver):
    def create_snapshot(self, snapshot):
        self.pool.contents.pop(snapshot.name, None)
        super().create_snapshot(snapshot)


class CreatesOnce(memory.MemoryDriver):
    def create_volume(self, volume):
        if volume.name in self.pool.contents:
            raise exceptions.DriverError('exists')
        super().create_volume(volume)


class DeletesOnce(memory.MemoryDriver):
    def delete_volume(self, volume):
        if volume.name not in self.pool.contents:
            raise exceptions.DriverError('is gone')
        super().delete_volume(volume)


class LeavesSnapshots(memory.MemoryDriver):
    def delete_snapshot(self, snapshot):
        pass


class LeavesExports(memory.MemoryDriver):
    def terminate_connection(self, volume, connector, **kwargs):
        pass


class Shrinks(memory.MemoryDriver):
    def extend_volume(self, volume, new_size):
        super().extend_volume(volume, new_size)
        self.pool.contents[volume.name].size = new_size * GIB


class SharesAClone(memory.MemoryDriver):
    def create_cloned_volume(self, volume, src_vref):
        super().create_cloned_volume(volume, src_vref)
        self.pool.contents[volume.name].blocks = (
            self.pool.contents[src_vref.name].blocks)


class ClonesSmall(memory.MemoryDriver):
    def create_volume_from_snapshot(self, volume, snapshot):
        super().create_volume_from_snapshot(volume, snapshot)
        self.pool.contents[volume.name].size = snapshot.volume_size * GIB


class MissesAChange(memory.MemoryDriver):
    def changed_extents(self, snapshot, base, offset, length):
        return list(super().changed_extents(
            snapshot, base, offset, length))[1:]


class ComparesWithAnything(memory.MemoryDriver):
    def changed_extents(self, snapshot, base, offset, length):
        yield Extent(offset, length)


class BackupSeesWrites(memory.MemoryDriver):
    def initialize_connection(self, volume, connector):
        return super().initialize_connection(
            volume, {**connector, 'purpose': ''})


class RevertsTheSnapshot(memory.MemoryDriver):
    def revert_to_snapshot(self, context, volume, snapshot):
        super().revert_to_snapshot(context, volume, snapshot)
        self.pool.contents[snapshot.name].blocks = (
            self.pool.contents[volume.name].blocks)


class WritesToSnapshots(memory.MemoryDriver):
    def open(self, name, wanted, content, read_only):
        return super().open(name, wanted, content, False)


class MakesAnOrphan(memory.MemoryDriver):
    def create_volume(self, volume):
        super().create_volume(volume)
        self.pool.contents['volume-orphan'] = Content('volume', 'x', GIB)


class KeepsNotes(memory.MemoryDriver):
    def create_volume(self, volume):
        self.book.commit({f'note:{volume.id}': {'made': True}})
        super().create_volume(volume)


class LiesAboutItself(memory.MemoryDriver):
    def get_volume_stats(self, refresh=False):
        return {**super().get_volume_stats(refresh), 'multiattach': False}


class AnswersAnew(memory.MemoryDriver):
    def initialize_connection(self, volume, connector):
        info = super().initialize_connection(volume, connector)
        info['data']['serial'] = len(self.pool.calls)
        return info


class TakesAnySnapshot(memory.MemoryDriver):
    def _a_snapshot(self, snapshot, existing_ref):
        return self._found(snapshot, existing_ref)


class ManagesOnce(memory.MemoryDriver):
    def manage_existing(self, volume, existing_ref):
        if volume.name in self.pool.contents:
            raise exceptions.DriverError('exists')
        return super().manage_existing(volume, existing_ref)


class CountsOnce(memory.MemoryDriver):
    def manage_existing_get_size(self, volume, existing_ref):
        if volume.name in self.pool.contents:
            raise exceptions.ManageExistingInvalidReference(
                existing_ref=existing_ref, reason='it is gone')
        return super().manage_existing_get_size(volume, existing_ref)


class DeletesWhatItLetsGo(memory.MemoryDriver):
    def unmanage_snapshot(self, snapshot):
        self.pool.contents.pop(snapshot.name, None)


class KeepsWhatItLetsGo(memory.MemoryDriver):
    def unmanage(self, volume):
        pass


class CopiesOnManage(memory.MemoryDriver):
    def manage_existing(self, volume, existing_ref):
        updates = super().manage_existing(volume, existing_ref)
        self.pool.put_foreign('copy')
        self.pool.contents['copy'].foreign = False
        return updates


class ListsAllAsFree(memory.MemoryDriver):
    def _listed(self, rows, kind):
        for entry in super()._listed(rows, kind):
            yield {**entry, 'safe_to_manage': True}


class PagesWrongly(memory.MemoryDriver):
    def get_manageable_volumes(self, rows, marker, limit, offset, keys, dirs):
        return super().get_manageable_volumes(rows, None, limit, offset, keys,
                                              dirs)


MISTAKEN = (
    TakesAnySnapshot, ManagesOnce, CountsOnce, DeletesWhatItLetsGo,
    KeepsWhatItLetsGo, CopiesOnManage, ListsAllAsFree, PagesWrongly,
    ForgetsToFreeze, FreezesAgain, CreatesOnce, DeletesOnce, LeavesSnapshots,
    LeavesExports, Shrinks, SharesAClone, ClonesSmall, MissesAChange,
    ComparesWithAnything, BackupSeesWrites, RevertsTheSnapshot,
    WritesToSnapshots, MakesAnOrphan, KeepsNotes, LiesAboutItself,
    AnswersAnew)


class SuiteTest(test_base.BaseTestCase):

    def run_suite(self, driver, fault):
        """Run a driver through the suite; return what did not pass."""
        class Case(volume_driver.VolumeDriverContract, unittest.TestCase):
            FAULT = fault

            def load_driver(self, book):
                self.addCleanup(memory.forget, self.id())
                plain = volume_objects.load_driver(
                    'memory', book, memory_pool=self.id())
                return driver(plain.conf, plain.host, book)

        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
        self.assertLess(50, result.testsRun)
        return [test.id().rpartition('.')[2] for test, _
                in result.errors + result.failures]

    def test_a_sound_driver_passes(self):
        self.assertEqual([], self.run_suite(Sound, None))

    def test_each_mistake_is_noticed(self):
        for driver in MISTAKEN:
            self.assertNotEqual([], self.run_suite(driver, None),
                                driver.__name__)

    def test_faults_bring_out_what_cannot_be_repeated(self):
        for driver in (CreatesOnce, DeletesOnce):
            plain = self.run_suite(driver, None)
            for fault in ('after', 'double'):
                self.assertLess(2 * len(plain), len(
                    self.run_suite(driver, fault)), (driver, fault))
