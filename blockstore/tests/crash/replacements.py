"""Volumes whose bytes are replaced by earlier ones while the service dies."""

from blockstore.tests.crash import base


class Replace(base.Act):
    """A volume that nobody uses; it had other bytes before.

    :cvar kind: of the operation that replaces them.
    """

    attached = False
    kind = ''

    def prepare(self, stage):
        stage.rewrite()
        self.keep(stage)
        self.kept = stage.image
        stage.rewrite()

    def keep(self, stage):
        """Keep the bytes that are there now."""
        raise NotImplementedError

    def check(self, stage, answer):
        if answer is not None and answer.status != 202:
            raise AssertionError(f'refused: {answer}')
        volume, = stage.checks.rows('volumes')
        base.expect_status(volume, 'available')
        if answer is not None or self.was_asked(stage):
            stage.image = self.kept
        stage.same(stage.volume_bytes(stage.volume_id), 'the volume')

    def was_asked(self, stage):
        """Tell whether the operation is there; nobody was told so."""
        return bool(stage.checks.rows(
            'operations', f"kind = '{self.kind}' AND resource_id = "
                          f"'{self.resource_id}'"))


class Revert(Replace):
    """A volume goes back to its snapshot."""

    kind = 'volume.revert'

    def keep(self, stage):
        self.snapshot_id = stage.make_snapshot()
        self.resource_id = stage.volume_id
        self.before = self.asked(stage)

    def asked(self, stage):
        """Return how often the volume was asked to go back."""
        return len(stage.checks.rows(
            'operations', f"kind = '{self.kind}'"))

    def was_asked(self, stage):
        return self.asked(stage) > self.before

    def ask(self, stage):
        return stage.service.request(
            'POST', f'volumes/{stage.volume_id}/action',
            {'revert': {'snapshot_id': self.snapshot_id}})

    def clean(self, stage):
        stage.remove('snapshots', self.snapshot_id)


class RestoreInPlace(Replace):
    """A backup fills the volume that it was made of."""

    kind = 'backup.restore'

    def keep(self, stage):
        self.resource_id = stage.make_backup()

    def ask(self, stage):
        return stage.service.request(
            'POST', f'backups/{self.resource_id}/restore',
            {'restore': {'volume_id': stage.volume_id}})

    def check(self, stage, answer):
        super().check(stage, answer)
        backup, = stage.checks.rows('backups')
        base.expect_status(backup, 'available')

    def clean(self, stage):
        stage.remove('backups', self.resource_id)


class RevertTest(base.CrashTest):
    """volume.revert."""

    def test_every_boundary(self):
        self.strike_everywhere(Revert())


class RestoreInPlaceTest(base.CrashTest):
    """backup.restore to a volume that is there."""

    STRIDE = 4

    def test_every_boundary(self):
        self.strike_everywhere(RestoreInPlace())
