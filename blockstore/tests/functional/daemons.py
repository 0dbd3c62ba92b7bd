"""The services that run: heartbeats, switches, pools and abilities."""

import datetime

from oslo_utils import fixture
from oslo_utils import timeutils

from blockstore.db import services
from blockstore.tests.unit.api import base

BACKEND = 'node1@fast'
STATS = {'volume_backend_name': 'fast', 'vendor_name': 'blockstore',
         'driver_version': '1.0.0', 'storage_protocol': 'nbd',
         'total_capacity_gb': 100, 'free_capacity_gb': 40,
         'multiattach': True, 'capabilities': ['stable_reads']}


class DaemonTestCase(base.ApiTestCase):
    """Has a volume service, a backup service and a clock to set."""

    def setUp(self):
        super().setUp()
        self.clock = self.useFixture(fixture.TimeFixture(
            timeutils.utcnow().replace(microsecond=1)))
        self.report()
        with self.database.write() as tx:
            services.report(tx, 'node1', services.BACKUP, zone='az2')

    def report(self, host=BACKEND, **stats):
        with self.database.write() as tx:
            services.report(tx, host, services.VOLUME, zone='az1',
                            capabilities={**STATS, **stats})

    def list(self, **params):
        answer = self.get('os-services', **params)
        self.assertEqual(200, answer.status, answer.raw)
        return answer.json['services']


class ListTest(DaemonTestCase):
    """GET /os-services."""

    def test_fields(self):
        backup, volume = self.list()
        self.assertEqual({
            'binary': 'cinder-volume', 'host': BACKEND, 'zone': 'az1',
            'status': 'enabled', 'state': 'up', 'disabled_reason': None,
            'updated_at': timeutils.utcnow().isoformat(),
            'replication_status': 'disabled', 'active_backend_id': None,
            'frozen': False}, volume)
        self.assertEqual({'binary', 'host', 'zone', 'status', 'state',
                          'disabled_reason', 'updated_at'}, set(backup))

    def test_fields_of_later_versions(self):
        backup, volume = self.list(version='3.49')
        self.assertEqual((None, 'up'), (volume['cluster'],
                                        volume['backend_state']))
        self.assertNotIn('backend_state', backup)
        self.assertNotIn('cluster', self.list(version='3.6')[0])

    def test_filters(self):
        for params in ({'binary': 'cinder-volume'}, {'host': BACKEND}):
            self.assertEqual([BACKEND], [
                row['host'] for row in self.list(**params)])
        self.assertEqual(2, len(self.list(host='node1')))
        self.assertEqual([], self.list(host='node'))

    def test_silence_is_down(self):
        self.clock.advance_time_seconds(61)
        self.assertEqual(['down', 'down'],
                         [row['state'] for row in self.list()])
        self.report()
        self.assertEqual(['down', 'up'],
                         [row['state'] for row in self.list()])

    def test_members_may_not_see(self):
        self.assert_fault(403, 'forbidden',
                          self.get('os-services', token=base.MEMBER))


class SwitchTest(DaemonTestCase):
    """Enable and disable."""

    def test_disable_and_enable(self):
        named = {'host': BACKEND, 'binary': 'cinder-volume'}
        answer = self.ask('PUT', 'os-services/disable-log-reason',
                          {**named, 'disabled_reason': 'repair'})
        self.assertEqual(200, answer.status)
        self.assertEqual({
            **named, 'service': 'cinder-volume', 'status': 'disabled',
            'disabled': True, 'disabled_reason': 'repair'}, answer.json)
        row = self.list(binary='cinder-volume')[0]
        self.assertEqual(('disabled', 'repair', 'up'), (
            row['status'], row['disabled_reason'], row['state']))
        self.assertEqual([], self.live())
        answer = self.ask('PUT', 'os-services/enable', {
            'host': BACKEND, 'service': 'cinder-volume'})
        self.assertEqual({**named, 'service': 'cinder-volume',
                          'status': 'enabled', 'disabled': False},
                         answer.json)
        self.assertEqual([BACKEND], self.live())

    def live(self):
        with self.database.read() as tx:
            return [row.host for row in services.live(
                tx, services.VOLUME, 60)]

    def test_a_heartbeat_does_not_enable(self):
        self.ask('PUT', 'os-services/disable', {
            'host': BACKEND, 'binary': 'cinder-volume'})
        self.report()
        self.assertEqual([], self.live())

    def test_refusals(self):
        self.assert_fault(404, 'itemNotFound', self.ask(
            'PUT', 'os-services/disable',
            {'host': 'nobody', 'binary': 'cinder-volume'}))
        for path, body in (
                ('disable', {'host': BACKEND}),
                ('disable', {'binary': 'cinder-volume'}),
                ('disable-log-reason',
                 {'host': BACKEND, 'binary': 'cinder-volume'}),
                ('disable-log-reason',
                 {'host': BACKEND, 'binary': 'cinder-volume',
                  'disabled_reason': ''})):
            self.assert_fault(400, 'badRequest', self.ask(
                'PUT', f'os-services/{path}', body))


class ZoneTest(DaemonTestCase):
    """GET /os-availability-zone."""

    def test_zones_of_volume_services(self):
        def zones():
            return self.get('os-availability-zone', token=base.READER).json

        self.assertEqual({'availabilityZoneInfo': [
            {'zoneName': 'az1', 'zoneState': {'available': True}}]}, zones())
        self.clock.advance_time_seconds(61)
        self.assertEqual({'availabilityZoneInfo': [
            {'zoneName': 'az1', 'zoneState': {'available': False}}]},
            zones())


class PoolTest(DaemonTestCase):
    """GET /scheduler-stats/get_pools and /capabilities."""

    def pools(self, **kwargs):
        answer = self.get('scheduler-stats/get_pools', **kwargs)
        self.assertEqual(200, answer.status, answer.raw)
        return answer.json['pools']

    def test_a_back_end_without_pools_is_one(self):
        self.assertEqual([{'name': 'node1@fast#fast'}], self.pools())
        pool, = self.pools(detail='true')
        self.assertEqual(40, pool['capabilities']['free_capacity_gb'])

    def test_pools_of_a_back_end(self):
        self.report(pools=[{'pool_name': 'p1', 'free_capacity_gb': 1},
                           {'pool_name': 'p2'}])
        shown = {pool['name']: pool['capabilities']
                 for pool in self.pools(detail='1')}
        self.assertEqual({'node1@fast#p1', 'node1@fast#p2'}, set(shown))
        self.assertEqual((1, 40, 'blockstore'), (
            shown['node1@fast#p1']['free_capacity_gb'],
            shown['node1@fast#p2']['free_capacity_gb'],
            shown['node1@fast#p2']['vendor_name']))
        self.assertNotIn('pools', shown['node1@fast#p1'])

    def test_filters_from_3_28_and_types_from_3_35(self):
        self.report('node2@slow', volume_backend_name='slow')
        self.post('types', {'volume_type': {'name': 'gold', 'extra_specs': {
            'volume_backend_name': 'fast', 'capabilities:multiattach':
            '<is> True', 'qos:iops': '5'}}})
        for version, params, wanted in (
                ('3.27', {'name': 'node2@slow#slow'}, 2),
                ('3.28', {'name': 'node2@slow#slow'}, 1),
                ('3.28', {'volume_backend_name': 'none'}, 0),
                ('3.34', {'volume_type': 'gold'}, 2),
                ('3.35', {'volume_type': 'gold'}, 1)):
            self.assertEqual(wanted, len(self.pools(
                version=version, **params)), (version, params))
        self.assert_fault(404, 'itemNotFound', self.get(
            'scheduler-stats/get_pools', version='3.35', volume_type='no'))

    def test_what_is_down_has_no_pools(self):
        self.clock.advance_time_delta(datetime.timedelta(minutes=2))
        self.assertEqual([], self.pools())

    def test_capabilities(self):
        answer = self.get(f'capabilities/{BACKEND}')
        self.assertEqual(200, answer.status)
        self.assertEqual(
            ('OS::Storage::Capabilities::' + BACKEND, 'blockstore', 'nbd',
             []), tuple(answer.json[key] for key in (
                 'namespace', 'vendor_name', 'storage_protocol',
                 'replication_targets')))
        self.assertEqual({'multiattach', 'stable_reads'},
                         set(answer.json['properties']))
        self.assert_fault(404, 'itemNotFound',
                          self.get('capabilities/nobody@x'))

    def test_members_may_not_see(self):
        for path in ('scheduler-stats/get_pools', f'capabilities/{BACKEND}'):
            self.assert_fault(403, 'forbidden',
                              self.get(path, token=base.MEMBER))
