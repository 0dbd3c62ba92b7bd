"""Separate daemons, one of which dies at a boundary that it crosses.

The acts are those of one process.  All are played by one fleet: only the
daemon that was killed is started again.  In each act each kind of thread of
each daemon dies in the middle of its work, and those that work on operations
die at their end, too (:func:`.crossings.few`).  That every place is survived,
the tests with one process show; here it counts who waits for whom.
"""

import contextlib
import typing

import sqlalchemy as sa

from blockstore.tests.crash import attachments
from blockstore.tests.crash import backups
from blockstore.tests.crash import base
from blockstore.tests.crash import cancellations
from blockstore.tests.crash import crossings
from blockstore.tests.crash import process
from blockstore.tests.crash import replacements
from blockstore.tests.crash import scene
from blockstore.tests.crash import separate
from blockstore.tests.crash import snapshots
from blockstore.tests.crash import volumes
from blockstore.tests.integration import fleet
from blockstore.tests.integration import servers


class FleetTest(base.CrashTest):
    """One fleet over RabbitMQ and MariaDB, for all tests of a class."""

    # Whoever waits for an answer notices first that it does not come.
    PROMISE = scene.PROMISE + separate.SILENCE + process.LEASE
    OPTIONS: typing.ClassVar = {}
    _kept: typing.ClassVar[scene.Scene | None] = None
    _stack: typing.ClassVar = contextlib.ExitStack()

    def setUp(self):
        super().setUp()
        if missing := fleet.Fleet.missing():
            self.skipTest(missing)

    @classmethod
    def tearDownClass(cls):
        cls._discard()
        super().tearDownClass()

    def stage(self, attached=True):
        """Return the one scene, as the act needs it."""
        if self._kept is None:
            type(self)._kept = self._build()
        self._stage = self._kept
        if attached and self._stage.client is None:
            self._stage.attach()
        elif not attached and self._stage.client is not None:
            self._stage.detach()
        return self._stage

    def _build(self):
        try:
            database = self._stack.enter_context(
                servers.fresh(servers.MARIADB))
        except sa.exc.OperationalError as error:
            self.skipTest(f'no MariaDB: {error}')
        service = separate.Separate(database, self.OPTIONS)
        try:
            built = scene.Scene(service)
        except BaseException:
            service.end()
            raise
        self._stack.callback(built.close)
        return built

    @classmethod
    def _discard(cls):
        cls._kept = None
        cls._stack.close()

    def _end(self):
        """Nothing: it is kept for the next act."""

    def choose(self, recorded):
        """Return a death or two of each kind of thread."""
        return crossings.few(recorded)

    def strike_everywhere(self, act, strike=None):
        """Strike an act, and trust the scene no more if that fails."""
        try:
            super().strike_everywhere(act, strike)
        except BaseException:
            self._discard()
            raise


class DaemonsTest(FleetTest):
    """The acts."""

    def test_create_volume(self):
        self.strike_everywhere(volumes.CreateVolume())

    def test_clone_volume(self):
        self.strike_everywhere(volumes.CloneVolume())

    def test_extend_volume(self):
        self.strike_everywhere(volumes.ExtendVolume())

    def test_delete_volume(self):
        self.strike_everywhere(volumes.DeleteVolume())

    def test_take_snapshot(self):
        self.strike_everywhere(snapshots.TakeSnapshot())

    def test_delete_snapshot(self):
        self.strike_everywhere(snapshots.DeleteSnapshot())

    def test_backup_in_use(self):
        self.strike_everywhere(backups.MakeBackup())

    def test_incremental_backup(self):
        self.strike_everywhere(backups.MakeIncrementalBackup())

    def test_backup_of_available(self):
        self.strike_everywhere(backups.MakeBackupOfAvailable())

    def test_delete_backup(self):
        self.strike_everywhere(backups.DeleteBackup())

    def test_restore(self):
        self.strike_everywhere(backups.Restore())

    def test_restore_in_place(self):
        self.strike_everywhere(replacements.RestoreInPlace())

    def test_revert(self):
        self.strike_everywhere(replacements.Revert())

    def test_attach(self):
        self.strike_everywhere(attachments.Attach())

    def test_attach_at_once(self):
        self.strike_everywhere(attachments.AttachAtOnce())

    def test_detach(self):
        self.strike_everywhere(attachments.Detach())

    def test_older_calls(self):
        self.strike_everywhere(attachments.OlderCalls())


class SlowDaemonsTest(FleetTest):
    """Those that are slow on purpose."""

    OPTIONS = cancellations.OPTIONS
    PROMISE = FleetTest.PROMISE + 2 * cancellations.COPY

    def test_cancel_backup(self):
        self.strike_everywhere(cancellations.Cancel())
