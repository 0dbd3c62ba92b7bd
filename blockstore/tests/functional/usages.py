"""What a project uses is the sum over its rows, and is looked after."""

import contextlib
import io

import fixtures
import sqlalchemy as sa

from blockstore.cmd import assembly
from blockstore.cmd import manage
from blockstore.db import models
from blockstore.db import rows
from blockstore.db import usage
from blockstore.lifecycle import usages
from blockstore.tests.unit.api import base

TYPE = '00000000-0000-4000-8000-00000000000a'


class UsageTest(base.ApiTestCase):
    """One project with volumes, snapshots and a type."""

    def setUp(self):
        super().setUp()
        self.volume_id = self.make_volume(size=3, volume_type_id=TYPE)
        self.snapshot_id = self.make_snapshot(self.volume_id)
        self.make_volume()

    def of_project(self):
        """Return what it uses; it is the sum over its rows."""
        with self.database.read() as tx:
            kept = usage.of_project(tx, base.PROJECT)
            self.assertEqual(usage.summed(tx, base.PROJECT), kept)
        return kept

    def soft_delete(self, model, id_):
        with self.database.write() as tx:
            rows.soft_delete(tx, model, id_)

    def spoil(self):
        """Change a usage by hand."""
        with self.database.write() as tx:
            tx.execute(sa.update(rows.table(models.QuotaUsage)).values(
                number=7))

    def test_rows_come_change_and_go(self):
        self.assertEqual((1, 3), self.of_project()['volumes', TYPE])
        self.assertEqual((1, 1), self.of_project()['volumes', ''])
        self.change(models.Volume, self.volume_id, size=5)
        self.assertEqual((1, 5), self.of_project()['volumes', TYPE])
        self.change(models.Volume, self.volume_id, volume_type_id=None)
        self.assertEqual((2, 6), self.of_project()['volumes', ''])
        self.change(models.Volume, self.volume_id, use_quota=False)
        self.assertEqual((1, 1), self.of_project()['volumes', ''])
        for _ in range(2):
            self.soft_delete(models.Volume, self.volume_id)
            self.assertEqual((1, 1), self.of_project()['volumes', ''])
        for _ in range(2):
            self.soft_delete(models.Snapshot, self.snapshot_id)
        self.assertEqual({'volumes'}, {
            resource for resource, _ in self.of_project()})

    def test_what_is_undone_was_never_used(self):
        before = self.of_project()
        with contextlib.suppress(RuntimeError), (
                self.database.write()) as tx:
            rows.soft_delete(tx, models.Volume, self.volume_id)
            raise RuntimeError
        self.assertEqual(before, self.of_project())

    def test_a_change_that_does_not_come_about(self):
        before = self.of_project()
        table = rows.table(models.Volume)
        with self.database.write() as tx:
            self.assertFalse(rows.update(
                tx, models.Volume, self.volume_id, {'size': 9},
                table.c.status == 'error'))
        self.assertEqual(before, self.of_project())

    def test_audit(self):
        before = self.of_project()
        audit = usages.Audit(self.database)
        self.assertFalse(audit.look())
        self.spoil()
        # The end, and the first one again.
        self.assertEqual([False, True], [audit.look(), audit.look()])
        self.assertEqual(before, self.of_project())

    def test_command(self):
        self.spoil()
        self.useFixture(fixtures.MockPatchObject(
            assembly, 'database', lambda conf: self.database))
        said = []
        for _ in range(2):
            with contextlib.redirect_stdout(io.StringIO()) as out:
                self.assertEqual(0, manage.main(['quota', 'sync']))
            said.append(out.getvalue().splitlines())
        self.assertEqual([[f'{base.PROJECT}: mended',
                           '1 projects, 1 mended'],
                          ['1 projects, 0 mended']], said)
        self.of_project()
