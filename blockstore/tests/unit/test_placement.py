"""Placing volumes: rows in, rows out, on a real database."""

import threading

import fixtures
from oslo_config import cfg
from oslo_utils import uuidutils
from oslotest import base as test_base
from sqlalchemy import event

from blockstore import conf as blockstore_conf
from blockstore import context as contexts
from blockstore import errors
from blockstore import exceptions
from blockstore.db import engine
from blockstore.db import messages
from blockstore.db import migration
from blockstore.db import models
from blockstore.db import operations as db_operations
from blockstore.db import rows
from blockstore.db import services
from blockstore.lifecycle import operations
from blockstore.scheduler.placement import PlaceVolume

STATS = {'total_capacity_gb': 10, 'free_capacity_gb': 10,
         'provisioned_capacity_gb': 0, 'max_over_subscription_ratio': 1.0,
         'thin_provisioning_support': True, 'volume_backend_name': 'pool'}


class PlacementTest(test_base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.conf = cfg.ConfigOpts()
        self.conf([], project='blockstore', default_config_files=[])
        blockstore_conf.register(self.conf)
        directory = self.useFixture(fixtures.TempDir()).path
        self.database = engine.Database(f'sqlite:///{directory}/test.sqlite')
        self.addCleanup(self.database.dispose)
        migration.sync(self.database)
        self.context = contexts.RequestContext(project_id='p', user_id='u')
        self.rung = []
        self.handler = PlaceVolume(
            self.conf, lambda context, host, id_: self.rung.append(
                (host, id_)))
        self.report('node1@fast')

    def report(self, host, **stats):
        with self.database.write() as tx:
            services.report(tx, host, services.VOLUME, zone='nova',
                            capabilities={**STATS, **stats},
                            backend_state='up')

    def volume(self, size=1, **values):
        id_ = uuidutils.generate_uuid()
        with self.database.write() as tx:
            rows.insert(tx, models.Volume, id=id_, project_id='p', size=size,
                        **{'status': 'creating', **values})
        return id_

    def claim(self, volume_id):
        with self.database.write() as tx:
            id_ = operations.start(
                tx, self.context, 'volume.create', volume_id,
                topic='scheduler', host=None, project_id='p')
            db_operations.claim(tx, id_, 'scheduler', ('node9',), 'me', 60)
            row = db_operations.get(tx, id_)
        return operations.Claim(self.database, row, 'me', 60)

    def place(self, size=1, **values):
        claim = self.claim(self.volume(size, **values))
        self.handler.run(claim)
        return self.row(claim.operation.resource_id)

    def refuse(self, size=1, **values):
        """Fail as the worker does; return operation, volume and error."""
        claim = self.claim(self.volume(size, **values))
        error = self.assertRaises(exceptions.NoValidBackend,
                                  self.handler.run, claim)
        with self.database.write() as tx:
            claim.fail(tx, error)
            self.handler.failed(tx, claim, error)
        return (self.operation(claim.id),
                self.row(claim.operation.resource_id), error)

    def row(self, id_):
        with self.database.read() as tx:
            return rows.get(tx, models.Volume, id_)

    def operation(self, id_):
        with self.database.read() as tx:
            return db_operations.get(tx, id_)

    def test_a_volume_gets_a_place_and_its_operation_goes_on(self):
        claim = self.claim(self.volume())
        self.handler.run(claim)
        volume = self.row(claim.operation.resource_id)
        self.assertEqual('node1@fast#pool', volume.host)
        self.assertEqual('creating', volume.status)
        self.assertIsNotNone(volume.scheduled_at)
        operation = self.operation(claim.id)
        self.assertEqual(
            ('pending', 'volume', 'node1@fast', 0, None, None), (
                operation.state, operation.topic, operation.host,
                operation.attempt, operation.lease_owner,
                operation.lease_expires_at))
        self.assertEqual([('node1@fast', claim.id)], self.rung)
        with self.database.read() as tx:
            self.assertEqual([claim.id], [due.id for due in db_operations.due(
                tx, 'volume', ('node1@fast',), 9)])
            self.assertEqual([], db_operations.due(
                tx, 'scheduler', ('node9',), 9))

    def test_who_lost_the_lease_changes_nothing(self):
        claim = self.claim(self.volume())
        with self.database.write() as tx:
            db_operations.change(tx, claim.id, 'me', {'lease_owner': 'you'})
        self.assertRaises(exceptions.LeaseLost, self.handler.run, claim)
        self.assertIsNone(self.row(claim.operation.resource_id).host)
        self.assertEqual([], self.rung)

    def test_what_is_placed_takes_room_at_once(self):
        self.report('node1@slow', total_capacity_gb=8)
        placed = [self.place(3).host.partition('#')[0] for _ in range(5)]
        self.assertEqual({'node1@fast': 3, 'node1@slow': 2}, {
            host: placed.count(host) for host in placed})
        self.refuse(3)

    def test_schedulers_at_the_same_time_do_not_overfill(self):
        claims = [self.claim(self.volume(3)) for _ in range(6)]
        outcomes = []

        def run(claim):
            try:
                self.handler.run(claim)
                outcomes.append('placed')
            except exceptions.NoValidBackend:
                outcomes.append('refused')

        threads = [threading.Thread(target=run, args=(claim,))
                   for claim in claims]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((3, 3), (outcomes.count('placed'),
                                  outcomes.count('refused')))

    def test_what_is_deleted_gives_its_room_back(self):
        volume = self.place(10)
        self.refuse(1)
        with self.database.write() as tx:
            rows.soft_delete(tx, models.Volume, volume.id)
        self.place(10)

    def test_no_place(self):
        operation, volume, error = self.refuse(11)
        self.assertEqual(('failed', errors.NO_VALID_BACKEND),
                         (operation.state, operation.error_code))
        self.assertIn('capacity removed 1 (node1@fast#pool: 11 GiB',
                      operation.error_message)
        self.assertEqual(('error', None), (volume.status, volume.host))
        self.assertIn('capacity removed 1', volume.status_reason)
        with self.database.read() as tx:
            told = tx.execute(rows.table(models.Message).select()).one()
        self.assertEqual(('VOLUME_VOLUME_001_003', volume.id, 'p'), (
            told.event_id, told.resource_uuid, told.project_id))
        with self.database.read() as tx:
            self.assertIsNotNone(messages.get(tx, self.context, told.id))

    def test_disabled_and_silent_services_get_nothing(self):
        with self.database.write() as tx:
            services.switch(tx, 'node1@fast', services.VOLUME, disabled=True)
        error = self.refuse()[2]
        self.assertIn('no volume service is up and enabled', error.message)

    def test_a_back_end_that_is_down_gets_nothing(self):
        with self.database.write() as tx:
            services.report(tx, 'node1@fast', services.VOLUME,
                            backend_state='down')
        self.refuse()

    def test_zone_and_type(self):
        with self.database.write() as tx:
            services.report(tx, 'node2@multi', services.VOLUME, zone='az2',
                            capabilities={**STATS, 'multiattach': True})
            rows.insert(tx, models.VolumeType, id='t', name='multi')
            rows.set_metadata(tx, models.VolumeTypeExtraSpec, 't',
                              {'multiattach': '<is> True'})
        self.assertEqual('node2@multi#pool',
                         self.place(availability_zone='az2').host)
        self.assertEqual('node2@multi#pool',
                         self.place(volume_type_id='t').host)
        self.refuse(availability_zone='nova', volume_type_id='t')

    def test_pools_of_a_back_end(self):
        self.report('node1@fast', pools=[
            {'pool_name': 'a', 'total_capacity_gb': 2},
            {'pool_name': 'b', 'total_capacity_gb': 5}])
        self.assertEqual(['node1@fast#b', 'node1@fast#a'],
                         [self.place(4).host, self.place(2).host])

    def test_a_copy_goes_where_its_source_is(self):
        self.report('node2@huge', total_capacity_gb=1000)
        source = self.volume(host='node1@fast#pool', status='available')
        snapshot = uuidutils.generate_uuid()
        with self.database.write() as tx:
            rows.insert(tx, models.Snapshot, id=snapshot, project_id='p',
                        volume_id=source, volume_size=1, status='available')
        for values in ({'source_volid': source}, {'snapshot_id': snapshot}):
            self.assertEqual('node1@fast#pool', self.place(**values).host)
        self.assertEqual('node2@huge#pool', self.place().host)

    def test_a_source_that_is_gone(self):
        for name in ('source_volid', 'snapshot_id'):
            error = self.refuse(**{name: uuidutils.generate_uuid()})[2]
            self.assertIn('gone', error.message)

    def test_a_volume_that_is_gone_or_ended(self):
        for values in ({'deleted': True}, {'status': 'deleting'}):
            claim = self.claim(self.volume(**values))
            self.handler.run(claim)
            self.assertEqual('done', self.operation(claim.id).state)
        self.assertEqual([], self.rung)

    def test_statements_do_not_grow_with_back_ends_and_volumes(self):
        def count():
            claim = self.claim(self.volume())
            seen = []

            def note(connection, cursor, statement, *rest):
                seen.append(statement)

            event.listen(self.database.engine, 'before_cursor_execute', note)
            self.handler.run(claim)
            event.remove(self.database.engine, 'before_cursor_execute', note)
            return len(seen)

        few = count()
        for number in range(20):
            self.report(f'node{number}@many')
            self.volume(host=f'node{number}@many#pool', status='available')
        self.assertEqual(few, count())
        self.assertLessEqual(few, 9)
