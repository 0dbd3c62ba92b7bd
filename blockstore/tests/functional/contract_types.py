"""Volume types: contract rest-api §6, where the nouns' tests say nothing."""

from blockstore.db import services
from blockstore.tests.unit.api import base

NO_ID = '11111111-2222-3333-4444-555555555555'
ACCESS = 'os-volume-type-access:is_public'


class TypeTest(base.ApiTestCase):

    def make(self, name, **values):
        answer = self.post('types', {'volume_type': {'name': name, **values}})
        self.assertEqual(200, answer.status, answer.raw)
        return answer.json['volume_type']['id']

    def test_a_value_may_be_null(self):
        """Extra specs: S or null; no pool fulfils what is null."""
        with self.database.write() as tx:
            services.report(tx, 'node1@fast', services.VOLUME, zone='az1',
                            capabilities={'free_capacity_gb': 40})
        path = f'types/{self.make("odd", extra_specs={"k": None})}'
        self.assertEqual({'k': None}, self.get(
            path).json['volume_type']['extra_specs'])
        self.assertEqual({'k': None}, self.get(
            f'{path}/extra_specs/k').json)
        answer = self.get('scheduler-stats/get_pools', version='3.35',
                          volume_type='odd')
        self.assertEqual((200, {'pools': []}), (answer.status, answer.json))

    def test_pools_of_a_type_are_those_of_the_scheduler(self):
        """§9, 3.35: its operators count, too."""
        with self.database.write() as tx:
            services.report(tx, 'node1@fast', services.VOLUME, zone='az1',
                            capabilities={'free_capacity_gb': 40,
                                          'capabilities': ['reverts']})
        for number, (specs, wanted) in enumerate((
                ({'free_capacity_gb': '>= 30'}, 1),
                ({'free_capacity_gb': '>= 50'}, 0),
                ({'capabilities:reverts': '<is> True'}, 1),
                ({'clones': '<is> True'}, 0),
                ({'provisioning:type': 'thin'}, 1), ({}, 1))):
            self.make(f't{number}', extra_specs=specs)
            answer = self.get('scheduler-stats/get_pools', version='3.35',
                              volume_type=f't{number}')
            self.assertEqual(wanted, len(answer.json['pools']), specs)

    def test_nobody_finds_out_what_is_not_shown(self):
        self.make('gold', extra_specs={'volume_backend_name': 'secret',
                                       'multiattach': '<is> True'})
        for specs, token, wanted in (
                ("{'volume_backend_name': 'secret'}", base.ADMIN, 1),
                ("{'volume_backend_name': 'secret'}", base.MEMBER, 0),
                ("{'multiattach': '<is> True'}", base.MEMBER, 1)):
            answer = self.get('types', version='3.52', token=token,
                              extra_specs=specs)
            self.assertEqual(200, answer.status, answer.raw)
            self.assertEqual(wanted, len(answer.json['volume_types']))

    def test_what_is_public(self):
        """The key with the prefix is for members, the other for all."""
        id_ = self.make('open', **{ACCESS: 'yes'})
        self.assertIs(True, self.get(
            f'types/{id_}', token=base.READER).json['volume_type'][
                'is_public'])
        for value in ('perhaps', 1, None):
            self.assert_fault(400, 'badRequest', self.post(
                'types', {'volume_type': {'name': 'n', ACCESS: value}}))

    def test_extra_specs(self):
        path = f'types/{self.make("t")}/extra_specs'
        answer = self.post(path, {'extra_specs': {'a': 'b', 'c': None}})
        self.assertEqual((200, {'extra_specs': {'a': 'b', 'c': None}}),
                         (answer.status, answer.json))
        answer = self.ask('PUT', f'{path}/a', {'a': 'd'})
        self.assertEqual((200, {'a': 'd'}), (answer.status, answer.json))
        for method, below, body, status in (
                ('PUT', '/a', {'b': 'd'}, 400),
                ('PUT', '/a', {'a': 'd', 'b': 'e'}, 400),
                ('PUT', '/a', {'a': 1}, 400), ('PUT', '/a', {}, 400),
                ('POST', '', {'extra_specs': {}}, 400),
                ('POST', '', {'extra_specs': {'a/b': 'c'}}, 400),
                ('POST', '', {'extra_specs': {'a': 'x' * 256}}, 400),
                ('GET', '/none', None, 404), ('DELETE', '/none', None, 404)):
            self.assertEqual(status, self.ask(
                method, path + below, body).status, (method, below, body))
        answer = self.ask('DELETE', f'{path}/c')
        self.assertEqual((202, b''), (answer.status, answer.raw))
        self.assertEqual({'extra_specs': {'a': 'd'}}, self.get(path).json)
        for below in ('', '/a'):
            self.assert_fault(404, 'itemNotFound', self.get(
                f'types/{NO_ID}/extra_specs{below}'))

    def test_specs_of_a_type_in_use(self):
        path = f'types/{self.make("t", extra_specs={"a": "b"})}/extra_specs'
        answer = self.post('volumes', {'volume': {
            'size': 1, 'volume_type': 't'}})
        self.assertEqual('t', answer.json['volume']['volume_type'])
        for method, below, body in (
                ('POST', '', {'extra_specs': {'c': 'd'}}),
                ('PUT', '/a', {'a': 'c'}), ('DELETE', '/a', None)):
            self.assert_fault(400, 'badRequest', self.ask(
                method, path + below, body))
        self.assertEqual({'extra_specs': {'a': 'b'}}, self.get(path).json)

    def test_encryption_of_none(self):
        answer = self.get(f'types/{self.make("t")}/encryption')
        self.assertEqual((200, {}), (answer.status, answer.json))
        self.assert_fault(404, 'itemNotFound',
                          self.get(f'types/{NO_ID}/encryption'))

    def test_multiattach_of_a_type(self):
        """§1: not asked for in the request, but by the type."""
        self.make('shared', extra_specs={'multiattach': '<is> True'})
        answer = self.post('volumes', {'volume': {
            'size': 1, 'volume_type': 'shared'}})
        self.assertIs(True, answer.json['volume']['multiattach'])
