"""Prune removes what nothing reaches, and never anything else.

The clock is stopped; ``later`` moves it.  Races are played out by hand: a
backup's steps are done between prune's.
"""

import dataclasses
import datetime

import fixtures
from oslo_utils import fixture
from oslo_utils import timeutils

from blockstore import exceptions
from blockstore.backup.store import chunks
from blockstore.backup.store import journal
from blockstore.backup.store import names
from blockstore.backup.store import prune
from blockstore.tests.unit.backup import store_base

CHUNK = store_base.CHUNK
GRACE = 3600


class PruneTest(store_base.StoreTestCase):

    def setUp(self):
        super().setUp()
        self.clock = self.useFixture(fixture.TimeFixture(
            datetime.datetime(2026, 1, 1)))
        self.source = self.volume(10)

    def later(self, seconds=GRACE):
        self.clock.advance_time_seconds(seconds)

    def prune(self, **how):
        return self.repository.prune(GRACE, **how)

    def chunks(self):
        return len(self.names('.store/chunks/'))

    def mark(self):
        """Do the first half of a prune."""
        return prune.Marker(self.memory, self.repository.chunks,
                            self.repository.layout, lambda: None).run()

    def sweep(self, live):
        """Do the second half of a prune."""
        return prune.Prune(self.memory, live,
                           datetime.timedelta(seconds=GRACE), False,
                           lambda: None).run()

    def test_two_looks_a_grace_apart(self):
        self.backup(self.source, 'b')
        self.repository.delete('b')
        self.assertEqual(13, self.prune().young)
        self.assertEqual(10, self.chunks())
        self.later()
        self.assertEqual(13, self.prune().set_aside)
        self.assertEqual(0, self.chunks())
        self.later(GRACE - 1)
        self.assertEqual(13, self.prune().waiting)
        self.later(1)
        report = self.prune()
        self.assertEqual(13, report.deleted)
        self.assertGreater(report.bytes_deleted, 10 * CHUNK)
        self.assertEqual(['.store/config'], self.names())

    def test_dry_run(self):
        self.backup(self.source, 'b')
        self.repository.delete('b')
        self.later()
        before = self.names()
        self.assertEqual(13, self.prune(dry_run=True).set_aside)
        self.assertEqual(before, self.names())

    def test_shared_chunks_stay(self):
        self.backup(self.source, 'a')
        changed = self.scribble(self.source, 0)
        self.backup(self.source, 'b', parent='a', changed=changed)
        self.repository.delete('a')
        for _ in range(3):
            self.later()
            self.prune()
        self.assertEqual(10, self.chunks())
        self.assertRestores('b', self.source.data)
        self.assertTrue(self.repository.verify(all_bytes=True).ok)

    def test_a_journal_keeps_its_chunks(self):
        kept = self.cut(self.source, 'b', 9)
        for _ in range(3):
            self.later()
            self.prune()
        self.assertEqual(kept, self.chunks())
        self.source.reads.clear()
        self.backup(self.source, 'b')
        self.assertEqual((10 - kept) * CHUNK, self.source.bytes_read)
        self.assertRestores('b', self.source.data)
        self.assertTrue(self.repository.verify(all_bytes=True).ok)

    def test_a_journal_keeps_its_segments(self):
        layout = self.repository.layout
        store = self.repository.chunks
        log = journal.Journal(self.memory, layout, 'b')
        log.begin(journal.Start(store_base.header('b'), 10 * CHUNK))
        entries = bytes(range(1, 33)) * 6
        log.add(0, entries)
        store.put_segment(entries[:4 * 32])
        store.put_segment(entries[4 * 32:])
        store.put_segment(entries[:32])
        for _ in range(3):
            self.later()
            self.prune()
        self.assertEqual(2, len(self.names('.store/segments/')))

    def test_a_chunk_set_aside_is_written_again(self):
        self.backup(self.source, 'a')
        self.repository.delete('a')
        self.later()
        self.prune()
        summary = self.backup(self.source, 'b')
        self.assertEqual(10, summary.progress.chunks_written)
        self.later()
        self.prune()
        self.assertEqual([], self.names('.store/doomed/'))
        self.assertRestores('b', self.source.data)

    def test_found_just_before_it_is_set_aside(self):
        self.backup(self.source, 'a')
        self.repository.delete('a')
        self.later()
        live = self.mark()
        # Between mark and sweep a backup finds the chunks, and commits.
        summary = self.backup(self.source, 'b')
        self.assertEqual(10, summary.progress.chunks_reused)
        self.assertEqual(13, self.sweep(live).set_aside)
        # It restores at once, and after the rescue.
        self.assertRestores('b', self.source.data)
        self.assertTrue(self.repository.verify(all_bytes=True).ok)
        self.later(10 * GRACE)
        self.assertEqual(13, self.prune().rescued)
        self.assertEqual(10, self.chunks())
        self.assertRestores('b', self.source.data)

    def test_found_before_and_recorded_after(self):
        """Sweep stands between a backup's look and its journal."""
        self.backup(self.source, 'a')
        self.repository.delete('a')
        self.later()
        live = self.mark()
        original = self.memory.put
        swept = []

        def put(name, parts):
            if name.startswith('.store/journals/b/0') and not swept:
                swept.append(self.sweep(live))
            original(name, parts)

        self.memory.put = put
        self.backup(self.source, 'b')
        self.assertGreater(swept[0].set_aside, 0)
        self.later()
        self.assertGreater(self.prune().rescued, 0)
        self.assertEqual([], self.names('.store/doomed/'))
        self.assertRestores('b', self.source.data)
        self.assertTrue(self.repository.verify(all_bytes=True).ok)

    def test_a_worker_that_stood_still(self):
        """Both looks of prune pass before the journal is written."""
        self.backup(self.source, 'a')
        self.repository.delete('a')
        self.repository.settings = dataclasses.replace(
            store_base.SMALL, prune_grace=0)
        original = chunks.ChunkStore.put

        def put(store, digest, plain):
            stored = original(store, digest, plain)
            self.memory.delete(names.chunk(digest))
            return stored

        with fixtures.MonkeyPatch(
                'blockstore.backup.store.chunks.ChunkStore.put', put):
            error = self.assertRaises(exceptions.StoreError, self.backup,
                                      self.source, 'b')
        self.assertIn('stood still', error.message)
        self.assertEqual([], self.names('.store/journals/b/0'))
        self.backup(self.source, 'b')
        self.assertRestores('b', self.source.data)

    def test_committed_while_prune_marks(self):
        original = self.memory.list
        made = []

        def listing(prefix='', after=''):
            found = list(original(prefix, after))
            if prefix == names.JOURNALS and not made:
                # After the manifests and the journals were listed.
                made.append(1)
                self.backup(self.source, 'b')
            return iter(found)

        self.memory.list = listing
        live = self.mark()
        self.memory.list = original
        self.later()
        self.assertEqual(0, self.sweep(live).set_aside)

    def test_unreadable_manifest(self):
        self.backup(self.source, 'a')
        self.backup(self.volume(3), 'b')
        self.repository.delete('b')
        data, when = self.memory.objects['daily/a']
        self.memory.objects['daily/a'] = (data[:-1], when)
        self.later()
        before = self.names()
        self.assertRaises(exceptions.StoreObjectDamaged, self.prune)
        self.assertEqual(before, self.names())

    def test_missing_segment(self):
        self.backup(self.source, 'a')
        self.memory.delete(self.names('.store/segments/')[0])
        self.later()
        before = self.names()
        self.assertRaises(exceptions.StoreObjectDamaged, self.prune)
        self.assertEqual(before, self.names())

    def test_two_at_once(self):
        self.backup(self.source, 'a')
        self.repository.delete('a')
        self.later()
        first, second = self.mark(), self.mark()
        self.assertEqual(13, self.sweep(first).set_aside)
        self.assertEqual(0, self.sweep(second).set_aside)
        self.later()
        self.assertEqual(13, self.sweep(first).deleted)
        self.assertEqual(0, self.sweep(second).deleted)

    def test_marks(self):
        marks = prune.Marks()
        some = [self.chance.randbytes(32) for _ in range(1000)]
        for digest in some[:500]:
            marks.add(digest)
        self.assertEqual([True] * 500 + [False] * 500,
                         [digest in marks for digest in some])

    def test_time_is_the_stores(self):
        self.assertEqual(timeutils.utcnow(), self.memory.now())


class VerifyTest(store_base.StoreTestCase):

    def setUp(self):
        super().setUp()
        self.source = self.volume(10)
        self.backup(self.source, 'good')
        other = self.volume(10)
        other.write(0, bytes(self.source.data[:CHUNK]))
        self.before = set(self.names())
        self.backup(other, 'bad')
        self.fresh = sorted(set(self.names()) - self.before)

    def pick(self, prefix):
        """Name an object that only the second backup has."""
        return next(name for name in self.fresh if name.startswith(prefix))

    def damage(self, name):
        data, when = self.memory.objects[name]
        self.memory.objects[name] = (data[:-1] + bytes([data[-1] ^ 1]), when)

    def test_all_is_well(self):
        for all_bytes in (False, True):
            report = self.repository.verify(all_bytes=all_bytes)
            self.assertTrue(report.ok)
            self.assertEqual((2, 19, 0, []), (
                report.backups, report.chunks, report.orphans,
                report.unfinished))
            self.assertEqual(19 * CHUNK * all_bytes, report.bytes_read)

    def test_missing_chunk(self):
        name = self.pick('.store/chunks/')
        self.memory.delete(name)
        for all_bytes in (False, True):
            report = self.repository.verify(all_bytes=all_bytes)
            self.assertEqual(([name], ['daily/bad'], {}), (
                report.missing, report.affected, report.damaged))

    def test_damaged_chunk(self):
        name = self.pick('.store/chunks/')
        self.damage(name)
        self.assertTrue(self.repository.verify().ok)
        report = self.repository.verify(all_bytes=True)
        self.assertEqual(([name], ['daily/bad'], []), (
            list(report.damaged), report.affected, report.missing))

    def test_damaged_and_missing_segments(self):
        name = self.pick('.store/segments/')
        self.damage(name)
        report = self.repository.verify()
        self.assertEqual(([name], ['daily/bad']),
                         (list(report.damaged), report.affected))
        self.memory.delete(name)
        report = self.repository.verify()
        self.assertEqual(([name], ['daily/bad']),
                         (report.missing, report.affected))

    def test_damaged_manifest(self):
        self.damage('daily/bad')
        report = self.repository.verify()
        self.assertEqual((['daily/bad'], ['daily/bad'], 1), (
            list(report.damaged), report.affected, report.backups))
        self.assertEqual(['good'], [
            record.id for record in self.repository.catalogue()])

    def test_orphans_and_unfinished(self):
        self.repository.delete('bad')
        journal.Journal(self.memory, self.repository.layout, 'cut').begin(
            journal.Start(store_base.header('cut'), CHUNK))
        report = self.repository.verify()
        self.assertTrue(report.ok)
        self.assertEqual((12, ['cut']),
                         (report.orphans, report.unfinished))
