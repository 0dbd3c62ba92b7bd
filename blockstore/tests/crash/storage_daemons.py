"""Storage daemons that die by SIGKILL while the service works with them.

The service lives on.  What it was doing is finished or has failed with a
reason, the volumes have the same chains, nothing is left over, and the client
that asks for its connection again finds every byte that it had flushed.
"""

from blockstore.tests.crash import backups
from blockstore.tests.crash import base
from blockstore.tests.crash import snapshots


class StorageTest(base.CrashTest):
    """Strikes the daemons instead of the service."""

    STRIDE = 2

    def strike_everywhere(self, act, strike=None):
        """Strike an act at every crossing."""
        super().strike_everywhere(act, strike or self.strike_storage)


class TakeSnapshotTest(StorageTest):
    """snapshot.create."""

    def test_every_boundary(self):
        self.strike_everywhere(snapshots.TakeSnapshot())


class DeleteSnapshotTest(StorageTest):
    """snapshot.delete, with the merge under it."""

    def test_every_boundary(self):
        self.strike_everywhere(snapshots.DeleteSnapshot())


class BackupInUseTest(StorageTest):
    """backup.create through a temporary snapshot."""

    STRIDE = 3

    def test_every_boundary(self):
        self.strike_everywhere(backups.MakeBackup())


class RestoreTest(StorageTest):
    """backup.restore to a new volume."""

    STRIDE = 3

    def test_every_boundary(self):
        self.strike_everywhere(backups.Restore())
