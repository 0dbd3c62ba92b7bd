"""What is cut off goes on where it stopped, however often that happens."""

import json

from blockstore.backup.store import names
from blockstore.tests.crash import backups
from blockstore.tests.crash import base
from blockstore.tests.crash import crossings
from blockstore.tests.crash import process
from blockstore.tests.crash import scene
from blockstore.tests.crash.crossings import Crossing

# What a client has written, and the block of the writer behind it.
CHUNKS = scene.SPAN // process.CHUNK + 1


class ResumptionTest(base.CrashTest):
    """Counts reads and puts after a kill in the middle of the copy."""

    def test_goes_on(self):
        act = backups.MakeBackup()
        stage = self.stage()
        # The store is set up by the first backup in it.
        stage.remove('backups', stage.make_backup())
        self.assertEqual([], stage.checks.pruned())
        act.prepare(stage)
        # What the operation's own thread puts: the start of the journal,
        # and then each time that two or more chunks have been stored.
        stage.service.arm(
            Crossing('backup-operation', 'store', 'put', 'after', 2))
        answer = act.ask(stage)
        stage.await_end()
        self.assertTrue(stage.service.was_killed())
        there = stage.checks.chunk_files()
        journaled = self.journaled(stage)
        self.assertLessEqual(2, journaled)
        self.assertLess(journaled, CHUNKS)
        self.assertLessEqual(journaled, len(there))

        stage.service.revive()
        stage.settle()
        act.check(stage, answer)

        operation, = stage.checks.rows(
            'operations', "kind = 'backup.create' AND attempt > 1")
        facts = json.loads(operation['facts'])
        self.assertEqual((2, 'done'),
                         (operation['attempt'], operation['state']))
        self.assertEqual(journaled * process.CHUNK, facts['bytes_resumed'])
        # Of the last chunk only the clusters that the writer has filled.
        left = CHUNKS - journaled
        self.assertGreaterEqual(left * process.CHUNK, facts['bytes_read'])
        self.assertLess((left - 1) * process.CHUNK, facts['bytes_read'])
        after = stage.checks.chunk_files()
        self.assertEqual(CHUNKS, len(after))
        self.assertEqual(there, {name: after[name] for name in there})
        written = [crossing for crossing in stage.service.crossings()
                   if crossing[:4] == ('store-chunk', 'store', 'put',
                                       'after')]
        self.assertEqual(CHUNKS - len(there), len(written))

    def test_is_not_copied_again_when_it_was_cut_off_later(self):
        act = backups.MakeBackup()
        stage = self.stage()
        act.prepare(stage)
        stage.service.arm(Crossing('ThreadPoolExecutor', 'driver',
                                   'terminate_connection_snapshot',
                                   'before', 1))
        answer = act.ask(stage)
        stage.await_end()
        self.assertTrue(stage.service.was_killed())
        stage.service.revive()
        stage.settle()
        act.check(stage, answer)
        self.assertEqual([], [
            str(crossing) for crossing in stage.service.crossings()
            if crossing.kind == 'store'])

    def journaled(self, stage):
        """Return of how many chunks the journal tells."""
        id_, = stage.checks.repository.unfinished()
        written = stage.service.store / names.journal(id_)
        first, _, count = max(path.name for path in written.iterdir()
                              if '-' in path.name).partition('-')
        return int(first, 16) + int(count, 16)


class TwiceTest(base.CrashTest):
    """What goes on after a death dies again, and once more when it goes on.

    The first death is in the middle of the work.  What is struck are the
    crossings of whoever takes it up.
    """

    STRIDE = 6

    def record(self, act):
        """Return the crossings of the one that takes the work up."""
        working = [crossing for crossing in crossings.worth_striking(
            super().record(act)) if crossing.role == 'backup-operation']
        self.first = working[len(working) // 2]
        stage = self._stage
        act.prepare(stage)
        answer = self.ask_and_die(act, self.first)
        self.assertTrue(stage.service.was_killed())
        stage.service.revive()
        stage.await_end()
        stage.service.disarm()
        self.look(act, answer)
        # The API has work to do as well: it is asked for the quota.
        return [crossing for crossing in stage.service.crossings()
                if crossing.role != 'waitress']

    def strike(self, act, target):
        """Let the work die once, and who takes it up at a crossing, twice."""
        stage = self._stage
        act.prepare(stage)
        answer = self.ask_and_die(act, self.first)
        for _ in range(2):
            stage.service.revive(target)
            stage.await_end()
        stage.service.revive()
        self.look(act, answer)


class BackupTwiceTest(TwiceTest):
    """backup.create."""

    def test_every_boundary(self):
        self.strike_everywhere(backups.MakeBackup())


class RestoreTwiceTest(TwiceTest):
    """backup.restore."""

    def test_every_boundary(self):
        self.strike_everywhere(backups.Restore())
