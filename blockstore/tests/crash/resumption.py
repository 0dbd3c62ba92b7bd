"""A backup that is cut off in its copy goes on where it stopped."""

import json

from blockstore.backup.store import names
from blockstore.tests.crash import backups
from blockstore.tests.crash import base
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
