"""Backups that are no longer wanted, deleted in the middle of their copy."""

import time

from blockstore.tests.crash import backups
from blockstore.tests.crash import base
from blockstore.tests.crash import scene

#: Seconds of a copy, long enough to be stopped in the middle.
COPY = 2
_RATE = scene.SPAN // COPY
OPTIONS = {('backup', 'read_bandwidth'): _RATE}


class Cancel(backups.MakeBackup):
    """A backup that is being made is deleted by force."""

    def prepare(self, stage):
        super().prepare(stage)
        self.known = stage.checks.ids('backups', '1 = 1')

    def ask(self, stage):
        made = stage.must('POST', 'backups', {'backup': {
            'volume_id': stage.volume_id, **self.fields}})['backup']
        self.await_copy(stage, made['id'])
        return stage.service.request(
            'POST', f'backups/{made["id"]}/action',
            {'os-force_delete': None})

    def await_copy(self, stage, id_):
        """Wait until a backup is being copied, or nobody does that."""
        limit = time.monotonic() + 120
        while not stage.service.dead():
            row, = stage.checks.rows(
                'operations', "kind = 'backup.create' "
                              f"AND resource_id = '{id_}'")
            if row['step'] == 'copy':
                return
            if time.monotonic() > limit:
                raise AssertionError(f'not copied: {row}')
            time.sleep(0.01)

    def check(self, stage, answer):
        for row in stage.checks.rows('backups'):
            base.expect_untouched(row, answer, 'available')
            stage.same(stage.backup_bytes(row['id']), 'the backup')
        volume, = stage.checks.rows('volumes')
        base.expect_status(volume, self.status)
        made = stage.checks.ids('backups', '1 = 1') - self.known
        if len(made) > 1 or (answer is not None and not made):
            raise AssertionError(f'{made} were made')


class CancelTest(base.CrashTest):
    """backup.delete by force, of a backup in creation."""

    BACKUP = f'read_bandwidth = {_RATE}'
    STRIDE = 8
    # One that is killed before the cancellation has all of it to do.
    PROMISE = scene.PROMISE + 2 * COPY

    def test_every_boundary(self):
        self.strike_everywhere(Cancel())
