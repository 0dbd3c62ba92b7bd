"""Doorbells: a lost one costs seconds, a doubled one costs nothing."""

import time

import fixtures

from blockstore.db import models
from blockstore.db import operations as db
from blockstore.db import rows
from blockstore.rpc import client
from blockstore.tests.functional import base


class DoorbellTest(base.FunctionalTest):
    """What services do with casts, counted at the driver."""

    def operations(self):
        """Return all operations."""
        with self.database.read() as tx:
            return list(tx.execute(
                rows.table(models.Operation).select()))

    def assert_done_once(self):
        """Assert that every operation was taken up once, and is done."""
        limit = time.monotonic() + 60
        while time.monotonic() < limit and any(
                row.state in db.OPEN for row in self.operations()):
            time.sleep(0.01)
        self.assertEqual(
            {('done', 1)}, {(row.state, row.attempt)
                            for row in self.operations()})

    def a_life(self):
        """Do a bit of everything."""
        volume = self.make_volume(1)
        self.attach(volume['id'])
        snapshot = self.make_snapshot(volume['id'], force=True)
        backup = self.make_backup(volume['id'], force=True)
        self.api.delete(self.path(f'snapshots/{snapshot["id"]}'))
        self.wait_gone('snapshots', snapshot['id'])
        self.api.delete(self.path(f'backups/{backup["id"]}'))
        self.wait_gone('backups', backup['id'])


class DroppedTest(DoorbellTest):
    """A broker that delivers no cast at all."""

    def test_everything_is_found(self):
        ring = self.useFixture(fixtures.MockPatchObject(
            client.Client, 'ring')).mock
        self.a_life()
        self.assertLess(5, ring.call_count)
        self.assert_done_once()


class DoubledTest(DoorbellTest):
    """A broker that delivers each cast twice, and once more much later."""

    def test_nothing_is_done_twice(self):
        ring, rung = client.Client.ring, []

        def twice(one, *arguments):
            rung.append((one, arguments))
            ring(one, *arguments)
            ring(one, *arguments)

        self.useFixture(fixtures.MonkeyPatch(
            'blockstore.rpc.client.Client.ring', twice))
        self.a_life()
        for one, arguments in rung:
            ring(one, *arguments)
        self.make_volume(1)
        self.assertLess(5, len(rung))
        self.assert_done_once()
        calls = [call.method for call in self.driver.calls]
        self.assertEqual(2, calls.count('create_volume'))
        self.assertEqual(2, calls.count('create_snapshot'))
