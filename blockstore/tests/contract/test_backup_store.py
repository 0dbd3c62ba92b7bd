"""The conformance suite of backup store backends.

Every backend passes :class:`Conformance`, plainly and behind the wrappers;
behind :class:`~blockstore.backup.stores.wrappers.Retrying` also while calls
fail before or after their effect.
"""

import datetime
import errno
import os
import tempfile
import threading

import fixtures
from oslotest import base

from blockstore import exceptions
from blockstore.backup.stores import memory
from blockstore.backup.stores import posix
from blockstore.backup.stores import wrappers

ACTIONS = ('put', 'get', 'stat', 'list', 'move', 'delete', 'sync')


class Conformance:
    """What every backend does; a mixin with ``make_backend``."""

    def setUp(self):
        super().setUp()
        self.backend = self.make_backend()

    def make_backend(self):
        raise self.failureException('a suite without a backend')

    def put(self, name, data=b'data'):
        self.backend.put(name, [data])

    def test_put_and_get(self):
        self.backend.put('a/b/c', [b'one', bytearray(b'two'),
                                   memoryview(b'three')])
        self.backend.sync()
        self.assertEqual(b'onetwothree', bytes(self.backend.get('a/b/c')))

    def test_empty_and_large_objects(self):
        large = os.urandom(5 * 1024 * 1024)
        self.backend.put('empty', [])
        self.backend.put('large', [large[:100], memoryview(large)[100:]])
        self.assertEqual(b'', self.backend.get('empty'))
        self.assertEqual(large, self.backend.get('large'))

    def test_many_parts(self):
        self.backend.put('many', [b'%d' % (n % 10) for n in range(3000)])
        self.assertEqual(b'0123456789' * 300, self.backend.get('many'))

    def test_put_is_write_once(self):
        self.put('a', b'first')
        self.assertRaises(exceptions.StoreObjectExists, self.put, 'a',
                          b'second')
        self.assertEqual(b'first', self.backend.get('a'))

    def test_one_of_many_puts_wins(self):
        outcomes = []

        def put(data):
            try:
                self.put('contested/name', data * 100_000)
                outcomes.append(data)
            except exceptions.StoreObjectExists:
                outcomes.append(None)

        threads = [threading.Thread(target=put, args=(b'%d' % number,))
                   for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = [data for data in outcomes if data]
        self.assertEqual((1, 8), (len(winners), len(outcomes)))
        self.assertEqual(winners[0] * 100_000,
                         self.backend.get('contested/name'))

    def test_missing(self):
        for action in (self.backend.get, self.backend.stat):
            self.assertRaises(exceptions.StoreObjectMissing, action, 'a/b')
        self.assertRaises(exceptions.StoreObjectMissing, self.backend.move,
                          'a/b', 'c')
        self.assertFalse(self.backend.exists('a/b'))
        self.assertFalse(self.backend.exists('c'))

    def test_stat(self):
        before = self.backend.now()
        self.put('a', b'12345')
        after = self.backend.now()
        size, modified = self.backend.stat('a')
        self.assertEqual(5, size)
        tick = datetime.timedelta(milliseconds=20)
        self.assertTrue(before - tick <= modified <= after + tick)
        self.assertTrue(self.backend.exists('a'))

    def test_list_is_ordered_and_complete(self):
        names = ['b', 'a/b', 'a-b', 'a.b/c', 'a0', 'a/b-c', 'a/c/d', 'z/%7E',
                 '.own/x', 'A/b']
        for name in names:
            self.put(name)
        self.assertEqual(sorted(names), list(self.backend.list()))
        for prefix in ('a', 'a/', 'a/b', 'a/c/', 'z', '.own/', 'none', 'a/c'):
            self.assertEqual(
                [name for name in sorted(names) if name.startswith(prefix)],
                list(self.backend.list(prefix)), prefix)

    def test_list_after(self):
        names = ['a/1', 'a/2', 'a/3/x', 'a-', 'a0', 'b']
        for name in names:
            self.put(name)
        for after in ['', 'a', 'a-', 'a/', 'a/1', 'a/2', 'a/3', 'a/3/x',
                      'a/9', 'a0', 'b', 'c']:
            for prefix in ('', 'a/', 'a'):
                self.assertEqual(
                    [name for name in sorted(names)
                     if name.startswith(prefix) and name > after],
                    list(self.backend.list(prefix, after)), after)

    def test_list_while_names_go(self):
        names = [f'd/{number:03}' for number in range(100)]
        for name in names:
            self.put(name)
        found = []
        for name in self.backend.list('d/'):
            self.backend.delete(name)
            found.append(name)
        self.assertEqual(names, found)
        self.assertEqual([], list(self.backend.list()))

    def test_move(self):
        self.put('a/b', b'moved')
        self.backend.move('a/b', 'c/d/e')
        self.assertEqual(['c/d/e'], list(self.backend.list()))
        self.assertEqual(b'moved', self.backend.get('c/d/e'))

    def test_move_replaces(self):
        self.put('a', b'new')
        self.put('b', b'old')
        self.backend.move('a', 'b')
        self.assertEqual(b'new', self.backend.get('b'))
        self.assertFalse(self.backend.exists('a'))

    def test_move_gives_the_present_as_time(self):
        self.put('a')
        self.age('a')
        self.assertLess(self.backend.stat('a').modified,
                        self.backend.now() - datetime.timedelta(minutes=1))
        self.backend.move('a', 'b')
        self.assertLess(self.backend.now() - self.backend.stat('b').modified,
                        datetime.timedelta(minutes=1))

    def test_delete(self):
        self.put('a/b/c')
        self.put('a/d')
        self.backend.delete('a/b/c')
        self.assertEqual(['a/d'], list(self.backend.list()))
        self.backend.delete('a/b/c')
        self.backend.delete('never/was')
        self.backend.sync()

    def test_names_can_be_used_again(self):
        self.put('a/b', b'1')
        self.backend.delete('a/b')
        self.put('a/b', b'2')
        self.assertEqual(b'2', self.backend.get('a/b'))

    def test_bad_names(self):
        for name in ('', '/', '/a', 'a/', 'a//b', '.', '..', 'a/../b', 'a/.',
                     'a b', 'ä', 'a\n', 'a\0', 'x' * 256):
            self.assertRaises(exceptions.Invalid, self.put, name)
        self.assertEqual([], list(self.backend.list()))

    def test_put_and_delete_side_by_side(self):
        # Directories come and go under the feet of others.
        failures = []

        def work(number):
            try:
                for turn in range(40):
                    name = f'shared/deep/{number}-{turn}'
                    self.put(name)
                    self.backend.sync()
                    self.backend.delete(name)
            except exceptions.StoreError as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,))
                   for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failures)
        self.assertEqual([], list(self.backend.list()))

    def test_tidy_spares_objects(self):
        self.put('a')
        self.backend.tidy(self.backend.now() + datetime.timedelta(days=1))
        self.assertEqual(b'data', self.backend.get('a'))


class MemoryTest(Conformance, base.BaseTestCase):

    def make_backend(self):
        self.memory = memory.MemoryStore()
        return self.memory

    def age(self, name):
        data, modified = self.memory.objects[name]
        self.memory.objects[name] = (
            data, modified - datetime.timedelta(hours=1))


class PosixTest(Conformance, base.BaseTestCase):

    def make_backend(self):
        self.root = self.useFixture(fixtures.TempDir()).path
        return posix.PosixStore(os.path.join(self.root, 'store'))

    def age(self, name):
        os.utime(os.path.join(self.root, 'store', name), (1e9, 1e9))

    def test_survives_a_new_process(self):
        self.put('a/b', b'here')
        again = posix.PosixStore(os.path.join(self.root, 'store'))
        self.assertEqual(b'here', again.get('a/b'))

    def test_tidy_removes_what_was_cut_off(self):
        self.put('a')
        incoming = os.path.join(self.root, 'store', '.incoming')
        _, path = tempfile.mkstemp(dir=incoming)
        self.assertEqual(0, self.backend.tidy(
            self.backend.now() - datetime.timedelta(minutes=1)))
        self.assertEqual(1, self.backend.tidy(
            self.backend.now() + datetime.timedelta(minutes=1)))
        self.assertFalse(os.path.exists(path))

    def test_a_sync_that_failed_is_made_up_for(self):
        self.put('a/b')
        failing = fixtures.MonkeyPatch('os.fsync', self.fail_with_enospc)
        with failing:
            self.assertRaises(exceptions.StoreError, self.backend.sync)
        synced = []
        with fixtures.MonkeyPatch(
                'os.fsync', lambda descriptor: synced.append(
                    os.readlink(f'/proc/self/fd/{descriptor}'))):
            self.backend.sync()
            self.assertIn(os.path.join(self.root, 'store', 'a'), synced)
            synced.clear()
            self.backend.sync()
            self.assertEqual([], synced)

    def fail_with_enospc(self, descriptor):
        raise OSError(errno.ENOSPC, 'no space left')

    def test_bytes_are_durable_before_the_name(self):
        order = []
        with (fixtures.MonkeyPatch('os.fdatasync',
                                   lambda _: order.append('data')),
              fixtures.MonkeyPatch('os.link',
                                   lambda *_: order.append('name'))):
            self.put('a')
        self.assertEqual(['data', 'name'], order)

    def test_leaves_nothing_behind(self):
        self.put('a/b')
        self.assertRaises(exceptions.StoreObjectExists, self.put, 'a/b')
        self.backend.delete('a/b')
        self.assertEqual([], os.listdir(
            os.path.join(self.root, 'store', '.incoming')))
        self.assertEqual(['.incoming'], os.listdir(
            os.path.join(self.root, 'store')))

    def test_reserved_names(self):
        self.assertRaises(exceptions.Invalid, self.put, '.incoming/x')

    def test_what_is_not_ours_is_not_listed(self):
        self.put('a/b')
        lost = os.path.join(self.root, 'store', 'lost+found')
        os.mkdir(lost)
        with open(os.path.join(lost, 'x'), 'w', encoding='ascii'):
            pass
        self.assertEqual(['a/b'], list(self.backend.list()))

    def test_not_readable_by_others(self):
        self.put('a/b')
        for part, mode in (('a', 0o40700), ('a/b', 0o100600)):
            self.assertEqual(mode, os.stat(os.path.join(
                self.root, 'store', part)).st_mode)

    def test_an_unusable_root(self):
        path = os.path.join(self.root, 'file')
        with open(path, 'w', encoding='ascii'):
            broken = posix.PosixStore(path)
        self.assertRaises(exceptions.StoreError, broken.put, 'a', [b''])


class WrappedTest(MemoryTest):

    def make_backend(self):
        self.counting = wrappers.Counting(super().make_backend())
        return wrappers.Retrying(wrappers.Guarded(self.counting),
                                 attempts=101,
                                 sleep=lambda seconds: None)

    def test_counts(self):
        self.put('a', b'12345')
        self.backend.get('a')
        self.backend.get('a')
        self.assertEqual((1, 2, 5, 10), (
            self.counting.calls['put'], self.counting.calls['get'],
            self.counting.bytes_put, self.counting.bytes_got))


class FailingBeforeTest(WrappedTest):
    """Every third call of each kind fails before its effect."""

    when = 'before'

    def make_backend(self):
        backend = super().make_backend()
        for action in ACTIONS:
            self.memory.faults += [
                memory.Fault(action, self.when, skip=2 * number)
                for number in range(1, 100)]
        return backend

    def test_counts(self):
        self.skipTest('retries are counted, too')


class FailingAfterTest(base.BaseTestCase):
    """A second try finds what the first one did."""

    def setUp(self):
        super().setUp()
        self.memory = memory.MemoryStore()
        self.pauses = []
        self.backend = wrappers.Retrying(self.memory, delay=1.0,
                                         sleep=self.pauses.append)

    def fail(self, action, **how):
        self.memory.faults.append(memory.Fault(action, **how))

    def test_put(self):
        self.fail('put', when='after')
        self.assertRaises(exceptions.StoreObjectExists, self.backend.put,
                          'a', [b'x'])
        self.assertEqual(b'x', self.backend.get('a'))

    def test_move(self):
        self.backend.put('a', [b'x'])
        self.fail('move', when='after')
        self.assertRaises(exceptions.StoreObjectMissing, self.backend.move,
                          'a', 'b')
        self.assertEqual(b'x', self.backend.get('b'))

    def test_delete(self):
        self.backend.put('a', [b'x'])
        self.fail('delete', when='after')
        self.backend.delete('a')
        self.assertFalse(self.backend.exists('a'))

    def test_gives_up(self):
        self.fail('get', times=4)
        self.assertRaises(exceptions.StoreError, self.backend.get, 'a')
        self.assertEqual([1.0, 2.0, 4.0], self.pauses)

    def test_answers_are_not_tried_again(self):
        self.assertRaises(exceptions.StoreObjectMissing, self.backend.get,
                          'a')
        self.assertEqual([], self.pauses)

    def test_a_full_store_is_not_tried_again(self):
        tried = []

        def put(name, parts):
            tried.append(name)
            raise exceptions.StoreFull('no room')

        self.memory.put = put
        self.assertRaises(exceptions.StoreFull, self.backend.put, 'a', [b''])
        self.assertEqual((['a'], []), (tried, self.pauses))
