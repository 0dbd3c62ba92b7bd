"""Who may do what by default, and how an operator changes it."""

import fixtures
from oslotest import base

from blockstore import context
from blockstore import exceptions
from blockstore import policies
from blockstore.api import policy
from blockstore.tests.unit.api import base as api_base


def caller(*roles, is_admin=False, service_roles=()):
    return context.RequestContext(
        user_id='u', project_id='p', roles=policy.with_implied(list(roles)),
        is_admin=is_admin, service_roles=service_roles, overwrite=False)


class RolesTest(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.enforcer = policy.Enforcer(api_base.make_conf())

    def test_implied_roles(self):
        self.assertEqual(['admin', 'member', 'reader'],
                         policy.with_implied(['admin']))
        self.assertEqual(['reader', 'member', 'x'],
                         policy.with_implied(['reader', 'member', 'x']))

    def test_rules_by_role(self):
        who = {'nobody': caller('x'), 'reader': caller('reader'),
               'member': caller('member'),
               'service': caller('x', service_roles=['service']),
               'admin': caller('admin', is_admin=True)}
        for rule, allowed in (
                ('volume:get', {'reader', 'member', 'admin'}),
                ('volume:create', {'member', 'admin'}),
                ('volume:force_delete', {'admin'}),
                ('volume:attached_host', {'service', 'admin'})):
            self.assertEqual(allowed, {
                name for name, one in who.items()
                if self.enforcer.allows(one, rule)}, rule)

    def test_unknown_rules_allow_nobody(self):
        self.assertFalse(self.enforcer.allows(
            caller('admin', is_admin=True), 'volume:nothing'))

    def test_require(self):
        self.enforcer.require(caller('member'), 'volume:create')
        error = self.assertRaises(
            exceptions.Forbidden, self.enforcer.require, caller('reader'),
            'volume:create')
        self.assertIn('volume:create', error.message)

    def test_administrators(self):
        self.assertTrue(self.enforcer.is_admin(['admin', 'member']))
        self.assertFalse(self.enforcer.is_admin(['member']))

    def test_rules_are_unique_and_described(self):
        rules = policies.list_rules()
        self.assertEqual(len(rules), len({rule.name for rule in rules}))
        for rule in rules:
            self.assertTrue(rule.description, rule.name)


class FileTest(base.BaseTestCase):

    def test_an_operators_file_counts(self):
        home = self.useFixture(fixtures.TempDir()).path
        path = f'{home}/policy.yaml'
        with open(path, 'w') as file:
            file.write('"volume:create": "role:maker"\n')
        conf = api_base.make_conf()
        conf.set_override('policy_file', path, 'oslo_policy')
        enforcer = policy.Enforcer(conf)
        self.assertTrue(enforcer.allows(caller('maker'), 'volume:create'))
        self.assertFalse(enforcer.allows(caller('member'), 'volume:create'))
        self.assertTrue(enforcer.allows(caller('member'), 'volume:delete'))
