"""Taking over and letting go while the service dies."""

import os
import pathlib

from blockstore.tests.crash import backends
from blockstore.tests.crash import base
from blockstore.tests.crash import scene


def listed(stage, noun):
    """Return what could be managed on the back end."""
    backend, = stage.service.backends
    found = stage.must('GET', f'manageable_{noun}?host={backend.name}')
    return [entry for entry in found[f'manageable-{noun}']
            if entry['safe_to_manage']]


def manage_volume(stage, reference):
    """Ask for a volume to be managed; return the answer."""
    backend, = stage.service.backends
    return stage.service.request('POST', 'manageable_volumes', {'volume': {
        'host': backend.name, 'ref': reference}})


def manage_snapshot(stage, reference):
    """Ask for a snapshot to be managed; return the answer."""
    return stage.service.request(
        'POST', 'os-snapshot-manage', {'snapshot': {
            'volume_id': stage.volume_id, 'ref': reference}})


def take_back(stage, noun, ask):
    """Manage all that nobody manages, and remove it."""
    for entry in listed(stage, noun):
        answer = ask(stage, entry['reference'])
        if answer.status != 202:
            raise AssertionError(f'{entry} cannot be managed: {answer}')
        id_ = answer.json[noun.removesuffix('s')]['id']
        stage.await_status(noun, id_, 'available')
        stage.remove(noun, id_)


class ManageVolume(base.Act):
    """A raw file becomes a volume."""

    def prepare(self, stage):
        backend, = stage.service.backends
        self.file = (pathlib.Path(backend.images)
                     / f'{backends.FOREIGN}{os.urandom(4).hex()}.raw')
        self.data = os.urandom(scene.SPAN)
        with open(self.file, 'wb') as target:
            target.write(self.data)
            target.truncate(scene.GIB)

    def ask(self, stage):
        return manage_volume(stage, {'source-name': self.file.name,
                                     'format': 'raw'})

    def check(self, stage, answer):
        made = [row for row in stage.checks.rows('volumes')
                if row['id'] != stage.volume_id]
        base.expect_one(made, answer, 'volume')
        for row in made:
            base.expect_status(row, 'available')
            if self.file.exists():
                raise AssertionError('taken over, and still there')
            if stage.volume_bytes(row['id'])[:scene.SPAN] != self.data:
                raise AssertionError('other bytes')
        if not made and self.file.read_bytes()[:scene.SPAN] != self.data:
            raise AssertionError('not taken over, but changed')

    def clean(self, stage):
        for id_ in stage.checks.ids('volumes') - {stage.volume_id}:
            stage.remove('volumes', id_)
        self.file.unlink(missing_ok=True)


class UnmanageVolume(base.Act):
    """A volume is let go, and taken back."""

    def prepare(self, stage):
        self.volume_id = stage.make_volume()

    def ask(self, stage):
        return stage.service.request(
            'POST', f'volumes/{self.volume_id}/action', {'os-unmanage': {}})

    def check(self, stage, answer):
        left = stage.checks.rows(
            'volumes', f"id = '{self.volume_id}' AND NOT deleted")
        for row in left:
            base.expect_untouched(row, answer, 'available')
        if len(listed(stage, 'volumes')) != (not left):
            raise AssertionError('what was let go is not there')

    def clean(self, stage):
        for id_ in stage.checks.ids('volumes') - {stage.volume_id}:
            stage.remove('volumes', id_)
        take_back(stage, 'volumes', manage_volume)


class UnmanageSnapshot(base.Act):
    """A snapshot of a volume in use is let go, and taken back."""

    def prepare(self, stage):
        self.snapshot_id = stage.make_snapshot()

    def ask(self, stage):
        return stage.service.request(
            'POST', f'os-snapshot-manage/{self.snapshot_id}/action',
            {'os-unmanage': {}})

    def check(self, stage, answer):
        left = stage.checks.rows('snapshots')
        for row in left:
            base.expect_untouched(row, answer, 'available')
        if len(listed(stage, 'snapshots')) != (not left):
            raise AssertionError('what was let go is not there')

    def clean(self, stage):
        for id_ in stage.checks.ids('snapshots'):
            stage.remove('snapshots', id_)
        take_back(stage, 'snapshots', manage_snapshot)


class ManageSnapshot(base.Act):
    """A frozen layer becomes a snapshot."""

    def prepare(self, stage):
        stage.write()
        id_ = stage.make_snapshot()
        stage.must('POST', f'snapshots/{id_}/action', {'os-unmanage': {}})
        stage.await_end()
        entry, = listed(stage, 'snapshots')
        self.reference = entry['reference']

    def ask(self, stage):
        return manage_snapshot(stage, self.reference)

    def check(self, stage, answer):
        made = stage.checks.rows('snapshots')
        base.expect_one(made, answer, 'snapshot')
        for row in made:
            base.expect_status(row, 'available')
            stage.same(stage.snapshot_bytes(row['id']), 'the snapshot')

    def clean(self, stage):
        UnmanageSnapshot.clean(self, stage)


class ManageVolumeTest(base.CrashTest):
    """volume.manage, scheduled."""

    STRIDE = 2

    def test_every_boundary(self):
        self.strike_everywhere(ManageVolume())


class UnmanageVolumeTest(base.CrashTest):
    """volume.unmanage."""

    STRIDE = 2

    def test_every_boundary(self):
        self.strike_everywhere(UnmanageVolume())


class ManageSnapshotTest(base.CrashTest):
    """snapshot.manage of a volume in use, scheduled."""

    STRIDE = 2

    def test_every_boundary(self):
        self.strike_everywhere(ManageSnapshot())


class UnmanageSnapshotTest(base.CrashTest):
    """snapshot.unmanage of a volume in use."""

    STRIDE = 2

    def test_every_boundary(self):
        self.strike_everywhere(UnmanageSnapshot())
