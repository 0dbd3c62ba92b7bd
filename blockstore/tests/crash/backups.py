"""Backups, made, restored and deleted while the service dies."""

from blockstore.tests.crash import base


class MakeBackup(base.Act):
    """A full backup; of a volume in use unless told otherwise."""

    fields = {'force': True}
    status = 'in-use'

    def prepare(self, stage):
        if stage.client is None:
            stage.rewrite()
        else:
            stage.write()
        self.before = set()

    def ask(self, stage):
        return stage.service.request('POST', 'backups', {'backup': {
            'volume_id': stage.volume_id, **self.fields}})

    def check(self, stage, answer):
        made = [row for row in stage.checks.rows('backups')
                if row['id'] not in self.before]
        base.expect_one(made, answer, 'backup')
        for row in made:
            base.expect_status(row, 'available')
            stage.same(stage.backup_bytes(row['id']), 'the backup')
        volume, = stage.checks.rows('volumes')
        base.expect_status(volume, self.status)

    def clean(self, stage):
        for id_ in stage.checks.ids('backups'):
            stage.remove('backups', id_)


class MakeIncrementalBackup(MakeBackup):
    """A backup of what has changed since the one before."""

    fields = {'force': True, 'incremental': True}

    def prepare(self, stage):
        super().prepare(stage)
        self.before = {stage.make_backup()}
        stage.write()


class MakeBackupOfAvailable(MakeBackup):
    """A backup of a volume that nobody uses, read directly."""

    attached = False
    fields = {}
    status = 'available'


class DeleteBackup(base.Act):
    """A backup goes; an earlier one stays whole."""

    def prepare(self, stage):
        stage.write()
        self.kept = stage.make_backup()
        self.image = stage.image
        stage.write()
        self.deleted = stage.make_backup(incremental=True)

    def ask(self, stage):
        return stage.service.request('DELETE', f'backups/{self.deleted}')

    def check(self, stage, answer):
        for row in stage.checks.rows('backups'):
            base.expect_status(row, 'available')
            if row['id'] == self.deleted:
                base.expect_untouched(row, answer, 'available')
                stage.same(stage.backup_bytes(self.deleted), 'the backup')
        now, stage.image = stage.image, self.image
        stage.same(stage.backup_bytes(self.kept), 'the earlier backup')
        stage.image = now

    def clean(self, stage):
        for id_ in stage.checks.ids('backups'):
            stage.remove('backups', id_)


class Restore(base.Act):
    """A backup fills a new volume."""

    def prepare(self, stage):
        stage.write()
        self.backup_id = stage.make_backup()

    def ask(self, stage):
        return stage.service.request(
            'POST', f'backups/{self.backup_id}/restore', {'restore': {}})

    def check(self, stage, answer):
        made = [row for row in stage.checks.rows('volumes')
                if row['id'] != stage.volume_id]
        if answer is not None and answer.status != 202:
            raise AssertionError(f'refused: {answer}')
        if answer is not None and [row['id'] for row in made] != [
                answer.json['restore']['volume_id']]:
            raise AssertionError(f'other volumes: {made}')
        for row in made:
            base.expect_status(row, 'available')
            stage.same(stage.volume_bytes(row['id']), 'the volume')
        backup, = stage.checks.rows('backups')
        base.expect_status(backup, 'available')

    def clean(self, stage):
        for id_ in stage.checks.ids('volumes') - {stage.volume_id}:
            stage.remove('volumes', id_)
        stage.remove('backups', self.backup_id)


class BackupInUseTest(base.CrashTest):
    """backup.create through a temporary snapshot; every other crossing."""

    STRIDE = 2

    def test_every_boundary(self):
        self.strike_everywhere(MakeBackup())


class BackupInUseOtherTest(BackupInUseTest):
    """The crossings between those."""

    FIRST = 1


class BackupThroughVolumeTest(base.CrashTest):
    """backup.create through a temporary volume."""

    BACKEND = 'backup_use_temp_snapshot = false'
    STRIDE = 4

    def test_every_boundary(self):
        self.strike_everywhere(MakeBackup())


class BackupAvailableTest(base.CrashTest):
    """backup.create, read directly."""

    STRIDE = 3

    def test_every_boundary(self):
        self.strike_everywhere(MakeBackupOfAvailable())


class IncrementalBackupTest(base.CrashTest):
    """backup.create with a parent."""

    STRIDE = 3

    def test_every_boundary(self):
        self.strike_everywhere(MakeIncrementalBackup())


class DeleteBackupTest(base.CrashTest):
    """backup.delete."""

    STRIDE = 3

    def test_every_boundary(self):
        self.strike_everywhere(DeleteBackup())


class RestoreTest(base.CrashTest):
    """backup.restore to a new volume."""

    def test_every_boundary(self):
        self.strike_everywhere(Restore())
