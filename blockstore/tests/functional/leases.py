"""Leases: who lost one changes nothing any more, and turns are kept."""

import datetime
import threading
import time

from oslo_utils import timeutils
from oslo_utils import uuidutils

from blockstore import context
from blockstore import exceptions
from blockstore.db import models
from blockstore.db import operations as db
from blockstore.db import rows
from blockstore.lifecycle import operations
from blockstore.tests.functional import base

TOPIC = 'elsewhere'


class LeaseTest(base.FunctionalTest):
    """Claims on operations that no running service looks for."""

    def start(self, resource_id):
        """Start an operation; return its id."""
        with self.database.write() as tx:
            return operations.start(
                tx, context.for_service(), 'snapshot.create', resource_id,
                topic=TOPIC, host=None, project_id=base.PROJECT)

    def claim(self, id_, owner, lease=60.0):
        """Claim an operation; return the claim, or None."""
        with self.database.write() as tx:
            if not db.claim(tx, id_, TOPIC, (), owner, lease):
                return None
            row = db.get(tx, id_)
        return operations.Claim(self.database, row, owner, lease)

    def expire(self, id_):
        """Let an operation's lease run out."""
        with self.database.write() as tx:
            rows.update(tx, models.Operation, id_, {
                'lease_expires_at': timeutils.utcnow()
                - datetime.timedelta(seconds=1)})

    def row(self, id_):
        """Return an operation."""
        with self.database.read() as tx:
            return db.get(tx, id_)

    def due(self):
        """Return the ids of the operations that are next."""
        with self.database.read() as tx:
            return [due.id for due in db.due(tx, TOPIC, (), 10)]


class TakeOverTest(LeaseTest):
    """One owner at a time."""

    def setUp(self):
        super().setUp()
        self.operation_id = self.start(uuidutils.generate_uuid())

    def test_is_held_by_one(self):
        self.assertIsNotNone(self.claim(self.operation_id, 'first'))
        self.assertIsNone(self.claim(self.operation_id, 'second'))
        self.assertEqual([], self.due())

    def test_who_lost_it_writes_nothing(self):
        first = self.claim(self.operation_id, 'first')
        self.expire(self.operation_id)
        second = self.claim(self.operation_id, 'second')
        second.step('second step', fact='of the second')
        first.renew()
        for change in (
                first.check,
                lambda: first.step('first step', fact='of the first'),
                lambda: self.finish(first, error=None),
                lambda: self.finish(first, exceptions.DriverError('late'))):
            self.assertRaises(exceptions.LeaseLost, change)
        row = self.row(self.operation_id)
        self.assertEqual(
            ('second', 'running', 'second step', {'fact': 'of the second'},
             2), (row.lease_owner, row.state, row.step, row.facts,
                  row.attempt))
        with self.database.read() as tx:
            self.assertEqual([], list(tx.execute(
                rows.table(models.Message).select())))

    def finish(self, claim, error):
        """Close a claim together with another row."""
        with self.database.write() as tx:
            rows.insert(tx, models.Message, id=uuidutils.generate_uuid(),
                        project_id=base.PROJECT, event_id='e',
                        message_level='ERROR', user_message='m')
            if error is None:
                claim.finish(tx)
            else:
                claim.fail(tx, error)

    def test_one_that_froze_finds_out_by_itself(self):
        claim = self.claim(self.operation_id, 'first', lease=0.05)
        claim.check()
        time.sleep(0.06)
        self.assertRaises(exceptions.LeaseLost, claim.check)

    def test_a_renewed_one_goes_on(self):
        claim = self.claim(self.operation_id, 'first', lease=4.0)
        for _ in range(3):
            time.sleep(1.5)
            claim.renew()
            claim.check()
        self.assertIsNone(self.claim(self.operation_id, 'second'))

    def test_a_released_one_is_due_at_once(self):
        self.claim(self.operation_id, 'first').release()
        self.assertEqual([self.operation_id], self.due())
        # What was handed over is no failed attempt.
        claim = self.claim(self.operation_id, 'second')
        self.assertEqual(1, claim.operation.attempt)


class OrderTest(LeaseTest):
    """The operations of one resource go one after the other."""

    def test_the_older_one_goes_first(self):
        resource, other = (uuidutils.generate_uuid() for _ in range(2))
        older, younger = self.start(resource), self.start(resource)
        apart = self.start(other)
        self.assertEqual([older], self.due())
        self.assertIsNone(self.claim(younger, 'owner'))
        claim = self.claim(older, 'owner')
        self.assertIsNone(self.claim(younger, 'owner'))
        self.assertEqual([apart], self.due())
        with self.database.write() as tx:
            claim.finish(tx)
        self.assertEqual([younger], self.due())
        self.assertIsNotNone(self.claim(younger, 'owner'))


class StolenTest(base.FunctionalTest):
    """A worker whose operation is taken over while the driver works."""

    def test_its_result_does_not_count(self):
        volume = self.make_volume(1)
        stuck = threading.Event()
        self.addCleanup(stuck.set)
        self.driver.faults.hang('create_snapshot', stuck)
        answer = self.api.post(self.path('snapshots'), {
            'snapshot': {'volume_id': volume['id']}})
        id_ = answer.json['snapshot']['id']
        while not (held := self.open_of(id_)[0]).lease_owner:
            time.sleep(0.01)
        with self.database.write() as tx:
            rows.update(tx, models.Operation, held.id, {
                'lease_owner': 'a thief', 'lease_expires_at':
                timeutils.utcnow() + datetime.timedelta(seconds=1.5)})
        stuck.set()
        time.sleep(0.5)
        self.assertEqual('creating', self.show('snapshots', id_)['status'])
        self.assertEqual('a thief', self.open_of(id_)[0].lease_owner)
        # The thief dies; its lease runs out; the work is done again.
        self.wait_status('snapshots', id_, 'available')
        # And the one who was late has it looked at again.
        limit = time.monotonic() + 60
        while self.open_of(id_):
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.01)
        self.assertEqual('available', self.show('snapshots', id_)['status'])

    def open_of(self, resource_id):
        """Return the open operations of a resource."""
        with self.database.read() as tx:
            return db.open_of(tx, resource_id)
