"""The crash harness on LVM: the service dies at step boundaries.

LVM's own programs go on when the service that started them dies, as they do
on any machine.
"""

from blockstore.tests.crash import base
from blockstore.tests.crash import scene
from blockstore.tests.crash import snapshots
from blockstore.tests.lvm import real
from blockstore.tests.lvm import service


class LvmCrashTest(real.VolumeGroup, base.CrashTest):
    """Strikes acts of a service whose volumes are in the group."""

    # A guest starts programs slowly: what counts is that all gets well.
    PROMISE = 10 * scene.PROMISE
    PROGRAMS = ()

    def make_service(self):
        return service.service(self._directory)


class TakeSnapshotTest(LvmCrashTest):
    """snapshot.create."""

    STRIDE = 2

    def test_every_boundary(self):
        self.strike_everywhere(snapshots.TakeSnapshot())


class DeleteSnapshotTest(LvmCrashTest):
    """snapshot.delete."""

    FIRST, STRIDE = 1, 3

    def test_every_boundary(self):
        self.strike_everywhere(snapshots.DeleteSnapshot())
