"""Filters, weighers and how they are put together."""

import math

from oslo_config import cfg
from oslotest import base as test_base

from blockstore import errors
from blockstore import exceptions
from blockstore.conf import scheduler as options
from blockstore.db import placement
from blockstore.scheduler import base
from blockstore.scheduler import capacity
from blockstore.scheduler import choice
from blockstore.scheduler.filters import availability_zone
from blockstore.scheduler.filters import capabilities
from blockstore.scheduler.filters import capacity as capacity_filter

THIN = {'total_capacity_gb': 100, 'free_capacity_gb': 100,
        'provisioned_capacity_gb': 0, 'reserved_percentage': 0,
        'max_over_subscription_ratio': 2.0,
        'thin_provisioning_support': True,
        'thick_provisioning_support': False}
THICK = {**THIN, 'thin_provisioning_support': False,
         'thick_provisioning_support': True}


def backend(stats=None, name='node1@fast#fast', placed=(0, 0), **values):
    values = {'service_id': 1, 'availability_zone': 'nova', **values}
    return base.Backend(name=name, stats=THIN if stats is None else stats,
                        placed=placement.Placed(*placed), **values)


def request(size=1, **specs):
    return base.Request(size=size, extra_specs=specs)


class SchedulerTestCase(test_base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.conf = cfg.ConfigOpts()
        self.conf([], project='blockstore', default_config_files=[])
        self.conf.register_opts(options.OPTS, group=options.GROUP)


class CapacityTest(SchedulerTestCase):

    def room(self, stats, placed=(0, 0), **specs):
        return capacity.of(request(1, **specs),
                           backend(stats, placed=placed)).room

    def test_thin_may_be_promised_many_times(self):
        self.assertEqual(200, self.room(THIN))
        self.assertEqual(150, self.room(
            {**THIN, 'provisioned_capacity_gb': 50}))

    def test_thick_may_not(self):
        self.assertEqual(100, self.room(THICK))
        self.assertEqual(30, self.room({**THICK, 'free_capacity_gb': 30}))

    def test_thin_is_also_limited_by_what_is_free(self):
        self.assertEqual(20, self.room({**THIN, 'free_capacity_gb': 10}))

    def test_reserve(self):
        self.assertEqual(180, self.room({**THIN, 'reserved_percentage': 10}))
        self.assertEqual(90, self.room({**THICK, 'reserved_percentage': 10}))

    def test_what_was_placed_since_the_report_counts(self):
        self.assertEqual(140, self.room(THIN, placed=(2, 60)))
        self.assertEqual(40, self.room(THICK, placed=(2, 60)))
        reported = {'provisioned_capacity_gb': 60, 'free_capacity_gb': 40}
        self.assertEqual(40, self.room({**THICK, **reported},
                                       placed=(2, 60)))
        self.assertEqual(35, self.room({**THICK, **reported},
                                       placed=(3, 65)))

    def test_volumes_of_others_count(self):
        self.assertEqual(120, self.room(
            {**THIN, 'provisioned_capacity_gb': 80}, placed=(1, 10)))

    def test_words_for_numbers(self):
        for word in ('unknown', 'infinite'):
            self.assertEqual(math.inf, self.room(
                {**THIN, 'total_capacity_gb': word,
                 'free_capacity_gb': word}))
            self.assertEqual(math.inf, self.room(
                {**THICK, 'free_capacity_gb': word}))

    def test_thick_on_a_back_end_that_has_both(self):
        both = {**THIN, 'thick_provisioning_support': True}
        self.assertEqual(200, self.room(both))
        self.assertEqual(100, self.room(both,
                                        **{'provisioning:type': 'thick'}))


class CapacityFilterTest(SchedulerTestCase):

    def refusal(self, wanted, one):
        return capacity_filter.CapacityFilter(self.conf).refusal(wanted, one)

    def test_up_to_the_last_gigabyte(self):
        self.assertEqual('', self.refusal(request(200), backend()))
        self.assertEqual(
            '201 GiB are wanted and there is room for 200 GiB (thin, '
            'promised 0 of 100 GiB, at most 2 times, reserved 0 GiB)',
            self.refusal(request(201), backend()))

    def test_provisioning_type(self):
        thick = request(1, **{'provisioning:type': 'thick'})
        thin = request(1, **{'provisioning:type': 'thin'})
        self.assertEqual('it has no thick provisioning',
                         self.refusal(thick, backend(THIN)))
        self.assertEqual('it has no thin provisioning',
                         self.refusal(thin, backend(THICK)))
        self.assertEqual('', self.refusal(thick, backend(THICK)))
        self.assertEqual('', self.refusal(thin, backend(THIN)))

    def test_a_full_back_end_has_no_negative_room(self):
        self.assertIn('room for 0 GiB', self.refusal(
            request(1), backend(placed=(9, 900))))


class ZoneFilterTest(SchedulerTestCase):

    def test_zone(self):
        refusal = availability_zone.AvailabilityZoneFilter(
            self.conf).refusal
        self.assertEqual('', refusal(request(), backend()))
        wanted = base.Request(size=1, availability_zone='az1')
        self.assertEqual('', refusal(
            wanted, backend(availability_zone='az1')))
        self.assertEqual('zone az1 is wanted and it is in nova',
                         refusal(wanted, backend()))


class CapabilitiesFilterTest(SchedulerTestCase):

    STATS = {**THIN, 'multiattach': True, 'volume_backend_name': 'fast',
             'storage_protocol': ['nbd', 'iSCSI'], 'qos': {'max': 500},
             'online_extend_support': False,
             'capabilities': ['stable_reads', 'reverts']}

    def passes(self, **specs):
        return not self.refusal(**specs)

    def refusal(self, **specs):
        return capabilities.CapabilitiesFilter(self.conf).refusal(
            request(1, **specs), backend(self.STATS))

    def test_multiattach(self):
        self.assertTrue(self.passes(multiattach='<is> True'))
        self.assertFalse(self.passes(multiattach='<is> False'))
        self.assertFalse(self.passes(online_extend_support='<is> True'))

    def test_backend_name(self):
        self.assertTrue(self.passes(volume_backend_name='fast'))
        self.assertEqual(
            'volume_backend_name = slow is wanted and it has fast',
            self.refusal(volume_backend_name='slow'))

    def test_capabilities_by_name(self):
        self.assertTrue(self.passes(
            **{'capabilities:stable_reads': '<is> True'}))
        self.assertFalse(self.passes(
            **{'capabilities:changed_extents': '<is> True'}))
        self.assertTrue(self.passes(
            **{'capabilities:changed_extents': '<is> False'}))

    def test_scoped_and_nested(self):
        self.assertTrue(self.passes(**{'capabilities:qos:max': '>= 500'}))
        self.assertFalse(self.passes(**{'capabilities:qos:max': '>= 501'}))
        self.assertFalse(self.passes(**{'capabilities:qos:min': '1'}))
        self.assertFalse(self.passes(**{'capabilities:qos:max:x': '1'}))

    def test_other_scopes_are_not_for_the_scheduler(self):
        self.assertTrue(self.passes(**{'provisioning:type': 'thin',
                                       'vendor:flavour': 'sweet'}))

    def test_one_of_many(self):
        self.assertTrue(self.passes(storage_protocol='iSCSI'))
        self.assertFalse(self.passes(storage_protocol='FC'))
        self.assertTrue(self.passes(volume_backend_name='<or> slow <or> fast'))

    def test_unknown_key(self):
        self.assertEqual('colour = red is wanted and it has none',
                         self.refusal(colour='red'))

    def test_a_number_is_wanted_and_there_is_none(self):
        self.assertFalse(self.passes(volume_backend_name='>= 5'))


class ChooserTest(SchedulerTestCase):

    def ranked(self, wanted, *backends, **overrides):
        for name, value in overrides.items():
            self.conf.set_override(name, value, group='scheduler')
        return [one.name for one in choice.Chooser(self.conf).ranked(
            wanted, backends)]

    def test_the_most_room_first(self):
        small = {**THIN, 'total_capacity_gb': 50}
        self.assertEqual(['b', 'a'], self.ranked(
            request(), backend(small, 'a'), backend(THIN, 'b')))
        self.assertEqual(['a', 'b'], self.ranked(
            request(), backend(small, 'a'), backend(THIN, 'b'),
            capacity_weight_multiplier=-1.0))

    def test_no_limit_is_the_most_room(self):
        endless = {**THIN, 'total_capacity_gb': 'infinite',
                   'free_capacity_gb': 'infinite'}
        for name in ('a', 'c'):
            self.assertEqual(name, self.ranked(
                request(), backend(THIN, 'b'), backend(endless, name))[0])

    def test_fewer_volumes_first_when_room_is_the_same(self):
        backends = (backend(THIN, 'a', (3, 9)), backend(THIN, 'b', (1, 9)),
                    backend(THIN, 'c', (2, 9)))
        self.assertEqual(['b', 'c', 'a'], self.ranked(request(), *backends))
        self.assertEqual(['a', 'c', 'b'], self.ranked(
            request(), *backends, volume_number_weight_multiplier=0.1))

    def test_equal_back_ends_have_a_fixed_order(self):
        self.assertEqual(['a', 'b'], self.ranked(
            request(), backend(name='b'), backend(name='a')))

    def test_only_the_weighers_that_are_named(self):
        small = {**THIN, 'total_capacity_gb': 50}
        self.assertEqual(['a', 'b'], self.ranked(
            request(), backend(small, 'a'), backend(THIN, 'b'), weighers=[]))

    def test_only_the_filters_that_are_named(self):
        self.assertEqual(['b'], self.ranked(
            request(500), backend(name='b'), filters=['availability_zone']))

    def test_a_back_end_that_is_down(self):
        self.assertEqual(['b'], self.ranked(
            request(), backend(name='a', state='down'), backend(name='b')))

    def test_why_there_is_none(self):
        wanted = base.Request(size=300, availability_zone='az1',
                              extra_specs={'multiattach': '<is> True'})
        error = self.assertRaises(
            exceptions.NoValidBackend, self.ranked, wanted,
            backend(name='a'), backend(name='b', availability_zone='az1'),
            backend({**THIN, 'total_capacity_gb': 900,
                     'free_capacity_gb': 900}, 'c', availability_zone='az1'),
            backend(name='d', state='down'))
        self.assertEqual(errors.NO_VALID_BACKEND, error.code)
        self.assertEqual(
            'none of 4 back ends can take 300 GiB: 1 reported that they are '
            'down, availability_zone removed 1 (a: zone az1 is wanted and it '
            'is in nova), capacity removed 1 (b: 300 GiB are wanted and '
            'there is room for 200 GiB (thin, promised 0 of 100 GiB, at most '
            '2 times, reserved 0 GiB)), capabilities removed 1 (c: '
            'multiattach = <is> True is wanted and it has none)',
            error.message)

    def test_many_refusals_are_cut_short(self):
        error = self.assertRaises(
            exceptions.NoValidBackend, self.ranked, request(999),
            *(backend(name=name) for name in 'abcde'))
        self.assertIn('capacity removed 5 (a:', error.message)
        self.assertIn('; and 2 more)', error.message)

    def test_nobody_is_there(self):
        error = self.assertRaises(exceptions.NoValidBackend, self.ranked,
                                  request())
        self.assertIn('no volume service is up', error.message)

    def test_a_filter_that_is_not_installed(self):
        error = self.assertRaises(exceptions.BlockstoreError, self.ranked,
                                  request(), filters=['nonesuch'])
        self.assertIn('nonesuch', error.message)
