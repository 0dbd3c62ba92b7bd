"""The limit of bandwidth, on a clock that only waiting moves."""

import threading

import fixtures
from oslo_config import cfg
from oslotest import base

from blockstore import conf as blockstore_conf
from blockstore.backup import bandwidth
from blockstore.tests import fake_connections
from blockstore.tests.unit.backup import store_base

CHUNK = store_base.CHUNK
MIB = 1024 * 1024


class SimulatedClock(bandwidth.Clock):
    """Time passes when somebody waits, and not otherwise."""

    def __init__(self):
        self.time = 1000.0

    def now(self):
        return self.time

    def wait(self, changed, seconds):
        self.time += seconds


class SharingTest(base.BaseTestCase):
    """Some copies, stepped by hand."""

    def setUp(self):
        super().setUp()
        self.rate = 10 * MIB
        self.clock = SimulatedClock()
        self.limit = bandwidth.Bandwidth(lambda: self.rate, self.clock)

    def copy(self):
        sharing = self.limit.sharing()
        self.addCleanup(sharing.__exit__, None, None, None)
        return sharing.__enter__()

    def run_for(self, seconds, *copies):
        """Let copies (pace, bytes asked for) run; return what each got."""
        got = [0] * len(copies)
        for _ in range(int(seconds * 100)):
            self.clock.time += 0.01
            for number, (pace, length) in enumerate(copies):
                while pace(length, 0):
                    got[number] += length
        return got

    def assertNear(self, wanted, found, part=0.05):
        self.assertTrue(abs(found / wanted - 1) < part, (wanted, found))

    def test_one_has_all(self):
        self.assertNear(100 * MIB, *self.run_for(10, (self.copy(), 4096)))

    def test_what_is_longer_than_a_second_passes(self):
        self.rate = MIB
        pace = self.copy()
        began = self.clock.time
        while not pace(4 * MIB, 0.1):
            pass
        self.assertNear(4, self.clock.time - began, 0.1)

    def test_nothing_is_saved_for_long(self):
        pace = self.copy()
        self.clock.time += 3600
        got = 0
        while pace(4096, 0):
            got += 4096
        self.assertNear(self.rate * bandwidth.BURST, got)

    def test_bytes_are_split_evenly_whatever_is_asked_for(self):
        big, small = self.run_for(
            20, (self.copy(), 4 * MIB), (self.copy(), 64 * 1024))
        self.assertNear(1, big / small)
        self.assertNear(200 * MIB, big + small)

    def test_what_one_does_not_need_the_others_have(self):
        busy, idle = self.copy(), self.copy()
        got = 0
        for _ in range(1000):
            self.clock.time += 0.01
            idle(1024, 0)
            while busy(65536, 0):
                got += 65536
        self.assertNear(100 * MIB - 1000 * 1024, got)

    def test_one_that_ends_leaves_its_part(self):
        staying = self.copy()
        with self.limit.sharing() as leaving:
            self.run_for(5, (staying, 65536), (leaving, 64 * MIB))
        self.assertNear(50 * MIB, *self.run_for(5, (staying, 65536)))

    def test_changes_hold_at_once(self):
        pace = self.copy()
        slow, = self.run_for(4, (pace, 65536))
        self.rate *= 4
        fast, = self.run_for(4, (pace, 65536))
        self.assertNear(4, fast / slow, 0.1)
        self.rate //= 8
        # The first second counts, too.
        slower, = self.run_for(1, (pace, 65536))
        self.assertNear(MIB * 5, slower, 0.3)

    def test_one_in_a_long_wait_goes_on_when_the_limit_is_lifted(self):
        self.rate = 1
        pace = self.copy()
        self.assertFalse(pace(MIB, 5))
        self.rate = 0
        before = self.clock.time
        self.assertTrue(pace(MIB, 5))
        self.assertEqual(before, self.clock.time)

    def test_a_limit_after_none(self):
        self.rate = 0
        pace = self.copy()
        self.assertTrue(pace(1 << 40, 0))
        self.rate = MIB
        self.assertFalse(pace(2 * MIB, 1))
        self.assertTrue(pace(2 * MIB, 1.1))

    def test_a_clock_that_stands_or_goes_back_gives_nothing(self):
        pace = self.copy()
        while pace(4096, 0):
            pass
        self.clock.time -= 1000
        self.assertFalse(pace(4096, 0))
        self.assertNear(10 * MIB, *self.run_for(1, (pace, 4096)), 0.3)


class ThreadsTest(base.BaseTestCase):
    """Real threads under the real clock."""

    def test_all_get_what_they_ask_for(self):
        limit = bandwidth.Bandwidth(lambda: 512 * MIB)

        def copy():
            with limit.sharing() as pace:
                for _ in range(20):
                    while not pace(MIB, 0.1):
                        pass

        threads = [threading.Thread(target=copy) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            self.assertFalse(thread.is_alive())


class CopyTest(store_base.StoreTestCase):
    """Backups and restores that are slowed down."""

    def setUp(self):
        super().setUp()
        self.rate = CHUNK
        self.clock = SimulatedClock()
        self.limit = bandwidth.Bandwidth(lambda: self.rate, self.clock)

    def seconds(self, copy):
        """Run a copy; return the simulated seconds that it took."""
        before = self.clock.time
        with self.limit.sharing() as pace:
            copy(pace)
        return self.clock.time - before

    def sparse(self):
        """A volume of 100 chunks of which 8 are there."""
        volume = self.volume(100, fill=False)
        self.scribble(volume, *range(8 * CHUNK // fake_connections.GRAIN))
        return volume

    def test_backup_takes_as_long_as_its_bytes(self):
        volume = self.sparse()
        slow = self.seconds(
            lambda pace: self.backup(volume, 'b1', pace=pace))
        self.rate *= 4
        fast = self.seconds(
            lambda pace: self.backup(volume, 'b2', pace=pace))
        self.assertTrue(7 < slow < 8.2, slow)
        self.assertTrue(3.5 < slow / fast < 4.5, (slow, fast))

    def test_restore_takes_as_long_as_its_bytes(self):
        volume = self.sparse()
        self.backup(volume, 'b1')
        target = fake_connections.MemoryConnection(volume.size)
        slow = self.seconds(lambda pace: self.repository.restore(
            'b1', target, target_is_new=False, pace=pace))
        self.assertTrue(7 < slow < 8.2, slow)
        self.assertEqual(bytes(volume.data), bytes(target.data))

    def test_an_increment_pays_for_what_changed(self):
        volume = self.volume(20)
        self.backup(volume, 'b1')
        changed = self.scribble(volume, 0, 100, 200)
        self.rate = 4096
        took = self.seconds(lambda pace: self.backup(
            volume, 'b2', changed=changed, parent='b1', pace=pace))
        self.assertTrue(2 < took < 3.2, took)
        self.assertRestores('b2', volume.data)

    def test_stops_while_it_waits(self):
        """Whatever the rate is, a copy ends when it is told to."""
        class Stop(Exception):
            pass

        def stop():
            raise Stop

        limit = bandwidth.Bandwidth(lambda: 1)
        volume = self.volume(4)
        with limit.sharing() as pace:
            self.assertRaises(Stop, self.backup, volume, 'b1', check=stop,
                              pace=pace)
        calls = []

        def stop_later():
            calls.append(True)
            if len(calls) > 1:
                raise Stop

        with limit.sharing() as pace:
            self.assertRaises(Stop, self.backup, volume, 'b1',
                              check=stop_later, pace=pace)
        self.backup(volume, 'b1')
        calls.clear()
        with limit.sharing() as pace:
            self.assertRaises(
                Stop, self.repository.restore, 'b1',
                fake_connections.MemoryConnection(volume.size),
                target_is_new=True, check=stop_later, pace=pace)


class ReloadTest(base.BaseTestCase):
    """SIGHUP's part: the files are read again."""

    def test_a_changed_file_changes_the_rate(self):
        folder = self.useFixture(fixtures.TempDir())
        path = folder.join('blockstore.conf')
        conf = cfg.ConfigOpts()
        blockstore_conf.register(conf)

        def write(rate):
            with open(path, 'w') as file:
                file.write(f'[backup]\nread_bandwidth = {rate}\n')

        write(1000)
        conf(['--config-file', path], project='blockstore')
        clock = SimulatedClock()
        limit = bandwidth.Bandwidth(lambda: conf.backup.read_bandwidth,
                                    clock)
        with limit.sharing() as pace:
            self.assertFalse(pace(10_000, 1))
            write(9000)
            conf.mutate_config_files()
            self.assertTrue(pace(10_000, 1.1))
