"""From a back end's section to its driver, and the guard around it."""

from unittest import mock

from oslo_config import cfg
from oslotest import base as test_base

from blockstore import exceptions
from blockstore.lifecycle import boundaries
from blockstore.tests import volume_objects
from blockstore.volume.drivers import base
from blockstore.volume.drivers import books
from blockstore.volume.drivers import guarded
from blockstore.volume.drivers import loader
from blockstore.volume.drivers import memory
from blockstore.volume.drivers import wrapper


class LoaderTest(test_base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.conf = cfg.ConfigOpts()
        self.conf([], project='blockstore', default_config_files=[])
        self.book = books.MemoryBook()

    def load(self, name, **options):
        loader.register(self.conf, name, memory.MemoryDriver.OPTS)
        for option, value in options.items():
            self.conf.set_override(option, value, group=name)
        return loader.load(self.conf, name, f'host@{name}', self.book)

    def test_the_name_is_the_driver_by_default(self):
        driver = self.load('memory')
        self.assertIsInstance(driver, memory.MemoryDriver)
        self.assertEqual('host@memory', driver.host)
        self.assertIs(self.book, driver.book)

    def test_only_what_can_be_shared_is(self):
        self.load('memory', backend_host='shared')
        error = self.assertRaises(
            exceptions.DriverError, self.load, 'qsd', backend_host='shared')
        self.assertIn('backend_host', error.remedy)

    def test_each_back_end_has_its_own_options(self):
        fast = self.load('fast', volume_driver='memory',
                         memory_capacity_gb=5.0)
        slow = self.load('slow', volume_driver='memory',
                         reserved_percentage=10)
        fast, slow = fast.get_volume_stats(), slow.get_volume_stats()
        self.assertEqual((5.0, 0, 'fast'), (
            fast['total_capacity_gb'], fast['reserved_percentage'],
            fast['volume_backend_name']))
        self.assertEqual((1024.0, 10, 'slow'), (
            slow['total_capacity_gb'], slow['reserved_percentage'],
            slow['volume_backend_name']))

    def test_unknown_driver(self):
        error = self.assertRaises(exceptions.DriverError, self.load, 'fast',
                                  volume_driver='nonesuch')
        self.assertIn('nonesuch', error.message)
        self.assertIn('memory', error.remedy)
        self.assertIn('[fast]', error.remedy)

    def test_driver_that_cannot_be_imported(self):
        with mock.patch('importlib.metadata.EntryPoint.load', autospec=True,
                        side_effect=ImportError('no module x')):
            error = self.assertRaises(exceptions.DriverError, self.load,
                                      'memory')
        self.assertIn('no module x', error.message)


class GuardedTest(test_base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.addCleanup(memory.forget, self.id())
        self.inner = volume_objects.load_driver(
            'memory', memory_pool=self.id(), memory_lacks=['reverts'])
        self.driver = guarded.GuardedDriver(self.inner)
        self.volume = volume_objects.Volume()
        self.snapshot = volume_objects.Snapshot(self.volume)
        self.crossed = []
        boundaries.listen(lambda *args: self.crossed.append(args))
        self.addCleanup(boundaries.listen, None)

    def test_crosses_boundaries(self):
        self.driver.create_volume(self.volume)
        self.assertEqual([('driver', 'create_volume', 'before'),
                          ('driver', 'create_volume', 'after')],
                         self.crossed)

    def test_every_method_is_guarded(self):
        names = {name for source in (base.Driver, *base.CAPABILITIES.values())
                 for name in vars(source) if not name.startswith('_')
                 and callable(getattr(self.inner, name, None))}
        names -= {'class_for', 'get_version', 'set_initialized'}
        for name in names:
            with mock.patch.object(type(self.inner), name,
                                   side_effect=OSError('away')):
                driver = guarded.GuardedDriver(self.inner)
                error = self.assertRaises(exceptions.DriverError,
                                          getattr(driver, name))
            self.assertIn(name, error.message)
        self.assertLessEqual(25, len(names))

    def test_composed_calls_are_guarded_one_by_one(self):
        self.driver.create_volume(self.volume)
        self.driver.create_snapshot(self.snapshot)
        del self.crossed[:]
        self.driver._attach_snapshot(None, self.snapshot, {'host': 'h'})
        self.assertEqual(['create_export_snapshot',
                          'initialize_connection_snapshot'],
                         [name for _, name, when in self.crossed
                          if when == 'after'])

    def test_our_exceptions_pass(self):
        self.inner.faults.busy('delete_volume')
        self.assertRaises(exceptions.VolumeIsBusy,
                          self.driver.delete_volume, self.volume)
        self.assertEqual([('driver', 'delete_volume', 'before')],
                         self.crossed)

    def test_other_exceptions_become_ours(self):
        self.inner.faults.fail('create_volume', error=KeyError('lv'))
        error = self.assertRaises(exceptions.DriverError,
                                  self.driver.create_volume, self.volume)
        self.assertIn("create_volume on host@memory failed: KeyError: 'lv'",
                      error.message)
        self.assertIsInstance(error.__cause__, KeyError)

    def test_iteration_is_guarded(self):
        def broken(*args):
            yield 1
            raise OSError('away')

        self.inner.allocated_extents = broken
        driver = guarded.GuardedDriver(self.inner)
        answer = driver.allocated_extents(self.snapshot, 0, 1)
        self.assertEqual(1, next(answer))
        self.assertRaises(exceptions.DriverError, next, answer)

    def test_capabilities_are_those_inside(self):
        twice = wrapper.Wrapper(self.driver)
        for driver in (self.driver, twice):
            self.assertEqual(base.capabilities(self.inner),
                             base.capabilities(driver))
            self.assertFalse(base.has(driver, base.Reverts))
            self.assertIs(driver, base.require(driver, base.StableReads))
            self.assertRaises(exceptions.Unsupported, base.require, driver,
                              base.Reverts)
            self.assertIs(self.inner, base.innermost(driver))

    def test_initialized_is_known_on_both_sides(self):
        self.driver.set_initialized()
        self.assertTrue(self.inner.initialized)
        self.assertTrue(self.driver.initialized)
