"""The clock of a host that jumps while its daemons work.

What a daemon holds, it goes on holding: no operation is taken over, none is
done twice, and nobody counts as down.  See ``clock/sitecustomize.py``.
"""

import datetime
import os
import pathlib
import re

from oslo_utils import timeutils

from blockstore.tests.integration import faults
from blockstore.tests.integration import servers

SIZE = 6
HOUR = 3600
CLOCK = pathlib.Path(__file__).parent / 'clock'


class JumpTest(faults.FaultTest):
    """An hour forth, and two back, in the middle of a backup."""

    server = servers.MARIADB

    def set(self, clock: pathlib.Path, seconds: int) -> None:
        """Let all clocks be wrong by so many seconds, from one look on."""
        fresh = clock.with_suffix('.new')
        fresh.write_text(str(seconds), encoding='ascii')
        os.replace(fresh, clock)

    def check_that_it_jumped(self) -> None:
        """Assert that who has copied believes that the time is another."""
        words = ''.join(self.fleet[name].log.read_text(encoding='utf-8')
                        for name in ('backup@node1', 'backup@node2'))
        # Logs tell the time of the place where they are written.
        local = datetime.datetime.fromtimestamp(
            timeutils.utcnow_ts(microsecond=True))
        hours = {round((datetime.datetime.fromisoformat(stamp)
                        - local).total_seconds() / HOUR)
                 for stamp in re.findall(r'^\d{4}-\S+ [\d:.]+', words,
                                         re.MULTILINE)}
        self.assertEqual({0, -1}, hours - {1})

    def test_while_a_backup_copies(self) -> None:
        clock = self.directory() / 'clock'
        self.set(clock, 0)
        self.start_fleet(
            ('volume', 'node1'), ('backup', 'node1'), ('backup', 'node2'),
            options={('backup', 'read_bandwidth'): faults.MIB // 2,
                     ('service', 'service_down_time'): 60},
            environment={'PYTHONPATH': str(CLOCK),
                         'BLOCKSTORE_CLOCK': str(clock)})
        volume, data, _ = self.written(SIZE)
        backup = self.fleet.request('POST', 'backups', {'backup': {
            'volume_id': volume, 'force': True}})['backup']['id']
        for jump in (HOUR, -HOUR):
            done = self.await_copy('backup.create')['bytes_done']
            self.set(clock, jump)
            self.await_that(lambda done=done: self.checks.rows(
                'operations', f"bytes_done > {done} OR state = 'done'"),
                'the copy stands still')
        self.fleet.wait('backups', backup)
        self.check_that_it_jumped()
        self.assertEqual({1}, {row['attempt'] for row in self.checks.rows(
            'operations', '1 = 1')})
        self.assertEqual({'up'}, set(self.fleet.states().values()))
        self.assertEqual(data, self.restored(backup, len(data)))
        self.settle()
