"""Who gets what of every URL: contract rest-api legend and §0.3.

Each row of the route table is asked for by a member of another project, a
reader, a member and nobody.  Another project's things are not found (404,
not 403) and are in no list; readers change nothing; members do nothing that
is for administrators.
"""

from oslo_utils import uuidutils

from blockstore import context
from blockstore.api import policy
from blockstore.api import routes
from blockstore.db import models
from blockstore.tests import row_requests
from blockstore.tests.unit.api import base


class TenantsTest(row_requests.RowsCase):
    """One of each, in one project, seen by all sorts of callers."""

    def setUp(self):
        super().setUp()
        self.enforcer = policy.Enforcer(self.conf)
        self.member = context.RequestContext(
            user_id='u', project_id='p', roles=['member', 'reader'],
            is_admin=False)

    def _rule_is_for_administrators(self, row):
        """Ask policy itself, apart from the router."""
        return not self.enforcer.allows(self.member, row.policy)

    def test_another_project_finds_nothing(self):
        for row in routes.TABLE:
            answer = self.ask_row(row, base.STRANGER)
            what = (row.method, row.path, row.action, answer.raw)
            if self._rule_is_for_administrators(row):
                self.assertEqual(403, answer.status, what)
            elif row.path.startswith('/os-quota-sets'):
                wanted = 200 if row.path.endswith('defaults') else 403
                self.assertEqual(wanted, answer.status, what)
            elif '{' in row.path and row.path not in row_requests.SHARED:
                self.assert_fault(404, 'itemNotFound', answer)
            elif row.method == 'GET':
                self.assertIn(answer.status, (200, 404), what)
                for id_ in self.ids.values():
                    if uuidutils.is_uuid_like(id_):
                        self.assertNotIn(id_.encode(), answer.raw, what)
            elif row.path != '/volumes':
                self.assert_fault(404, 'itemNotFound', answer)
        self._check_untouched()

    def test_a_reader_changes_nothing(self):
        for row in routes.TABLE:
            answer = self.ask_row(row, base.READER)
            what = (row.method, row.path, row.action, answer.raw)
            if row.method == 'GET':
                admins = self._rule_is_for_administrators(row)
                self.assertIn(answer.status, (403,) if admins else (
                    200, 404), what)
            else:
                self.assert_fault(403, 'forbidden', answer)
        self._check_untouched()

    def test_a_member_is_no_administrator(self):
        for row in routes.TABLE:
            if self._rule_is_for_administrators(row):
                self.assert_fault(403, 'forbidden',
                                  self.ask_row(row, base.MEMBER))
        self._check_untouched()

    def test_nobody_gets_nothing(self):
        for row in routes.TABLE:
            self.assert_fault(401, 'unauthorized', self.ask_row(row, ':x'))

    def test_what_is_for_administrators(self):
        """The lines of the contract that are marked A, and no others."""
        admin = {
            (row.method, row.path, row.action) for row in routes.TABLE
            if self._rule_is_for_administrators(row)}
        for method, path, action in (
                ('POST', '/volumes/{volume_id}/action', 'os-reset_status'),
                ('POST', '/volumes/{volume_id}/action', 'os-force_delete'),
                ('POST', '/volumes/{volume_id}/action', 'os-force_detach'),
                ('POST', '/snapshots/{snapshot_id}/action',
                 'os-reset_status'),
                ('POST', '/snapshots/{snapshot_id}/action',
                 'os-force_delete'),
                ('POST', '/backups/{backup_id}/action', 'os-reset_status'),
                ('POST', '/backups/{backup_id}/action', 'os-force_delete'),
                ('POST', '/types', None), ('PUT', '/types/{type_id}', None),
                ('DELETE', '/types/{type_id}', None),
                ('GET', '/os-services', None),
                ('GET', '/scheduler-stats/get_pools', None),
                ('GET', '/capabilities/{host}', None),
                ('GET', '/default-types', None),
                ('PUT', '/os-quota-sets/{project_id}', None),
                ('DELETE', '/os-quota-sets/{project_id}', None),
                ('GET', '/os-quota-class-sets/{class_name}', None),
                ('GET', '/types/{type_id}/os-volume-type-access', None),
                ('POST', '/os-volume-manage', None),
                ('POST', '/os-snapshot-manage', None),
                ('GET', '/manageable_volumes', None),
                ('GET', '/manageable_snapshots/detail', None),
                ('POST', '/volumes/{volume_id}/action', 'os-unmanage'),
                ('POST', '/snapshots/{snapshot_id}/action', 'os-unmanage')):
            self.assertIn((method, path, action), admin)
        for method, path, action in admin:
            self.assertTrue(
                path.startswith(('/types', '/default-types', '/os-services',
                                 '/os-quota', '/scheduler-stats',
                                 '/capabilities', '/os-volume-manage',
                                 '/os-snapshot-manage', '/manageable_'))
                or action in ('os-reset_status', 'os-force_delete',
                              'os-force_detach', 'os-unmanage'),
                (method, path, action))

    def test_force_delete_as_a_parameter(self):
        """§1: force needs 3.23 and an administrator; below it is no word."""
        path = f'volumes/{self.ids["volume_id"]}'
        self.assert_fault(403, 'forbidden', self.ask(
            'DELETE', path, version='3.23', token=base.MEMBER, force='true'))
        for version, name in (('3.23', 'force'), ('3.0', 'cascade')):
            self.assert_fault(400, 'badRequest', self.ask(
                'DELETE', path, version=version, **{name: 'perhaps'}))
        self._check_untouched()
        self.ask('DELETE', f'snapshots/{self.ids["snapshot_id"]}')
        self.change(models.Snapshot, self.ids['snapshot_id'], deleted=True)
        self.change(models.Volume, self.ids['volume_id'], status='creating')
        for version, status in (('3.22', 400), ('3.23', 202)):
            self.assertEqual(status, self.ask(
                'DELETE', path, version=version, force='true').status)

    def test_sources_of_another_project(self):
        """Nothing can be made of what others have."""
        for path, body in (
                ('volumes', {'volume': {
                    'snapshot_id': self.ids['snapshot_id']}}),
                ('volumes', {'volume': {
                    'source_volid': self.ids['volume_id']}}),
                ('volumes', {'volume': {
                    'backup_id': self.ids['backup_id']}}),
                ('volumes', {'volume': {'size': 1,
                                        'volume_type': 'secret'}}),
                ('volumes', {'volume': {
                    'size': 1, 'volume_type': self.ids['type_id']}})):
            self.assert_fault(404, 'itemNotFound', self.post(
                path, body, version='3.71', token=base.STRANGER))
        mine = self.make_volume(token=base.STRANGER)
        for path, body in (
                ('backups', {'backup': {
                    'volume_id': mine,
                    'snapshot_id': self.ids['snapshot_id']}}),
                (f'volumes/{mine}/action', {'revert': {
                    'snapshot_id': self.ids['snapshot_id']}}),
                (f'volumes/{mine}/action', {'os-detach': {
                    'attachment_id': self.ids['attachment_id']}})):
            self.assert_fault(404, 'itemNotFound', self.post(
                path, body, version='3.71', token=base.STRANGER))
        self._check_untouched()

    def test_restore_into_another_project(self):
        theirs = self.make_volume(token=base.STRANGER)
        self.assert_fault(404, 'itemNotFound', self.post(
            f'backups/{self.ids["backup_id"]}/restore',
            {'restore': {'volume_id': theirs}}, token=base.MEMBER))
        self._check_untouched()

    def _check_untouched(self):
        for noun in ('volume', 'snapshot', 'backup'):
            answer = self.get(f'{noun}s/{self.ids[noun + "_id"]}',
                              token=base.MEMBER)
            self.assertEqual('available', answer.json[noun]['status'])
            self.assertIsNone(answer.json[noun]['name'])
            if noun != 'backup':
                self.assertEqual({'k': 'mine'}, answer.json[noun]['metadata'])
        answer = self.get(f'attachments/{self.ids["attachment_id"]}',
                          version='3.27', token=base.MEMBER)
        self.assertEqual('reserved', answer.json['attachment']['status'])
        for path in ('messages/' + self.ids['message_id'],
                     'types/' + self.ids['type_id']):
            self.assertEqual(200, self.get(path, version='3.71').status)
