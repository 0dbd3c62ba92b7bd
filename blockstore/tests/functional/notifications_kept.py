"""What was to be told is told, whoever dies before it has told it."""

import pathlib
import signal
import subprocess
import sys
import textwrap
import time
import typing

from oslo_messaging.notify import _impl_test
import sqlalchemy as sa

from blockstore import context as contexts
from blockstore import metrics
from blockstore.conf import CONF
from blockstore.db import models
from blockstore.db import notifications as db
from blockstore.db import rows
from blockstore.lifecycle import events
from blockstore.lifecycle import reaper
from blockstore.notifications import publisher
from blockstore.notifications.backlog import Backlog
from blockstore.notifications.told import Told
from blockstore.tests.functional import base

_T = rows.table(models.Notification)
# Tells of a volume and is killed as soon as that is durable.
_VICTIM = textwrap.dedent("""
    import os, signal, sys
    from blockstore import context
    from blockstore.conf import CONF, register
    from blockstore.db import engine, models, rows
    from blockstore.lifecycle import boundaries, events
    from blockstore.notifications import publisher
    register(CONF)
    publisher._drivers(CONF)
    CONF([], project='blockstore', default_config_files=[])
    CONF.set_override('driver', ['test'], 'oslo_messaging_notifications')
    CONF.set_override('lease', 2.0, 'operations')
    told = publisher.Publisher(CONF)
    database = engine.Database(sys.argv[1])
    told.remember(database)
    boundaries.listen(lambda kind, name, when: (kind, when) == (
        'commit', 'after') and os.kill(os.getpid(), signal.SIGKILL))
    with database.write() as tx:
        rows.insert(tx, models.Volume, id='v', project_id='p', size=3,
                    status='available', host='node1@fast#pool')
        told.tell(tx, events.Event(
            'volume.create.end', 'volume', 'v', context.RequestContext(
                user_id='u', project_id='p', auth_token='secret')))
    """)


class KeptTest(base.FunctionalTest):
    """Looks at the rows, and at what is heard."""

    OPTIONS: typing.ClassVar[dict[tuple[str, str], typing.Any]] = {
        ('oslo_messaging_notifications', 'driver'): ['test']}

    def setUp(self) -> None:
        _impl_test.reset()
        super().setUp()

    def kept(self) -> list[models.Notification]:
        """Return the rows."""
        with self.database.read() as tx:
            return typing.cast('list[models.Notification]', tx.execute(
                sa.select(_T)).all())

    def wait_for(self, condition: typing.Callable[[], bool]) -> None:
        """Wait until something is so."""
        limit = time.monotonic() + 60
        while not condition():
            self.assertTrue(time.monotonic() < limit, 'waited in vain')
            time.sleep(0.02)

    def another(self) -> publisher.Publisher:
        """Return the publisher of another process."""
        made = publisher.Publisher(CONF)
        made.remember(self.database)
        self.addCleanup(lambda: made.stop(time.monotonic() + 10))
        return made


class DeathTest(KeptTest):
    """Between the commit and the sending."""

    def test_another_process_tells_what_a_killed_one_has_not(self) -> None:
        script = pathlib.Path(self.directory) / 'victim.py'
        script.write_text(_VICTIM)
        ended = subprocess.run(
            [sys.executable, str(script),
             f'sqlite:///{self.directory}/blockstore.sqlite'],
            check=False, capture_output=True, text=True)
        self.assertEqual(-signal.SIGKILL, ended.returncode, ended.stderr)
        row, = self.kept()
        self.assertNotIn('secret', repr(row))
        self.assertEqual([], _impl_test.NOTIFICATIONS)
        self.another().start()
        self.wait_for(lambda: not self.kept())
        (_, message, priority, _), = _impl_test.NOTIFICATIONS
        self.assertEqual(
            ('volume.create.end', 'volume.node1@fast', 'INFO', 'v', 3),
            (message['event_type'], message['publisher_id'], priority,
             message['payload']['volume_id'], message['payload']['size']))

    def test_nothing_is_kept_that_was_told(self) -> None:
        volume = self.make_volume(1)
        self.make_snapshot(volume['id'])
        self.wait_for(lambda: not self.kept())
        self.assertEqual(4, len(_impl_test.NOTIFICATIONS))

    def test_all_of_a_transaction_is_kept_by_one_statement(self) -> None:
        written: list[int] = []
        insert = db.insert
        self.patch(db, 'insert', lambda tx, owner, seconds, messages: (
            written.append(len(messages)),
            insert(tx, owner, seconds, messages)))
        volume = self.make_volume(1)
        snapshot = self.make_snapshot(volume['id'])
        del written[:]
        self.api.post(self.path(f'volumes/{volume["id"]}/action'),
                      {'revert': {'snapshot_id': snapshot['id']}})
        self.wait_status('volumes', volume['id'], 'available')
        self.wait_for(lambda: sum(written) == 4)
        # The volume and the snapshot, at the begin and at the end.
        self.assertEqual([2, 2], written)

    def test_what_is_undone_is_not_kept(self) -> None:
        context = contexts.for_service()

        def work() -> None:
            with self.database.write() as tx:
                rows.insert(tx, models.Volume, id='v', project_id='p',
                            size=3, status='available')
                self.publisher.tell(tx, events.Event(
                    'volume.create.end', 'volume', 'v', context))
                tx.before_commit(lambda: self.fail('undone'))

        self.assertRaises(AssertionError, work)
        self.assertEqual(([], []), (self.kept(), _impl_test.NOTIFICATIONS))


class BacklogTest(KeptTest):
    """Who sends what, and when it is given up."""

    def setUp(self) -> None:
        super().setUp()
        self.sent: list[str] = []

    def backlog(self) -> Backlog:
        """Return a backlog whose keeper takes no turns by itself."""
        made = Backlog(
            CONF, self.database, lambda told: self.sent.append(told.id))
        self.patch(made, 'start', lambda: None)
        return made

    def write(self, owner: Backlog, number: int) -> list[Told]:
        """Let a backlog keep some notifications."""
        made = [Told('volume.create.end', 'volume.x', False,
                     contexts.for_service(), {'volume_id': str(one)})
                for one in range(number)]
        with self.database.write() as tx:
            owner.write(tx, made)
        for told in made:
            owner.hold(told)
        return made

    def let_go(self) -> None:
        """Let all leases run out."""
        with self.database.write() as tx:
            tx.execute(sa.update(_T).values(
                held_until=_T.c.created_at))

    def test_what_is_held_is_left_alone(self) -> None:
        self.write(self.backlog(), 3)
        self.backlog().look()
        self.assertEqual([], self.sent)

    def test_each_is_taken_by_one(self) -> None:
        made = self.write(self.backlog(), 3)
        self.let_go()
        for one in (self.backlog(), self.backlog()):
            one.look()
        self.assertEqual([told.id for told in made], self.sent)

    def test_holding_goes_on_while_the_broker_is_away(self) -> None:
        mine = self.backlog()
        self.write(mine, 3)
        self.let_go()
        mine.look()
        self.backlog().look()
        self.assertEqual([], self.sent)

    def test_what_was_refused_is_tried_again_by_anybody(self) -> None:
        mine = self.backlog()
        made = self.write(mine, 3)
        mine.over(made[0].id, True)
        mine.over(made[1].id, False)
        self.let_go()
        mine.look()
        self.assertEqual({told.id for told in made[1:]},
                         {row.id for row in self.kept()})
        self.assertEqual([made[1].id], self.sent)

    def test_the_end_of_a_process_leaves_it_to_others(self) -> None:
        mine = self.backlog()
        made = self.write(mine, 2)
        self.assertEqual(2, mine.stop(time.monotonic() + 10))
        self.backlog().look()
        self.assertEqual([told.id for told in made], self.sent)

    def test_the_oldest_of_too_many_are_given_up(self) -> None:
        before = self.failed('too many')
        self.config.config(group='observability', notification_backlog=3)
        mine = self.backlog()
        made = self.write(mine, 5)
        mine.look()
        self.assertEqual({told.id for told in made[2:]},
                         {row.id for row in self.kept()})
        self.assertEqual(before + 2, self.failed('too many'))

    def test_the_reaper_gives_up_what_is_too_old(self) -> None:
        before = self.failed('too old')
        mine = self.backlog()
        self.write(mine, 2)
        self.config.config(group='observability', notification_kept=3600)
        looker = reaper.Reaper(CONF, self.database)
        looker.look()
        self.assertEqual(2, len(self.kept()))
        with self.database.write() as tx:
            tx.execute(sa.text("UPDATE notifications SET "
                               "created_at = '2020-01-01 00:00:00.000000'"))
        looker.look()
        self.assertEqual([], self.kept())
        self.assertEqual(before + 2, self.failed('too old'))

    @staticmethod
    def failed(reason: str) -> float:
        """Return how many nobody will get, for a reason."""
        return metrics.REGISTRY.get_sample_value(
            'blockstore_notifications_failed_total',
            {'reason': reason}) or 0.0


class NobodyTest(KeptTest):
    """Without a driver nothing is written."""

    OPTIONS: typing.ClassVar[dict[tuple[str, str], typing.Any]] = {
        ('oslo_messaging_notifications', 'driver'): ['noop']}

    def test_nothing_is_written(self) -> None:
        self.patch(db, 'insert', self.fail)
        self.make_snapshot(self.make_volume(1)['id'])
        self.assertEqual([], self.kept())
