"""Strikes an act at every step boundary, and looks at what is left.

An :class:`Act` is one operation on a :class:`~.scene.Scene`.  It is recorded
once; then, for each of its crossings, it is asked for again, the real process
dies there by SIGKILL, a new one starts, and within two lease times (of ten
strikes one may be later: a machine can have a bad moment)

* the act is finished, or was never asked for (no answer, and no trace), or
  has ended in an error with a reason where the act allows that;
* :meth:`.checks.Checks.problems` finds nothing;
* the client of the volume, connected all the time, finds its bytes.

Then what the act made is removed, and nothing at all may be left of it.

``BLOCKSTORE_CRASH_ALL=1`` strikes really everywhere.  Without it the rules of
:func:`.crossings.worth_striking` leave out what would show nothing new, and
acts that have most of their steps in common with another one are struck at
every ``STRIDE``-th crossing only.
``BLOCKSTORE_CRASH_ONLY`` is a regular expression for the crossings to strike.
"""

import os
import pathlib
import re
import shutil
import tempfile

import testtools

from blockstore import exceptions
from blockstore.tests import rest
from blockstore.tests.crash import crossings
from blockstore.tests.crash import process
from blockstore.tests.crash import scene

EVERYWHERE = os.environ.get('BLOCKSTORE_CRASH_ALL') == '1'
ONLY = re.compile(os.environ.get('BLOCKSTORE_CRASH_ONLY', ''))


class Act:
    """One operation; subclasses say what it is and how it ends.

    :cvar attached: whether the volume has a client.
    """

    attached = True

    def prepare(self, stage):
        """Make what the operation needs; not struck."""

    def ask(self, stage):
        """Send the request; return the answer."""
        raise NotImplementedError

    def come_back(self, stage):
        """What a client does that got no answer; before it is looked at."""

    def check(self, stage, answer):
        """Raise AssertionError unless it is finished, or never began.

        :param answer: None when the process died before it answered.
        """
        raise NotImplementedError

    def clean(self, stage):
        """Remove all that was made."""


class CrashTest(testtools.TestCase):
    """Strikes an act at every ``STRIDE``-th crossing, from ``FIRST`` on."""

    BACKEND = ''
    BACKUP = ''
    PROGRAMS = ('qemu-storage-daemon', 'qemu-img')
    FIRST, STRIDE = 0, 1
    PROMISE = scene.PROMISE

    def setUp(self):
        super().setUp()
        for program in self.PROGRAMS:
            if shutil.which(program) is None:
                self.skipTest(f'{program} is not installed')
        self._stage = None
        self.addCleanup(self._end)

    def stage(self, attached=True):
        """Return a fresh scene; the one before ends."""
        self._end()
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix='bs-'))
        service = self.make_service()
        try:
            self._stage = scene.Scene(service, attached)
        except BaseException:
            service.end()
            raise
        return self._stage

    def _discard(self):
        """Use the scene no more: something in it is not as it should be."""
        self._end()

    def make_service(self):
        """Return the service, with its files in ``_directory``."""
        return process.Service(self._directory, backend=self.BACKEND,
                               backup=self.BACKUP)

    def _end(self):
        if self._stage is not None:
            self._stage.close()
            self._stage = None
            shutil.rmtree(self._directory, ignore_errors=True)

    def strike_everywhere(self, act, strike=None):
        """Strike an act at every crossing, in turn.

        :param strike: how, :meth:`strike` or :meth:`strike_storage`.
        """
        if EVERYWHERE and self.FIRST:
            self.skipTest('the test that begins at 0 strikes all')
        recorded = self.record(act)
        targets = recorded if EVERYWHERE else self.choose(recorded)
        failures, settled = [], []
        for target in targets:
            if not ONLY.search(str(target)):
                continue
            try:
                (strike or self.strike)(act, target)
            except (AssertionError, rest.Broken,
                    exceptions.BlockstoreError) as error:
                failures.append(f'killed at {target}:\n{error}')
                self.addDetail(str(target), testtools.content.text_content(
                    self._stage.service.last_words()))
                settled += self._stage.settled
                self._discard()
                self.stage(act.attached)
        settled += self._stage.settled
        late = [seconds for seconds in settled if seconds > self.PROMISE]
        self.addDetail('counts', testtools.content.text_content(
            f'{len(recorded)} crossings, {len(targets)} struck, '
            f'slowest settling {max(settled, default=0):.1f} s'))
        self.assertEqual([], failures, '\n\n'.join(failures))
        self.assertLessEqual(len(late), max(1, len(targets) // 10), late)

    def choose(self, recorded):
        """Return the crossings to strike, of all that were recorded."""
        return crossings.worth_striking(recorded)[self.FIRST::self.STRIDE]

    def record(self, act):
        """Run an act undisturbed; return its crossings."""
        stage = self.stage(act.attached)
        for _ in range(2):
            # Twice: what is done once in a process's life is done then.
            act.prepare(stage)
            stage.service.arm(None)
            answer = act.ask(stage)
            stage.await_end()
            stage.service.disarm()
            self.look(act, answer)
        recorded = stage.service.crossings()
        self.assertLess(1, len({crossing.role for crossing in recorded}))
        return recorded

    def strike(self, act, target):
        """Ask for an act and let the process die at a crossing."""
        stage = self._stage
        act.prepare(stage)
        answer = self.ask_and_die(act, target)
        stage.service.revive()
        self.look(act, answer)

    def ask_and_die(self, act, target):
        """Ask for an act, and wait for its end; return the answer."""
        stage = self._stage
        stage.service.arm(target)
        try:
            answer = act.ask(stage)
        except rest.Broken:
            answer = None
        stage.await_end()
        return answer

    def strike_storage(self, act, target):
        """Ask for an act and let the storage daemons die at a crossing.

        The service goes on.  The client asks for its connection again, and
        the act may have failed, with a reason.
        """
        stage = self._stage
        act.prepare(stage)
        stage.service.arm(target, 'storage')
        answer = act.ask(stage)
        stage.await_end()
        stage.service.disarm()
        stage.reconnect()
        self.look(act, answer, may_fail=True)

    def look(self, act, answer, may_fail=False):
        """Raise unless all is as it should be, and clean up."""
        stage = self._stage
        act.come_back(stage)
        stage.settle(stage.service.struck_at)
        if not (may_fail and stage.failures()):
            act.check(stage, answer)
        stage.check_client()
        act.clean(stage)
        stage.settle()
        self.assertEqual([], stage.checks.pruned(), 'left in the store')
        self.assertEqual(
            {stage.volume_id}, stage.checks.ids('volumes'))
        for noun in ('snapshots', 'backups'):
            self.assertEqual(set(), stage.checks.ids(noun))


def expect_one(rows, answer, noun):
    """Raise unless one row was made, or none when nobody was told so."""
    if answer is not None and answer.status >= 300:
        raise AssertionError(f'refused: {answer}')
    if len(rows) != 1 and (rows or answer is not None):
        raise AssertionError(f'{len(rows)} rows of a {noun}')
    if answer is not None and answer.json[noun]['id'] != rows[0]['id']:
        raise AssertionError(f'another {noun}: {rows}')


def expect_status(row, wanted):
    """Raise unless a row has a status."""
    if row['status'] != wanted:
        raise AssertionError(
            f'{row["id"]} is {row["status"]} ({row["status_reason"]}) '
            f'instead of {wanted}')


def expect_equal(wanted, found):
    """Raise unless two values are the same."""
    if wanted != found:
        raise AssertionError(f'{found} instead of {wanted}')


def expect_untouched(row, answer, status):
    """Raise if a row is still there although its removal was granted."""
    if answer is not None:
        raise AssertionError(f'{row["id"]} is not deleted: {answer}')
    expect_status(row, status)
