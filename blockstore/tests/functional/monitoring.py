"""What is counted, what the database tells, and what health says."""

import datetime
import json
import threading
import time
import typing

from oslo_utils import timeutils
from prometheus_client import parser
import sqlalchemy as sa
import webob

from blockstore import exceptions
from blockstore.cmd import assembly
from blockstore.cmd import web
from blockstore.conf import CONF
from blockstore.db import models
from blockstore.db import rows
from blockstore.lifecycle import reaper
from blockstore.monitoring import checks
from blockstore.monitoring import health
from blockstore.rpc import transport as rpc_transport
from blockstore.service import base as service
from blockstore.tests.functional import base

GIB = 1 << 30


class MonitoringTest(base.FunctionalTest):
    """Reads the pages as blockstore-api serves them."""

    OPTIONS: typing.ClassVar = {
        ('observability', 'facts_interval'): 1,
        ('observability', 'check_interval'): 1,
        ('observability', 'check_timeout'): 60,
        ('observability', 'oldest_backups'): 1}

    def setUp(self):
        super().setUp()
        self.pages = web.application(CONF, self.database, self.transport,
                                     self.publisher)
        self.before = self.scrape()

    def read(self, path, **environ):
        request = webob.Request.blank(path, environ={
            'REMOTE_ADDR': '127.0.0.1', **environ})
        return request.get_response(self.pages)

    def scrape(self):
        """Return the value of each series, by name and label values.

        The values stand in the order of the labels' names.
        """
        answer = self.read('/metrics')
        self.assertEqual(200, answer.status_int)
        return {(sample.name, *(value for _, value in sorted(
            sample.labels.items()))): sample.value
                for family in parser.text_string_to_metric_families(
                    answer.text) for sample in family.samples}

    def grown(self, *series):
        """Return by how much a counter has grown in this test."""
        return self.scrape().get(series, 0) - self.before.get(series, 0)

    def await_facts(self, wanted, *series):
        """Wait until a fact has a value."""
        limit = time.monotonic() + 60
        while (found := self.scrape().get(series)) != wanted:
            self.assertLess(time.monotonic(), limit, (series, found))
            time.sleep(0.05)

    def get(self, path):
        return self.read(self.path(path), HTTP_X_AUTH_TOKEN=(
            f'admin:{self.project}'))

    def test_requests_by_route_and_code(self):
        id_ = self.make_volume()['id']
        self.before = self.scrape()
        for _ in range(3):
            self.assertEqual(200, self.get(f'volumes/{id_}').status_int)
        self.get('volumes/no-such-volume')
        self.get('volumes/%ff')
        self.get('nothing/like-this')
        route = ('GET', '/volumes/{volume_id}')
        self.assertEqual(3, self.grown('blockstore_requests_total', '200',
                                       *route))
        self.assertEqual(1, self.grown('blockstore_requests_total', '404',
                                       *route))
        self.assertEqual(4, self.grown('blockstore_request_seconds_count',
                                       *route))
        self.assertEqual(1, self.grown(
            'blockstore_requests_total', '404', 'none', 'none'))
        self.assertNotIn('like-this', self.read('/metrics').text)

    def test_operations_and_bytes(self):
        id_ = self.make_volume()['id']
        backup = self.make_backup(id_)['id']
        answer = self.api.post(self.path(f'backups/{backup}/restore'),
                               {'restore': {}})
        self.wait_status('volumes', answer.json['restore']['volume_id'],
                         'available')
        for kind in ('backup.create', 'backup.restore'):
            self.assertEqual(1, self.grown(
                'blockstore_operations_ended_total', kind, 'done'))
        self.assertEqual(GIB, sum(self.grown(
            'blockstore_backup_bytes_total', what, 'backup')
            for what in ('read', 'skipped')))
        self.assertEqual(GIB, sum(self.grown(
            'blockstore_backup_bytes_total', what, 'restore')
            for what in ('read', 'skipped')))

    def test_open_operations_have_an_age(self):
        now = timeutils.utcnow()
        with self.database.write() as tx:
            for id_, age in (('1', 100), ('2', 50)):
                rows.insert(
                    tx, models.Operation, id=id_, kind='x.y', state='pending',
                    resource_type='x', resource_id='r', project_id='p',
                    topic='nobody', arguments={}, facts={},
                    created_at=now - datetime.timedelta(seconds=age))
        self.await_facts(2.0, 'blockstore_operations_open', 'x.y', 'pending')
        age = self.scrape()['blockstore_operation_oldest_seconds', 'x.y']
        self.assertTrue(100 <= age < 1000, age)

    def test_ages_of_backups_are_bounded(self):
        volumes = [self.make_volume()['id'] for _ in range(3)]
        old, new = (self.make_backup(id_)['id'] for id_ in volumes[:2])
        with self.database.write() as tx:
            rows.update(tx, models.Backup, old, {
                'data_timestamp': timeutils.utcnow()
                - datetime.timedelta(days=2)})
        self.await_facts(1.0, 'blockstore_volumes_without_backup')
        found = self.scrape()
        self.assertEqual([volumes[0]], [
            key[1] for key in found
            if key[0] == 'blockstore_last_backup_age_seconds'])
        self.assertEqual([1.0, 1.0, 2.0, 2.0], [
            found['blockstore_volumes_backed_up', within]
            for within in ('3600', '86400', '604800', '2678400')])
        self.assertEqual(3.0, found['blockstore_volumes',])
        self.assertNotEqual(old, new)

    def test_services(self):
        for binary, host in (('cinder-backup', 'test'),
                             ('cinder-volume', 'test@memory')):
            self.await_facts(1.0, 'blockstore_service_up', binary, host)
        self.api.put(self.path('os-services/disable'), {
            'host': 'test', 'binary': 'cinder-backup'})
        self.await_facts(0.0, 'blockstore_service_enabled', 'cinder-backup',
                         'test')

    def test_facts_are_few_statements(self):
        statements = []
        me = threading.get_ident()
        self.config.config(group='observability', facts_interval=3600)
        registry = assembly.watched(CONF, self.database)[1]

        def note(*arguments):
            if threading.get_ident() == me:
                statements.append(arguments[2])

        sa.event.listen(self.database.engine, 'before_cursor_execute', note)
        for _ in range(3):
            self.assertNotEqual([], list(registry.collect()))
        asked = [words for words in statements if words != 'BEGIN']
        # The second and the third time nothing is asked.
        self.assertEqual(4, len(asked), asked)

    def test_orphans(self):
        id_ = self.make_volume()['id']
        with self.database.write() as tx:
            rows.update(tx, models.Volume, id_, {
                'status': 'extending', 'status_changed_at':
                timeutils.utcnow() - datetime.timedelta(hours=1)})
        reaper.Reaper(CONF, self.database).look()
        self.assertEqual(1, self.grown('blockstore_orphans_total', 'stuck',
                                       'volume'))

    def test_takeovers(self):
        with self.database.write() as tx:
            rows.insert(
                tx, models.Operation, id='left', kind='volume.delete',
                state='running', attempt=1, lease_owner='the dead',
                lease_expires_at=timeutils.utcnow(), topic='volume',
                host='test@memory', resource_type='volume', resource_id='r',
                project_id='p', arguments={}, facts={},
                created_at=timeutils.utcnow())
        limit = time.monotonic() + 60
        while not self.grown('blockstore_lease_takeovers_total',
                             'volume.delete'):
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.05)

    def test_metrics_are_for_the_networks_that_are_allowed(self):
        for environ in ({'REMOTE_ADDR': '192.0.2.1'}, {'REMOTE_ADDR': ''},
                        {'HTTP_X_FORWARDED_FOR': '127.0.0.1'}):
            self.assertEqual(403, self.read('/metrics', **environ).status_int)
            self.assertEqual(200, self.read('/health/ready',
                                            **environ).status_int)
        self.assertEqual(405, self.read(
            '/metrics', REQUEST_METHOD='POST').status_int)

    def test_without_its_tables_it_is_live_and_not_ready(self):
        self.assertEqual({'ok': True, 'parts': {'database': 'ok'}},
                         json.loads(self.read('/health/ready').body))
        with self.database.write() as tx:
            tx.execute(sa.text("UPDATE alembic_version SET version_num='x'"))
        limit = time.monotonic() + 60
        while self.read('/health/ready').status_int != 503:
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.05)
        self.assertEqual({'ok': False, 'parts': {'database': 'failed'}},
                         json.loads(self.read('/health/ready').body))
        self.assertEqual(200, self.read('/health/live').status_int)

    def test_a_database_that_is_away_is_told(self):
        with self.database.write() as tx:
            tx.execute(sa.text('DROP TABLE operations'))
        self.await_facts(0.0, 'blockstore_database_up')
        self.assertNotIn('blockstore_service_up', self.read('/metrics').text)


class HealthTest(base.FunctionalTest):
    """What the managers need."""

    OPTIONS: typing.ClassVar = {('observability', 'check_interval'): 1,
                                ('observability', 'check_timeout'): 60}

    def setUp(self):
        super().setUp()
        self.health = health.Health(CONF, [
            self.volume_manager, self.backup_manager, self.scheduler], {})

    def test_ready(self):
        self.assertEqual(dict.fromkeys(
            ('volume', 'backup', 'scheduler', 'database', 'driver memory',
             'store'), 'ok'), self.health.ready())
        self.assertEqual({'volume': 'ok', 'backup': 'ok', 'scheduler': 'ok'},
                         self.health.live())

    def test_a_driver_that_is_not_set_up(self):
        self.volume_manager.driver.initialized = False
        self.assertEqual('failed', self.health.ready()['driver memory'])
        self.assertEqual('ok', self.health.live()['volume'])

    def test_a_store_that_takes_nothing(self):
        def full():
            raise exceptions.StoreError('the disk is full')

        self.backup_manager.repository.backend.now = full
        self.assertEqual('failed', self.health.ready()['store'])

    def test_a_manager_that_has_stopped(self):
        self.scheduler.stop(time.monotonic() + 10)
        self.assertEqual('not ready', self.health.ready()['scheduler'])

    def test_a_check_that_hangs_counts_as_no(self):
        ended = threading.Event()
        self.addCleanup(ended.set)

        class Part(service.Service):
            name = 'part'

            def start(self):
                raise NotImplementedError

            def stop(self, deadline):
                raise NotImplementedError

            def checks(self):
                return {'slow': ended.wait}

        self.config.config(group='observability', check_timeout=1)
        found = health.Health(CONF, [Part()], {})
        self.assertEqual('no answer', found.ready()['slow'])
        ended.set()
        limit = time.monotonic() + 60
        while found.ready()['slow'] != 'ok':
            self.assertLess(time.monotonic(), limit)

    def test_a_broker_that_is_away(self):
        self.config.config(transport_url='rabbit://u:p@127.0.0.1:1/')
        rpc_transport._set_rabbit_defaults(CONF)
        self.assertRaises(exceptions.Unavailable, checks.reach_broker, CONF)
