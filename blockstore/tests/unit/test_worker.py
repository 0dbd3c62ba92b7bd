"""What a worker runs at a time, and what it runs next."""

import threading
import time

import fixtures
from oslo_config import cfg
from oslo_utils import timeutils
from oslotest import base
import sqlalchemy as sa

from blockstore import conf as blockstore_conf
from blockstore.db import engine
from blockstore.db import migration
from blockstore.db import models
from blockstore.db import operations as db
from blockstore.db import rows
from blockstore.lifecycle import slots
from blockstore.lifecycle import worker

LONG, SHORT = 'volume.delete', 'snapshot.create'
LIMIT = 60


class Gate:
    """A handler: each operation waits until it is let through."""

    def __init__(self):
        self.began = []
        self.running = 0
        self.most = 0
        self._passes = 0
        self._changed = threading.Condition()

    def run(self, claim):
        with self._changed:
            self.began.append(claim.operation.project_id)
            self.running += 1
            self.most = max(self.most, self.running)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._passes > 0, LIMIT)
            self._passes -= 1
            self.running -= 1
        with claim.database.write() as tx:
            claim.finish(tx)

    def failed(self, tx, claim, error):
        """Leave it as it is."""

    def let(self, number):
        """Let some operations end."""
        with self._changed:
            self._passes += number
            self._changed.notify_all()

    def wait_for(self, number):
        """Wait until so many have begun; tell for which projects."""
        with self._changed:
            if not self._changed.wait_for(
                    lambda: len(self.began) >= number, LIMIT):
                raise AssertionError(self.began)
            return ''.join(self.began)


class WorkerTest(base.BaseTestCase):
    """A worker with two kinds of work."""

    def setUp(self):
        super().setUp()
        folder = self.useFixture(fixtures.TempDir())
        self.conf = cfg.ConfigOpts()
        blockstore_conf.register(self.conf)
        self.conf([], project='blockstore', default_config_files=[])
        self.set(poll_interval=0.5, workers=2)
        self.database = engine.Database(
            f'sqlite:///{folder.join("blockstore.sqlite")}')
        self.addCleanup(self.database.dispose)
        migration.sync(self.database)
        self.gates = {LONG: Gate(), SHORT: Gate()}
        self.number = 0

    def set(self, **options):
        for name, value in options.items():
            self.conf.set_override(name, value, group='operations')

    def start(self, daemon=None, **how):
        one = worker.Worker(
            self.conf, self.database, topic='volume', hosts=('h',),
            owner='me', handlers=self.gates, **how)
        if daemon is not None:
            one.share(daemon)
        one.start()
        self.addCleanup(self.stop, one)
        return one

    def stop(self, one):
        for gate in self.gates.values():
            gate.let(100_000)
        one.stop(time.monotonic() + LIMIT)

    def add(self, kind, projects):
        """Add one operation for each letter."""
        now = timeutils.utcnow()
        with self.database.write() as tx:
            tx.execute(sa.insert(rows.table(models.Operation)), [{
                'id': f'{self.number + number:036d}', 'kind': kind,
                'state': db.PENDING, 'resource_type': 'volume',
                'resource_id': f'{self.number + number:036d}',
                'project_id': project, 'topic': 'volume', 'host': 'h',
                'arguments': {}, 'facts': {}, 'attempt': 0,
                'cancel_requested': False, 'created_at': now}
                for number, project in enumerate(projects)])
        self.number += len(projects)

    def test_another_project_is_next(self):
        self.set(workers=1)
        gate = self.gates[SHORT]
        self.add(SHORT, 'a' * 200)
        one = self.start()
        gate.wait_for(1)
        self.add(SHORT, 'b')
        one.ring('one of b')
        gate.let(1)
        self.assertEqual('ab', gate.wait_for(2))
        gate.let(1)
        self.assertEqual('aba', gate.wait_for(3))

    def test_one_kind_does_not_keep_another_waiting(self):
        self.set(workers=4)
        self.start(limit=lambda: 4)
        self.add(LONG, 'a' * 50)
        self.gates[LONG].wait_for(4)
        self.add(SHORT, 'b' * 3)
        for number in range(1, 4):
            self.gates[SHORT].wait_for(number)
            self.gates[SHORT].let(1)
        self.assertEqual(1, self.gates[SHORT].most)
        self.assertEqual(4, self.gates[LONG].running)

    def test_limits_of_a_kind_and_their_change(self):
        limits = {LONG: 1}
        self.start(limits={LONG: lambda: limits[LONG]})
        self.add(LONG, 'a' * 10)
        self.add(SHORT, 'a' * 10)
        self.gates[LONG].wait_for(1)
        self.gates[SHORT].wait_for(2)
        self.assertEqual((1, 2), (self.gates[LONG].most,
                                  self.gates[SHORT].most))
        limits[LONG] = 3
        self.gates[LONG].wait_for(3)
        self.assertEqual(3, self.gates[LONG].most)

    def test_a_burst_waits_in_the_database(self):
        """Ten thousand operations cost a worker no thread and no list."""
        threads = threading.active_count()
        self.add(SHORT, 'a' * 10_000)
        one = self.start()
        for number in range(10_000):
            one.ring(str(number))
        self.gates[SHORT].wait_for(2)
        # Its own two, and those that run.
        self.assertLessEqual(threading.active_count(), threads + 2 + 2)
        self.gates[SHORT].let(4)
        self.gates[SHORT].wait_for(6)
        self.assertEqual(2, self.gates[SHORT].most)

    def test_what_comes_next_on_a_resource_begins_at_once(self):
        self.set(poll_interval=3600)
        self.add(SHORT, 'ab')
        with self.database.write() as tx:
            tx.execute(sa.update(rows.table(models.Operation)).values(
                resource_id='one'))
        self.start()
        self.assertEqual('a', self.gates[SHORT].wait_for(1))
        self.gates[SHORT].let(1)
        self.assertEqual('ab', self.gates[SHORT].wait_for(2))

    def test_a_doorbell_is_answered_without_looking(self):
        # Room for what is about to end, too.
        self.set(poll_interval=3600, workers=8)
        one = self.start()
        gate = self.gates[SHORT]
        self.add(SHORT, 'a')
        one.ring(f'{0:036d}')
        gate.wait_for(1)
        # Its first look may have taken it, and the doorbell still rings.
        time.sleep(0.5)
        looks = self.useFixture(fixtures.MockPatchObject(
            db, 'due', wraps=db.due)).mock
        for number in range(1, 10):
            self.add(SHORT, 'a')
            one.ring(f'{number:036d}')
            gate.let(1)
            gate.wait_for(number + 1)
        # One may come late, and each would be two without doorbells.
        self.assertLess(looks.call_count, 9)

    def test_a_lost_doorbell_is_found_while_others_ring(self):
        self.set(workers=8)
        one = self.start()
        gate = self.gates[SHORT]
        self.add(SHORT, 'b')
        gate.let(100_000)
        until = time.monotonic() + LIMIT
        while 'b' not in gate.began and time.monotonic() < until:
            self.add(SHORT, 'a')
            one.ring(f'{self.number - 1:036d}')
            time.sleep(0.01)
        self.assertIn('b', gate.began)

    def test_what_a_doorbell_could_not_begin_begins_at_once(self):
        self.set(poll_interval=3600)
        one = self.start()
        gate = self.gates[SHORT]
        self.add(SHORT, 'ab')
        with self.database.write() as tx:
            tx.execute(sa.update(rows.table(models.Operation)).values(
                resource_id='one'))
        one.ring(f'{0:036d}')
        gate.wait_for(1)
        one.ring(f'{1:036d}')
        time.sleep(0.2)
        gate.let(1)
        self.assertEqual('ab', gate.wait_for(2))

    def test_places_of_a_daemon(self):
        self.set(workers=8)
        self.start(daemon=slots.Shared(lambda: 3))
        self.add(LONG, 'a' * 20)
        self.gates[LONG].wait_for(3)
        self.add(SHORT, 'a' * 20)
        self.gates[SHORT].wait_for(1)
        self.gates[SHORT].let(3)
        self.gates[SHORT].wait_for(4)
        self.assertEqual((3, 1), (self.gates[LONG].most,
                                  self.gates[SHORT].most))
