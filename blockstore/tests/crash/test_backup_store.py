"""A backup killed by SIGKILL at every store call goes on where it was.

A real child process is killed before and after each call to the store in
turn.  Then the backup is continued here, with everything counted: what the
journal recorded is neither read nor put again, and the result restores.
"""

import os
import random
import shutil
import signal

import fixtures

from blockstore import exceptions
from blockstore.backup.store import journal
from blockstore.backup.store import names as object_names
from blockstore.backup.store import repository
from blockstore.backup.stores import memory
from blockstore.backup.stores import posix
from blockstore.backup.stores import wrappers
from blockstore.lifecycle import boundaries
from blockstore.tests import fake_connections
from blockstore.tests.unit.backup import store_base
from blockstore.volume.connections import base as connections

CHUNK = store_base.CHUNK
CHUNKS = 7


class Names(wrappers.Wrapper):
    """Remembers the names of what was put."""

    def __init__(self, inner):
        super().__init__(inner)
        self.put_names = []

    def put(self, name, parts):
        super().put(name, parts)
        self.put_names.append(name)


class Volatile(wrappers.Wrapper):
    """Knows what a loss of power may take: what was not synced."""

    def __init__(self, inner):
        super().__init__(inner)
        self.unsure = set()

    def put(self, name, parts):
        super().put(name, parts)
        self.unsure.add(name)

    def sync(self):
        covered = set(self.unsure)
        super().sync()
        self.unsure -= covered

    def lose_power(self, chance):
        for name in sorted(self.unsure):
            if chance.random() < 0.5:
                self._inner.delete(name)
        self.unsure.clear()


class PowerTest(store_base.StoreTestCase):
    """What was not synced may be lost: the order of syncs is what counts."""

    def test_power_lost_at_every_put(self):
        source = self.volume(CHUNKS)
        number = 0
        while True:
            self.memory.objects.clear()
            volatile = Volatile(self.memory)
            self.memory.faults[:] = [memory.Fault(
                'put', 'after', skip=number, times=999)]
            try:
                self.make(volatile, source)
                break
            except exceptions.StoreError:
                volatile.lose_power(random.Random(number))
            self.memory.faults.clear()
            self.check_made(self.make(volatile, source), source)
            number += 1
        self.assertGreater(number, CHUNKS)

    def test_power_lost_after_the_end(self):
        source = self.volume(CHUNKS)
        volatile = Volatile(self.memory)
        store = self.make(volatile, source)
        self.assertEqual(set(), volatile.unsure)
        self.check_made(store, source)

    def make(self, backend, source):
        store = repository.Repository(backend, store_base.SMALL)
        store.backup(source, store_base.header('b'),
                     extents=source.extents(0, source.size))
        return store

    def check_made(self, store, source):
        self.assertTrue(store.verify(all_bytes=True).ok)
        target = fake_connections.MemoryConnection(source.size)
        store.restore('b', target, target_is_new=True)
        self.assertEqual(bytes(source.data), bytes(target.data))


class KillTest(store_base.StoreTestCase):

    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        self.addCleanup(boundaries.listen, None)
        # What a kill leaves behind does not depend on it, but the time does.
        for name in ('fsync', 'fdatasync'):
            self.useFixture(fixtures.MonkeyPatch(
                f'os.{name}', lambda descriptor: None))
        self.source = self.volume(CHUNKS, extra=100)

    def open(self, path):
        """Open the store at a path; return it with its counter."""
        names = Names(posix.PosixStore(path))
        return repository.Repository(
            wrappers.Guarded(names), store_base.SMALL), names

    def killed(self, number, work):
        """Run work in a child killed at a crossing; tell if it came there.

        :param number: which crossing of a store boundary, from 0.
        """
        child = os.fork()
        if child == 0:
            status = 1
            try:
                left = [number]

                def listener(kind, name, when):
                    left[0] -= 1
                    if left[0] < 0:
                        os.kill(os.getpid(), signal.SIGKILL)

                boundaries.listen(listener)
                work()
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            self.assertEqual(0, os.WEXITSTATUS(status))
            return False
        self.assertEqual(signal.SIGKILL, os.WTERMSIG(status))
        return True

    def make(self, path, **how):
        store, names = self.open(path)
        self.source.reads.clear()
        store.backup(self.source, store_base.header('b'),
                     extents=self.source.extents(0, self.source.size), **how)
        return store, names

    def recorded(self, path):
        """Return the entries in the journal of the backup."""
        store, _ = self.open(path)
        found = b''.join(journal.Journal(
            store.backend, store.layout, 'b').entries())
        return [found[start:start + 32]
                for start in range(0, len(found), 32)]

    def check_every_crossing(self, prepared, **how):
        """Kill a backup everywhere; continue and check each time."""
        number, most = 0, 0
        path = os.path.join(self.root, 'store')
        while True:
            shutil.rmtree(path, ignore_errors=True)
            if prepared:
                shutil.copytree(prepared, path)
            if not self.killed(number, lambda: self.make(path, **how)):
                break
            entries = self.recorded(path)
            most = max(most, len(entries))
            store, names = self.make(path, **how)
            self.check_resumed(entries, names.put_names)
            self.check_result(store)
            number += 1
        # It was really killed at many places, and late ones, too.
        self.assertGreater(number, 4 * CHUNKS)
        self.assertEqual(CHUNKS + 1, most)

    def check_resumed(self, entries, put_names):
        offsets = [offset for offset, _ in self.source.reads]
        self.assertLessEqual(
            min(len(entries) * CHUNK, self.source.size),
            min(offsets, default=self.source.size))
        again = {entry.hex() for entry in entries} & {
            name.rsplit('/', 1)[-1] for name in put_names}
        self.assertEqual(set(), again)

    def check_result(self, store):
        target = fake_connections.MemoryConnection(self.source.size)
        store.restore('b', target, target_is_new=True)
        self.assertEqual(bytes(self.source.data), bytes(target.data))
        report = store.verify(all_bytes=True)
        self.assertTrue(report.ok)
        self.assertEqual([], report.unfinished)

    def test_full(self):
        self.check_every_crossing(None)

    def test_incremental(self):
        prepared = os.path.join(self.root, 'prepared')
        store, _ = self.open(prepared)
        store.backup(self.source, store_base.header('parent'),
                     extents=self.source.extents(0, self.source.size))
        chance = random.Random(2)
        changed = self.scribble(self.source, *chance.sample(range(112), 40))
        self.check_every_crossing(prepared, parent='parent', changed=changed)

    def test_incremental_of_a_parent_with_losses(self):
        prepared = os.path.join(self.root, 'prepared')
        store, _ = self.open(prepared)
        store.backup(self.source, store_base.header('parent'),
                     extents=self.source.extents(0, self.source.size))
        # One that would be taken over; one that is a base, but does not
        # change, so that the parent is healed, too.
        store.backend.delete(self.chunk(store, 2))
        self.spoil(prepared, self.chunk(store, 4))
        changed = [connections.Extent(4 * CHUNK, 4096),
                   *self.scribble(self.source, 112)]
        self.check_every_crossing(prepared, parent='parent', changed=changed)

    def spoil(self, path, name):
        """Flip a bit of an object's last byte."""
        with open(os.path.join(path, name), 'r+b') as file:
            file.seek(-1, os.SEEK_END)
            last = file.read(1)[0]
            file.seek(-1, os.SEEK_END)
            file.write(bytes([last ^ 1]))

    def chunk(self, store, number):
        """Name the object of a chunk of the source."""
        start = number * CHUNK
        return object_names.chunk(store.chunks.hash(
            bytes(self.source.data[start:start + CHUNK])))

    def test_set_aside(self):
        prepared = os.path.join(self.root, 'prepared')
        store, _ = self.make(prepared)
        for name in (sorted(store.backend.list('.store/chunks/'))[0],
                     sorted(store.backend.list('.store/segments/'))[0]):
            self.spoil(prepared, name)
        number = 0
        path = os.path.join(self.root, 'store')
        while True:
            shutil.rmtree(path, ignore_errors=True)
            shutil.copytree(prepared, path)

            def verify(path=path):
                return self.open(path)[0].verify(all_bytes=True,
                                                 set_aside=True)

            if not self.killed(number, verify):
                break
            verify()
            store, _ = self.open(path)
            self.assertEqual(2, len(list(
                store.backend.list('.store/damaged/'))))
            store.backup(self.source, store_base.header('next'),
                         extents=self.source.extents(0, self.source.size))
            self.check_result(store)
            number += 1
        self.assertGreater(number, 4 * CHUNKS)

    def test_prune(self):
        prepared = os.path.join(self.root, 'prepared')
        self.make(prepared)
        store, _ = self.open(prepared)
        other = self.volume(CHUNKS)
        store.backup(other, store_base.header('other'),
                     extents=other.extents(0, other.size))
        store.delete('other')
        path = os.path.join(self.root, 'store')

        def prune():
            self.open(path)[0].prune(0)
            self.open(path)[0].prune(0)

        number = 0
        while True:
            shutil.rmtree(path, ignore_errors=True)
            shutil.copytree(prepared, path)
            if not self.killed(number, prune):
                break
            prune()
            store, names = self.open(path)
            self.check_result(store)
            self.assertEqual(0, store.verify().orphans)
            self.assertEqual([], names.put_names)
            number += 1
        self.assertGreater(number, 4 * CHUNKS)
