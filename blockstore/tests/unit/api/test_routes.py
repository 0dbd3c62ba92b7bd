"""The table: every row is whole and can be reached."""

import inspect
import re

from oslotest import base

from blockstore.api import microversions
from blockstore.api import policy
from blockstore.api import routes
from blockstore.tests.unit.api import base as api_base

SOME_ID = '11111111-2222-3333-4444-555555555555'


def names(rows):
    return {f'{row.method} {row.path} {row.action or ""} {row.min}': row
            for row in rows}


class TableTest(base.BaseTestCase):
    """What every row has."""

    def test_rules_exist(self):
        enforcer = policy.Enforcer(api_base.make_conf())
        missing = [name for name, row in names(routes.TABLE).items()
                   if not enforcer.knows(row.policy)]
        self.assertEqual([], missing)

    def test_handlers_take_what_their_path_gives(self):
        for name, row in names(routes.TABLE).items():
            wanted = set(re.findall(r'{(\w+)}', row.path))
            taken = list(inspect.signature(row.handler).parameters)
            self.assertEqual('req', taken[0], name)
            self.assertEqual(wanted, set(taken[1:]), name)

    def test_writing_rows_have_a_schema(self):
        for name, row in names(routes.TABLE).items():
            if row.method in ('POST', 'PUT'):
                self.assertIsNotNone(row.schema, name)
            else:
                self.assertIsNone(row.schema, name)

    def test_versions_of_one_row_do_not_overlap(self):
        seen = {}
        for row in routes.TABLE:
            self.assertLessEqual(row.min, row.max)
            key = row.method, row.path, row.action
            for other in seen.get(key, ()):
                self.assertTrue(
                    row.min > other.max or row.max < other.min, key)
            seen.setdefault(key, []).append(row)

    def test_an_actions_schema_has_its_name(self):
        for name, row in names(routes.TABLE).items():
            if row.action:
                self.assertEqual([row.action],
                                 row.schema.document['required'], name)


class ReachTest(api_base.ApiTestCase):
    """Every row answers at its versions, and is a 404 below them."""

    def _ask(self, row, version, token=api_base.ADMIN):
        path = '/v3' + re.sub(
            r'{(\w+)}', lambda part: SOME_ID if part[1] != 'key' else 'k',
            row.path)
        body = {row.action: None} if row.action else None
        return self.ask(row.method, path, body, version=str(version),
                        token=token)

    def test_every_row_answers_and_never_fails(self):
        for name, row in names(routes.TABLE).items():
            for version in {row.min, row.max}:
                answer = self._ask(row, version)
                self.assertIn(answer.status, (200, 202, 204, 400, 404), name)
                if answer.status == 404:
                    message = answer.json['itemNotFound']['message']
                    self.assertNotIn('there is no such URL', message, name)
                    self.assertNotIn('is not there at', message, name)

    def test_every_row_asks_policy(self):
        nobody = f'mallory:{api_base.PROJECT}:nothing'
        for name, row in names(routes.TABLE).items():
            answer = self._ask(row, row.min, token=nobody)
            rule = [one for one in policy.policies.list_rules()
                    if one.name == row.policy][0]
            if rule.check_str:
                self.assertEqual(403, answer.status, name)

    def test_rows_begin_at_their_version(self):
        first = {}
        for row in routes.TABLE:
            key = row.method, row.path, row.action
            first[key] = min(first.get(key, row), row,
                             key=lambda one: one.min)
        for row in first.values():
            if row.min > microversions.MIN:
                before = microversions.Version(3, row.min.minor - 1)
                answer = self._ask(row, before)
                self.assert_fault(404, 'itemNotFound', answer)
