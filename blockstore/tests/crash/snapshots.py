"""Snapshots, taken and deleted while the service dies."""

from blockstore.tests.crash import base


class TakeSnapshot(base.Act):
    """A snapshot of a volume in use."""

    def ask(self, stage):
        return stage.service.request('POST', 'snapshots', {'snapshot': {
            'volume_id': stage.volume_id, 'force': True}})

    def prepare(self, stage):
        stage.write()

    def check(self, stage, answer):
        made = stage.checks.rows('snapshots')
        base.expect_one(made, answer, 'snapshot')
        for row in made:
            base.expect_status(row, 'available')
            stage.same(stage.snapshot_bytes(row['id']), 'the snapshot')

    def clean(self, stage):
        for id_ in stage.checks.ids('snapshots'):
            stage.remove('snapshots', id_)


class DeleteSnapshot(base.Act):
    """A snapshot goes, and its layer is merged under the client."""

    def prepare(self, stage):
        self.snapshot_id = stage.make_snapshot()
        stage.write()

    def ask(self, stage):
        return stage.service.request('DELETE',
                                     f'snapshots/{self.snapshot_id}')

    def check(self, stage, answer):
        for row in stage.checks.rows('snapshots'):
            base.expect_untouched(row, answer, 'available')

    def clean(self, stage):
        for id_ in stage.checks.ids('snapshots'):
            stage.remove('snapshots', id_)


class TakeSnapshotTest(base.CrashTest):
    """snapshot.create."""

    def test_every_boundary(self):
        self.strike_everywhere(TakeSnapshot())


class DeleteSnapshotTest(base.CrashTest):
    """snapshot.delete."""

    STRIDE = 2

    def test_every_boundary(self):
        self.strike_everywhere(DeleteSnapshot())
