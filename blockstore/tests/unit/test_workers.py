"""The worker pool (bounds, fairness, drain) and the periodic task."""

from collections.abc import Callable
import threading
import time

import fixtures
from oslo_config import cfg
from oslotest import base

from blockstore import conf as blockstore_conf
from blockstore.service import heartbeat
from blockstore.service import periodic
from blockstore.service import workers


def soon(seconds: float = 5) -> float:
    return time.monotonic() + seconds


class WorkerPoolTest(base.BaseTestCase):

    def pool(self, max_workers: int, max_waiting: int,
             on_room: Callable[[], object] | None = None
             ) -> workers.WorkerPool:
        pool = workers.WorkerPool('test', max_workers, max_waiting,
                                  on_room=on_room)
        self.addCleanup(pool.stop, soon(10))
        return pool

    def hold(self, pool: workers.WorkerPool, task_id: str,
             key: str = 'p') -> threading.Event:
        """Occupy a worker until the returned event is set."""
        entered, release = threading.Event(), threading.Event()
        self.addCleanup(release.set)

        def work() -> None:
            entered.set()
            release.wait(10)

        self.assertTrue(pool.submit(key, task_id, work))
        self.assertTrue(entered.wait(5))
        return release

    def test_runs_with_arguments(self) -> None:
        pool = self.pool(2, 2)
        seen: list[int] = []
        done = threading.Event()
        pool.submit('p', 'a', lambda n: (seen.append(n), done.set()), 7)
        self.assertTrue(done.wait(5))
        self.assertEqual([7], seen)

    def test_as_many_at_once_as_told(self) -> None:
        pool = self.pool(3, 0)
        barrier = threading.Barrier(4)
        for number in range(3):
            self.assertTrue(pool.submit('p', str(number), barrier.wait, 5))
        # Breaks unless all three run side by side.
        barrier.wait(5)

    def test_no_more_at_once_than_told(self) -> None:
        pool = self.pool(2, 10)
        running: list[str] = []
        most: list[int] = []
        done = threading.Semaphore(0)

        def work(name: str) -> None:
            running.append(name)
            most.append(len(running))
            time.sleep(0.01)
            running.remove(name)
            done.release()

        for number in range(8):
            self.assertTrue(pool.submit('p', str(number), work, str(number)))
        for _ in range(8):
            self.assertTrue(done.acquire(timeout=5))
        self.assertLessEqual(max(most), 2)

    def test_refuses_when_full_and_takes_again(self) -> None:
        room = threading.Event()
        pool = self.pool(1, 1, on_room=room.set)
        release = self.hold(pool, 'a')
        self.assertTrue(pool.submit('p', 'b', int))
        self.assertFalse(pool.submit('p', 'c', int))
        self.assertEqual((1, 1), pool.busy())
        release.set()
        self.assertTrue(room.wait(5))
        self.assertTrue(pool.submit('p', 'c', int))

    def test_a_known_task_is_not_taken_twice(self) -> None:
        pool = self.pool(1, 5)
        release = self.hold(pool, 'a')
        ran: list[str] = []
        done = threading.Event()
        self.assertTrue(pool.submit('p', 'a', ran.append, 'a again'))
        self.assertTrue(pool.submit('p', 'b', ran.append, 'b'))
        self.assertTrue(pool.submit('p', 'b', ran.append, 'b again'))
        self.assertTrue(pool.submit('p', 'end', done.set))
        release.set()
        self.assertTrue(done.wait(5))
        self.assertEqual(['b'], ran)

    def test_keys_take_turns_in_order(self) -> None:
        pool = self.pool(1, 20)
        release = self.hold(pool, 'first', 'big')
        ran: list[str] = []
        done = threading.Event()
        for number in range(4):
            pool.submit('big', f'big{number}', ran.append, f'big{number}')
        pool.submit('small', 'small0', ran.append, 'small0')
        pool.submit('other', 'other0', ran.append, 'other0')
        pool.submit('small', 'small1', ran.append, 'small1')
        pool.submit('zend', 'end', int)
        pool.submit('big', 'last', done.set)
        release.set()
        self.assertTrue(done.wait(5))
        self.assertEqual(['big0', 'small0', 'other0', 'big1', 'small1',
                          'big2', 'big3'], ran)

    def test_a_failure_is_logged_and_the_worker_goes_on(self) -> None:
        log = self.useFixture(fixtures.FakeLogger('blockstore.service'))
        pool = self.pool(1, 5)
        done = threading.Event()
        pool.submit('p', 'bad', int, 'no number')
        pool.submit('p', 'good', done.set)
        self.assertTrue(done.wait(5))
        self.assertIn('ValueError', log.output)

    def test_stop_waits_for_what_runs_and_drops_the_rest(self) -> None:
        pool = self.pool(1, 5)
        release = self.hold(pool, 'a')
        ran: list[str] = []
        pool.submit('p', 'b', ran.append, 'b')
        threading.Timer(0.05, release.set).start()
        pool.stop(soon())
        self.assertTrue(release.is_set())
        self.assertEqual((0, 0), pool.busy())
        self.assertEqual([], ran)
        self.assertFalse(pool.submit('p', 'c', int))

    def test_stop_gives_up_at_the_deadline(self) -> None:
        log = self.useFixture(fixtures.FakeLogger('blockstore.service'))
        pool = self.pool(1, 5)
        self.hold(pool, 'stubborn')
        began = time.monotonic()
        pool.stop(soon(0.05))
        self.assertLess(time.monotonic() - began, 2)
        self.assertIn('stubborn', log.output)

    def test_a_long_task_sees_that_the_pool_stops(self) -> None:
        pool = self.pool(1, 0)
        entered = threading.Event()
        seen: list[bool] = []

        def work() -> None:
            entered.set()
            seen.append(pool.stopping.wait(5))

        pool.submit('p', 'a', work)
        entered.wait(5)
        pool.stop(soon())
        self.assertEqual([True], seen)


class PeriodicTaskTest(base.BaseTestCase):

    def task(self, function: Callable[[], object], interval: float
             ) -> periodic.PeriodicTask:
        task = periodic.PeriodicTask('beat', function, interval)
        self.addCleanup(task.stop, soon(10))
        return task

    def test_beats_do_not_drift(self) -> None:
        turns: list[float] = []
        done = threading.Event()

        def work() -> None:
            turns.append(time.monotonic())
            time.sleep(0.03)
            if len(turns) == 6:
                done.set()

        task = self.task(work, 0.1)
        task.start()
        self.assertTrue(done.wait(10))
        # With drift each turn would come 0.03 s later than the last.
        off = (turns[-1] - turns[0]) % 0.1
        self.assertLess(min(off, 0.1 - off), 0.045)

    def test_wake_and_quick_stop(self) -> None:
        turns = threading.Semaphore(0)
        task = self.task(turns.release, 3600)
        task.start()
        self.assertTrue(turns.acquire(timeout=5))
        task.wake()
        self.assertTrue(turns.acquire(timeout=5))
        self.assertTrue(task.healthy())
        began = time.monotonic()
        task.stop(soon())
        self.assertLess(time.monotonic() - began, 1)
        self.assertFalse(task.healthy())

    def test_a_wake_during_a_turn_is_not_lost(self) -> None:
        entered, release = threading.Event(), threading.Event()
        again = threading.Event()

        def work() -> None:
            if entered.is_set():
                again.set()
            entered.set()
            release.wait(5)

        task = self.task(work, 3600)
        task.start()
        self.assertTrue(entered.wait(5))
        task.wake()
        release.set()
        self.assertTrue(again.wait(5))

    def test_each_kind_of_failure_is_logged_once(self) -> None:
        log = self.useFixture(fixtures.FakeLogger('blockstore.service'))
        errors: list[Exception | None] = [
            OSError('one'), OSError('two'), ValueError('three'), None,
            OSError('four')]
        done = threading.Event()

        def work() -> None:
            if not errors:
                done.set()
                return
            error = errors.pop(0)
            if error is not None:
                raise error

        task = self.task(work, 0.01)
        task.start()
        self.assertTrue(done.wait(5))
        task.stop(soon())
        for text, count in (('OSError: one', 1), ('OSError: two', 0),
                            ('ValueError: three', 1), ('works again', 2),
                            ('OSError: four', 1)):
            self.assertEqual(count, log.output.count(text), text)


class HeartbeatTest(base.BaseTestCase):

    def test_is_up_while_reports_succeed(self) -> None:
        conf = cfg.ConfigOpts()
        blockstore_conf.register(conf)
        conf([], default_config_files=[])
        conf.set_override('report_interval', 1, group='service')
        reports = threading.Semaphore(0)
        works = [False]

        def report() -> None:
            reports.release()
            if not works[0]:
                raise OSError('no database')

        beat = heartbeat.Heartbeat(report, conf)
        self.addCleanup(beat.stop, soon(10))
        beat.start()
        self.assertTrue(reports.acquire(timeout=5))
        self.assertFalse(beat.is_up())
        works[0] = True
        beat.wake()
        self.assertTrue(reports.acquire(timeout=5))
        deadline = soon()
        while not beat.is_up() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertTrue(beat.is_up())
