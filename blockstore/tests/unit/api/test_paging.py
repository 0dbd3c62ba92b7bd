"""Lists: limits, markers, sorting, filters, links, counts."""

from blockstore.db import models
from blockstore.tests.unit.api import base


class PagingTest(base.ApiTestCase):

    def setUp(self):
        super().setUp()
        self.ids = [self.make_volume(display_name=f'v{number}')
                    for number in range(5)]

    def _names(self, answer):
        self.assertEqual(200, answer.status, answer.raw)
        return [one['name'] for one in answer.json['volumes']]

    def _list(self, version=None, token=base.MEMBER, **params):
        return self.get('volumes', token=token, version=version, **params)

    def test_newest_first(self):
        self.assertEqual(['v4', 'v3', 'v2', 'v1', 'v0'],
                         self._names(self._list()))

    def test_walk_by_next_links(self):
        for path in ('volumes', 'volumes/detail'):
            seen = []
            answer = self.get(path, token=base.MEMBER, limit='2',
                              sort='name:asc')
            while 'volumes_links' in answer.json:
                seen.append(self._names(answer))
                link = answer.json['volumes_links'][0]
                self.assertEqual('next', link['rel'])
                self.assertIn(f'/v3/{path}?limit=2&sort=', link['href'])
                answer = self.get(link['href'].split(':80')[1],
                                  token=base.MEMBER)
            seen.append(self._names(answer))
            self.assertEqual([['v0', 'v1'], ['v2', 'v3'], ['v4']], seen)

    def test_a_full_page_has_a_next_link(self):
        self.assertIn('volumes_links', self._list(limit='5').json)
        self.assertNotIn('volumes_links', self._list(limit='6').json)
        self.assertEqual({'volumes': []}, self._list(limit='0').json)

    def test_highest_limit(self):
        self.conf.set_override('max_limit', 3, 'api')
        for params in ({}, {'limit': '4'}):
            answer = self._list(**params)
            self.assertEqual(3, len(answer.json['volumes']))
            self.assertIn('volumes_links', answer.json)

    def test_offset(self):
        self.assertEqual(['v2', 'v1'],
                         self._names(self._list(offset='2', limit='2')))

    def test_numbers_that_are_none(self):
        for params in ({'limit': '-1'}, {'limit': 'x'}, {'limit': ''},
                       {'limit': '1.0'}, {'limit': '9' * 30},
                       {'limit': '\u0663'}, {'offset': '-1'},
                       {'offset': str(2 ** 31)}, {'offset': 'x'}):
            self.assert_fault(400, 'badRequest', self._list(**params))

    def test_unknown_marker(self):
        self.assert_fault(404, 'itemNotFound', self._list(marker='none'))

    def test_sorting(self):
        self.assertEqual(['v0', 'v1', 'v2', 'v3', 'v4'], self._names(
            self._list(sort_key='display_name', sort_dir='asc')))
        self.assertEqual(['v4', 'v3', 'v2', 'v1', 'v0'], self._names(
            self._list(sort='size:asc,name')))
        for params in ({'sort': 'x'}, {'sort': 'name:up'}, {'sort': ''},
                       {'sort': 'name', 'sort_key': 'name'},
                       {'sort_key': 'provider_auth'}, {'sort_dir': 'up'}):
            self.assert_fault(400, 'badRequest', self._list(**params))

    def test_count_of_all_pages(self):
        answer = self._list('3.45', with_count='true', limit='2')
        self.assertEqual(5, answer.json['count'])
        self.assertNotIn('count', self._list('3.44', with_count='1').json)
        self.assertNotIn('count', self._list('3.45', with_count='0').json)
        self.assert_fault(400, 'badRequest',
                          self._list('3.45', with_count='perhaps'))

    def test_tenants(self):
        self.make_volume(token=base.STRANGER, display_name='theirs')
        both = {'all_tenants': '1'}
        self.assertEqual(5, len(self._names(self._list(**both))))
        self.assertEqual(5, len(self._names(self._list(token=base.ADMIN))))
        every = self._names(self._list(token=base.ADMIN, **both))
        self.assertEqual(6, len(every))
        self.assertEqual(['theirs'], self._names(self._list(
            token=base.ADMIN, project_id=base.OTHER_PROJECT, **both)))
        self.assertEqual(5, len(self._names(self._list('3.71', **both))))


class FilterTest(base.ApiTestCase):

    def setUp(self):
        super().setUp()
        self.one = self.make_volume(display_name='one', bootable=True,
                                    size=2)
        self.two = self.make_volume('error', display_name='two')
        self.post(f'volumes/{self.one}/metadata',
                  {'metadata': {'k': 'v', 'more': "it's"}},
                  token=base.MEMBER)

    def _names(self, version=None, token=base.MEMBER, **params):
        answer = self.get('volumes', token=token, version=version, **params)
        self.assertEqual(200, answer.status, answer.raw)
        return sorted(one['name'] for one in answer.json['volumes'])

    def test_values(self):
        for params, wanted in (
                ({'name': 'one'}, ['one']), ({'status': 'error'}, ['two']),
                ({'bootable': 'true'}, ['one']),
                ({'bootable': '0'}, ['two']), ({'size': '2'}, ['one']),
                ({'size': 'two'}, []), ({'name': ''}, []),
                ({'metadata': "{'k': 'v'}"}, ['one']),
                ({'metadata': '{"k": "v", "more": "it\'s"}'}, ['one']),
                ({'metadata': "{'k': 'w'}"}, [])):
            self.assertEqual(wanted, self._names(**params), params)

    def test_values_that_mean_nothing(self):
        for name, value in (('bootable', 'perhaps'), ('metadata', '{'),
                            ('metadata', '{"k": 1}'), ('metadata', '[]'),
                            ('metadata', 'open("x")'),
                            ('metadata', '[' * 900)):
            answer = self.get('volumes', token=base.MEMBER,
                              **{name: value})
            self.assert_fault(400, 'badRequest', answer)

    def test_unknown_ones_before_3_31(self):
        both = ['one', 'two']
        self.assertEqual(both, self._names(host='x', nothing='x'))
        self.assertEqual([], self._names(token=base.ADMIN, nothing='x'))
        self.assertEqual(both, self._names(token=base.ADMIN, host=base.HOST))

    def test_unknown_ones_since_3_31(self):
        for name in ('host', 'nothing', 'provider_auth'):
            answer = self.get('volumes', token=base.MEMBER, version='3.31',
                              **{name: 'x'})
            self.assert_fault(400, 'badRequest', answer)
            self.assertEqual([], self._names('3.31', base.ADMIN,
                                             **{name: 'x'}))

    def test_what_the_operator_allows(self):
        self.conf.set_override('resource_filters', ['volume: host, status'],
                               'api')
        self.assertEqual(['two'], self._names('3.31', status='error'))
        answer = self.get('volumes', token=base.MEMBER, version='3.31',
                          name='one')
        self.assert_fault(400, 'badRequest', answer)

    def test_parts_of_a_value(self):
        self.assertEqual(['one'], self._names('3.34', **{'name~': 'n'}))
        self.assertEqual([], self._names('3.34', **{'name~': '%'}))
        self.assertEqual(['one', 'two'], self._names('3.30',
                                                     **{'name~': 'n'}))

    def test_times(self):
        long_ago, later = '2001-01-01T00:00:00', '2999-01-01T00:00:00Z'
        for value, wanted in ((f'gt:{long_ago}', 2), (f'lt:{long_ago}', 0),
                              (f'gte:{long_ago},lte:{later}', 2),
                              (long_ago, 0)):
            self.assertEqual(wanted, len(self._names(
                '3.60', created_at=value)), value)
        self.assertEqual(2, len(self._names('3.59', created_at='lt:x')))
        for value in ('gt:yesterday', '', 'gt:', '2001-01-01T00:00:00,',
                      '0001-01-01T00:00:00+14:00'):
            answer = self.get('volumes', token=base.MEMBER, version='3.60',
                              created_at=value)
            self.assert_fault(400, 'badRequest', answer)

    def test_what_the_service_made_for_itself(self):
        self.change(models.Volume, self.two, purpose='backup',
                    use_quota=False)
        self.assertEqual(['one'], self._names('3.65'))
        self.assertEqual(['two'], self._names('3.65',
                                              consumes_quota='false'))

    def test_statements_of_a_list(self):
        for path, most in (('volumes/detail', 4), ('volumes', 2),
                           (f'volumes/{self.one}', 3)):
            with self.counted_statements() as statements:
                answer = self.get(path, token=base.MEMBER)
            self.assertEqual(200, answer.status)
            self.assertLessEqual(len(statements), most, statements)
