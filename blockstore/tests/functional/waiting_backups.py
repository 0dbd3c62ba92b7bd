"""A backup that waits for its temporary object keeps nobody else waiting."""

import threading
import time
import typing

from blockstore.backup.flows import base as flows
from blockstore.tests.functional import failures


class WaitingTest(failures.FailureTest):
    """One backup may work at a time."""

    OPTIONS: typing.ClassVar[dict[tuple[str, str], typing.Any]] = {
        **failures.FailureTest.OPTIONS, ('backup', 'max_backups'): 1}

    def setUp(self) -> None:
        super().setUp()
        self.patch(flows, '_PATIENCE', 0.0)

    def status(self, id_: str) -> str:
        """Return a backup's status."""
        return str(self.show('backups', id_)['status'])

    def test_another_one_works_meanwhile(self) -> None:
        used, free = self.one(attached=True), self.one(attached=False)
        gate = threading.Event()
        self.addCleanup(gate.set)
        self.driver.faults.hang('create_snapshot', gate)
        waits = self.ask(used, force=True)
        self.wait_for(lambda: any(call.method == 'create_snapshot'
                                  for call in self.driver.calls))
        works = self.ask(free)
        self.wait_status('backups', works, 'available')
        self.assertEqual('creating', self.status(waits))
        gate.set()
        self.wait_status('backups', waits, 'available')

    def test_a_stop_hands_over_who_stands_aside(self) -> None:
        used = self.one(attached=True)
        self.driver.faults.delay('create_snapshot', 3)
        waits = self.ask(used, force=True)
        lane = self.backup_manager.worker._lanes['backup.create']
        self.wait_for(lambda: lane._aside == 1)
        self.backup_manager.stop(time.monotonic() + 60)
        self.assertEqual([], self.backup_manager.worker._keeper.claims())
        self.assertEqual((0, 0), (lane.running, lane._aside))
        self.assertEqual('creating', self.status(waits))
