"""The crash harness on LVM: the service dies at step boundaries.

LVM's own programs go on when the service that started them dies, as they do
on any machine.
"""

import os

from blockstore.tests.crash import backends
from blockstore.tests.crash import base
from blockstore.tests.crash import managed
from blockstore.tests.crash import scene
from blockstore.tests.crash import snapshots
from blockstore.tests.lvm import real
from blockstore.tests.lvm import service


class ManageVolume(base.Act):
    """A logical volume that somebody made becomes a volume."""

    def prepare(self, stage):
        self.name = f'{backends.FOREIGN}{os.urandom(4).hex()}'
        self.data = os.urandom(scene.SPAN)
        real.lv('lvcreate', '-V', '1G', '-n', self.name, '--thinpool',
                real.POOL, real.GROUP)
        with open(f'/dev/{real.GROUP}/{self.name}', 'wb') as device:
            device.write(self.data)
            device.flush()
            os.fsync(device.fileno())

    def ask(self, stage):
        return managed.manage_volume(stage, {'source-name': self.name})

    def check(self, stage, answer):
        made = [row for row in stage.checks.rows('volumes')
                if row['id'] != stage.volume_id]
        base.expect_one(made, answer, 'volume')
        for row in made:
            base.expect_status(row, 'available')
            if stage.volume_bytes(row['id'])[:scene.SPAN] != self.data:
                raise AssertionError('other bytes')
        if (self.name in real.names()) != (not made):
            raise AssertionError(f'{self.name} is there, or not: {made}')

    def clean(self, stage):
        for id_ in stage.checks.ids('volumes') - {stage.volume_id}:
            stage.remove('volumes', id_)
        if self.name in real.names():
            real.lv('lvremove', '-f', f'{real.GROUP}/{self.name}')


class LvmCrashTest(real.VolumeGroup, base.CrashTest):
    """Strikes acts of a service whose volumes are in the group."""

    # A guest starts programs slowly: what counts is that all gets well.
    PROMISE = 10 * scene.PROMISE
    PROGRAMS = ()
    STRIDE = 10

    def make_service(self):
        real.spoil()
        real.empty()
        return service.service(self._directory)


class TakeSnapshotTest(LvmCrashTest):
    """snapshot.create."""

    STRIDE = 8

    def test_every_boundary(self):
        self.strike_everywhere(snapshots.TakeSnapshot())


class DeleteSnapshotTest(LvmCrashTest):
    """snapshot.delete."""

    FIRST = 1

    def test_every_boundary(self):
        self.strike_everywhere(snapshots.DeleteSnapshot())


class ManageVolumeTest(LvmCrashTest):
    """volume.manage."""

    def test_every_boundary(self):
        self.strike_everywhere(ManageVolume())


class ManageSnapshotTest(LvmCrashTest):
    """snapshot.manage of a volume in use."""

    def test_every_boundary(self):
        self.strike_everywhere(managed.ManageSnapshot())


class UnmanageSnapshotTest(LvmCrashTest):
    """snapshot.unmanage of a volume in use."""

    FIRST = 1

    def test_every_boundary(self):
        self.strike_everywhere(managed.UnmanageSnapshot())


class UnmanageVolumeTest(LvmCrashTest):
    """volume.unmanage."""

    FIRST = 2

    def test_every_boundary(self):
        self.strike_everywhere(managed.UnmanageVolume())
