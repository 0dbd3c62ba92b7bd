"""Volume types: who sees, makes, changes and removes them."""

from blockstore.tests.unit.api import base

ACCESS = 'os-volume-type-access:is_public'


class TypeTestCase(base.ApiTestCase):
    """Makes types."""

    def make(self, name='gold', **values):
        answer = self.post('types', {'volume_type': {'name': name, **values}})
        self.assertEqual(200, answer.status, answer.raw)
        return answer.json['volume_type']['id']

    def names(self, **kwargs):
        answer = self.get('types', **kwargs)
        self.assertEqual(200, answer.status, answer.raw)
        return [item['name'] for item in answer.json['volume_types']]


class LifeTest(TypeTestCase):
    """From POST to DELETE."""

    def test_create_shows_the_type(self):
        answer = self.post('types', {'volume_type': {
            'name': ' gold ', 'description': 'shiny',
            'extra_specs': {'volume_backend_name': 'qsd'}, ACCESS: False}})
        self.assertEqual(200, answer.status)
        shown = answer.json['volume_type']
        self.assertEqual({
            'id': shown['id'], 'name': 'gold', 'description': 'shiny',
            'is_public': False, ACCESS: False, 'qos_specs_id': None,
            'extra_specs': {'volume_backend_name': 'qsd'}}, shown)
        self.assertEqual(answer.json,
                         self.get(f'types/{shown["id"]}').json)

    def test_a_name_is_taken_once(self):
        type_id = self.make('gold')
        self.make('silver')
        self.assert_fault(409, 'conflictingRequest', self.post(
            'types', {'volume_type': {'name': 'gold'}}))
        self.assert_fault(409, 'conflictingRequest', self.ask(
            'PUT', f'types/{type_id}', {'volume_type': {'name': 'silver'}}))
        self.assertEqual(202, self.ask('DELETE', f'types/{type_id}').status)
        self.make('gold')

    def test_update(self):
        type_id = self.make('gold', description='old')
        answer = self.ask('PUT', f'types/{type_id}', {'volume_type': {
            'description': 'new', 'is_public': False}})
        self.assertEqual(200, answer.status)
        self.assertEqual(('gold', 'new', False), tuple(
            answer.json['volume_type'][key]
            for key in ('name', 'description', 'is_public')))
        for body in ({}, {'name': ' '}, {'name': None}, {'colour': 'x'},
                     {'is_public': 'perhaps'}):
            self.assert_fault(400, 'badRequest', self.ask(
                'PUT', f'types/{type_id}', {'volume_type': body}))

    def test_bad_bodies(self):
        for body in ({}, {'name': ''}, {'name': 'x' * 256}, {'name': 1},
                     {'name': 'a', 'extra_specs': {'k': 1}},
                     {'name': 'a', 'extra_specs': {'': 'v'}},
                     {'name': 'a', 'more': 1}):
            self.assert_fault(400, 'badRequest', self.post(
                'types', {'volume_type': body}))

    def test_what_is_used_or_default_stays(self):
        type_id = self.make('gold')
        answer = self.post('volumes', {'volume': {
            'size': 1, 'volume_type': 'gold'}}, token=base.MEMBER)
        self.assertEqual(202, answer.status, answer.raw)
        refused = self.ask('DELETE', f'types/{type_id}')
        self.assert_fault(400, 'badRequest', refused)
        self.assertEqual(['1 volumes'], refused.json['badRequest']['blockers'])
        default_id = self.make('usual')
        self.conf.set_override('default_volume_type', 'usual', 'volume')
        self.assert_fault(400, 'badRequest',
                          self.ask('DELETE', f'types/{default_id}'))

    def test_what_is_not_there_is_404(self):
        type_id = self.make()
        self.ask('DELETE', f'types/{type_id}')
        for method, body in (('GET', None), ('DELETE', None),
                             ('PUT', {'volume_type': {'name': 'x'}})):
            self.assert_fault(404, 'itemNotFound', self.ask(
                method, f'types/{type_id}', body))

    def test_only_administrators_write(self):
        type_id = self.make()
        for method, path, body in (
                ('POST', 'types', {'volume_type': {'name': 'x'}}),
                ('PUT', f'types/{type_id}', {'volume_type': {'name': 'x'}}),
                ('DELETE', f'types/{type_id}', None),
                ('POST', f'types/{type_id}/extra_specs',
                 {'extra_specs': {'a': 'b'}}),
                ('GET', f'types/{type_id}/os-volume-type-access', None)):
            self.assert_fault(403, 'forbidden', self.ask(
                method, path, body, token=base.MEMBER))


class ViewTest(TypeTestCase):
    """Who sees what of a type."""

    def test_users_see_what_is_meant_for_them(self):
        type_id = self.make(extra_specs={
            'volume_backend_name': 'secret', 'multiattach': '<is> True'})
        shown = self.get(f'types/{type_id}', token=base.MEMBER)
        self.assertEqual({
            'id', 'name', 'description', 'is_public', ACCESS, 'extra_specs'},
            set(shown.json['volume_type']))
        self.assertEqual({'multiattach': '<is> True'},
                         shown.json['volume_type']['extra_specs'])
        self.assertEqual(
            {'extra_specs': {'multiattach': '<is> True'}},
            self.get(f'types/{type_id}/extra_specs',
                     token=base.MEMBER).json)
        self.assert_fault(404, 'itemNotFound', self.get(
            f'types/{type_id}/extra_specs/volume_backend_name',
            token=base.MEMBER))
        self.assertNotIn(ACCESS, self.get(
            f'types/{type_id}', token=base.READER).json['volume_type'])

    def test_default(self):
        self.assert_fault(404, 'itemNotFound', self.get('types/default'))
        type_id = self.make('usual')
        self.conf.set_override('default_volume_type', 'usual', 'volume')
        answer = self.get('types/default', token=base.READER)
        self.assertEqual(type_id, answer.json['volume_type']['id'])

    def test_a_missing_default_is_our_fault(self):
        self.conf.set_override('default_volume_type', 'usual', 'volume')
        answer = self.post('volumes', {'volume': {'size': 1}})
        self.assertEqual(500, answer.status)
        self.assertEqual('blockstore.type.default_missing',
                         answer.json['computeFault']['error_code'])


class ProjectDefaultTest(TypeTestCase):
    """/default-types, from 3.62."""

    PATH = f'default-types/{base.PROJECT}'

    def put(self, name, **kwargs):
        return self.ask('PUT', self.PATH, {'default_type': {
            'volume_type': name}}, version='3.62', **kwargs)

    def new_volume(self, token=base.MEMBER):
        answer = self.post('volumes', {'volume': {'size': 1}}, token=token)
        return answer.json['volume']['volume_type']

    def test_a_project_s_default_comes_first(self):
        self.make('usual')
        type_id = self.make('gold')
        self.conf.set_override('default_volume_type', 'usual', 'volume')
        shown = {'project_id': base.PROJECT, 'volume_type_id': type_id}
        answer = self.put('gold')
        self.assertEqual((200, {'default_type': shown}),
                         (answer.status, answer.json))
        self.assertEqual({'default_type': shown},
                         self.get(self.PATH, version='3.62').json)
        self.assertEqual({'default_types': [shown]},
                         self.get('default-types', version='3.62').json)
        self.assertEqual(type_id, self.get(
            'types/default').json['volume_type']['id'])
        self.assertEqual(('gold', 'usual'), (
            self.new_volume(), self.new_volume(base.STRANGER)))
        self.assertEqual(204, self.ask(
            'DELETE', self.PATH, version='3.62').status)
        self.assertEqual('usual', self.new_volume())
        self.assert_fault(404, 'itemNotFound',
                          self.get(self.PATH, version='3.62'))

    def test_a_default_stays(self):
        type_id = self.make('gold')
        self.put(type_id)
        self.assert_fault(400, 'badRequest',
                          self.ask('DELETE', f'types/{type_id}'))
        self.put(self.make('silver'))
        self.assertEqual(202, self.ask('DELETE', f'types/{type_id}').status)

    def test_refusals(self):
        self.assert_fault(404, 'itemNotFound', self.put('nothing'))
        self.assert_fault(403, 'forbidden',
                          self.put('nothing', token=base.MEMBER))
        self.assertEqual(404, self.get('default-types',
                                       version='3.61').status)


class ListTest(TypeTestCase):
    """GET /types."""

    def test_private_types_are_there_for_those_who_were_given_them(self):
        self.make('open')
        type_id = self.make('closed', **{ACCESS: False})
        self.assertEqual(['open'], self.names(token=base.MEMBER))
        self.assert_fault(404, 'itemNotFound', self.get(
            f'types/{type_id}', token=base.MEMBER))
        self.assert_fault(404, 'itemNotFound', self.post(
            'volumes', {'volume': {'size': 1, 'volume_type': 'closed'}},
            token=base.MEMBER))
        self.action(f'types/{type_id}', 'addProjectAccess',
                    {'project': base.PROJECT})
        self.assertEqual({'open', 'closed'},
                         set(self.names(token=base.MEMBER)))
        self.assertEqual(['open'], self.names(token=base.STRANGER))

    def test_is_public_is_for_administrators(self):
        self.make('open')
        self.make('closed', **{ACCESS: False})
        self.assertEqual(['open'], self.names())
        self.assertEqual({'open', 'closed'},
                         set(self.names(is_public='None')))
        self.assertEqual(['closed'], self.names(is_public='false'))
        self.assertEqual(['open'], self.names(token=base.MEMBER,
                                              is_public='false'))
        self.assertEqual(400, self.get('types', is_public='maybe').status)

    def test_extra_specs_filter_from_3_52(self):
        self.make('fast', extra_specs={'speed': 'high'})
        self.make('slow', extra_specs={'speed': 'low'})
        wanted = "{'speed': 'high'}"
        self.assertEqual({'fast', 'slow'},
                         set(self.names(extra_specs=wanted)))
        self.assertEqual(['fast'], self.names(extra_specs=wanted,
                                              version='3.52'))

    def test_pages(self):
        for name in 'abc':
            self.make(name)
        first = self.get('types', sort='name:asc', limit='2')
        self.assertEqual(['a', 'b'], [
            item['name'] for item in first.json['volume_types']])
        link = first.json['volume_type_links'][0]['href']
        self.assertIn('/v3/types?', link)
        second = self.get('/v3/' + link.split('/v3/')[1])
        self.assertEqual(['c'], [
            item['name'] for item in second.json['volume_types']])
        self.assertNotIn('volume_type_links', second.json)
        self.assert_fault(404, 'itemNotFound',
                          self.get('types', marker='nothing'))


class ExtraSpecTest(TypeTestCase):
    """What a type asks of a back end."""

    def test_round_trip(self):
        path = f'types/{self.make()}/extra_specs'
        given = {'extra_specs': {'a': '1', 'b': '2'}}
        answer = self.post(path, given)
        self.assertEqual((200, given), (answer.status, answer.json))
        self.assertEqual({'b': '2'}, self.get(path + '/b').json)
        changed = self.ask('PUT', path + '/b', {'b': '3'})
        self.assertEqual((200, {'b': '3'}), (changed.status, changed.json))
        self.assertEqual(202, self.ask('DELETE', path + '/a').status)
        self.assertEqual({'extra_specs': {'b': '3'}}, self.get(path).json)

    def test_refusals(self):
        type_id = self.make()
        path = f'types/{type_id}/extra_specs'
        for body in ({'b': '3', 'a': '1'}, {'c': '3'}, {}):
            self.assert_fault(400, 'badRequest',
                              self.ask('PUT', path + '/b', body))
        self.assert_fault(404, 'itemNotFound', self.get(path + '/zz'))
        self.assert_fault(404, 'itemNotFound',
                          self.ask('DELETE', path + '/zz'))
        self.post('volumes', {'volume': {'size': 1, 'volume_type': type_id}})
        self.assert_fault(400, 'badRequest', self.post(
            path, {'extra_specs': {'a': '1'}}))


class AccessTest(TypeTestCase):
    """Who may use a private type."""

    def test_round_trip(self):
        type_id = self.make(**{ACCESS: False})
        path = f'types/{type_id}'
        project = {'project': base.OTHER_PROJECT}
        self.assertEqual(202, self.action(
            path, 'addProjectAccess', project).status)
        self.assert_fault(409, 'conflictingRequest', self.action(
            path, 'addProjectAccess', project))
        self.assertEqual(
            {'volume_type_access': [{'volume_type_id': type_id,
                                     'project_id': base.OTHER_PROJECT}]},
            self.get(path + '/os-volume-type-access').json)
        self.assertEqual(202, self.action(
            path, 'removeProjectAccess', project).status)
        self.assert_fault(404, 'itemNotFound', self.action(
            path, 'removeProjectAccess', project))

    def test_public_types_have_no_list(self):
        path = f'types/{self.make()}'
        self.assert_fault(404, 'itemNotFound',
                          self.get(path + '/os-volume-type-access'))
        self.assert_fault(400, 'badRequest', self.action(
            path, 'addProjectAccess', {'project': base.PROJECT}))
