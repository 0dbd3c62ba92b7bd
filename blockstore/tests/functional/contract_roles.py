"""Which role may do what: every row of the route table, role by role.

What is expected is written down here, by hand, and not asked of policy: a
row without an expectation fails, and so does a default that changes.  Each
request is a real one; the database is put back after it.
"""

import sqlite3

from oslo_utils import uuidutils

from blockstore.api import routes
from blockstore.tests import row_requests
from blockstore.tests.unit.api import base

# Who may: the roles in a project, beside admin, who may do everything.
READ = {'reader', 'member'}
CHANGE = {'member'}
ADMIN = set()
SERVICE_READS = {'reader', 'member', 'service'}
SERVICE_CHANGES = {'member', 'service'}

_VOLUME = '/volumes/{volume_id}'
_SNAPSHOT = '/snapshots/{snapshot_id}'
_BACKUP = '/backups/{backup_id}'
_ATTACHMENT = '/attachments/{attachment_id}'
_TYPE = '/types/{type_id}'
_QUOTA = '/os-quota-sets/{project_id}'
_DEFAULT = '/default-types/{project_id}'

EXPECTED = {
    'GET /volumes': READ, 'GET /volumes/detail': READ,
    'GET /volumes/summary': READ, 'POST /volumes': CHANGE,
    f'GET {_VOLUME}': SERVICE_READS, f'PUT {_VOLUME}': CHANGE,
    f'DELETE {_VOLUME}': CHANGE,
    f'GET {_VOLUME}/encryption': SERVICE_READS,
    f'GET {_VOLUME}/encryption/{{key}}': SERVICE_READS,
    **{f'{method} {parent}/metadata{rest}':
       READ if method == 'GET' else CHANGE
       for parent in (_VOLUME, _SNAPSHOT)
       for method, rest in (
           ('GET', ''), ('POST', ''), ('PUT', ''), ('GET', '/{key}'),
           ('PUT', '/{key}'), ('DELETE', '/{key}'))},
    **{f'POST {_VOLUME}/action {name}': SERVICE_CHANGES for name in (
        'os-reserve', 'os-unreserve', 'os-begin_detaching',
        'os-roll_detaching', 'os-attach', 'os-detach',
        'os-initialize_connection', 'os-terminate_connection')},
    **{f'POST {_VOLUME}/action {name}': CHANGE for name in (
        'os-extend', 'revert', 'os-set_bootable',
        'os-update_readonly_flag')},
    **{f'POST {_VOLUME}/action {name}': ADMIN for name in (
        'os-reset_status', 'os-force_delete', 'os-force_detach')},
    'GET /snapshots': READ, 'GET /snapshots/detail': READ,
    'POST /snapshots': CHANGE, f'GET {_SNAPSHOT}': READ,
    f'PUT {_SNAPSHOT}': CHANGE, f'DELETE {_SNAPSHOT}': CHANGE,
    f'POST {_SNAPSHOT}/action os-reset_status': ADMIN,
    f'POST {_SNAPSHOT}/action os-force_delete': ADMIN,
    f'POST {_VOLUME}/action os-unmanage': ADMIN,
    f'POST {_SNAPSHOT}/action os-unmanage': ADMIN,
    'POST /os-snapshot-manage/{snapshot_id}/action os-unmanage': ADMIN,
    **{f'{method} {path}': ADMIN for path in (
        '/os-volume-manage', '/manageable_volumes', '/os-snapshot-manage',
        '/manageable_snapshots')
       for method in ('GET', 'POST')},
    **{f'GET {path}/detail': ADMIN for path in (
        '/os-volume-manage', '/manageable_volumes', '/os-snapshot-manage',
        '/manageable_snapshots')},
    'GET /backups': READ, 'GET /backups/detail': READ,
    'POST /backups': CHANGE, f'GET {_BACKUP}': READ,
    f'PUT {_BACKUP}': CHANGE, f'DELETE {_BACKUP}': CHANGE,
    f'POST {_BACKUP}/restore': CHANGE,
    f'POST {_BACKUP}/action os-reset_status': ADMIN,
    f'POST {_BACKUP}/action os-force_delete': ADMIN,
    'GET /attachments': SERVICE_READS,
    'GET /attachments/detail': SERVICE_READS,
    'POST /attachments': SERVICE_CHANGES,
    f'GET {_ATTACHMENT}': SERVICE_READS,
    f'PUT {_ATTACHMENT}': SERVICE_CHANGES,
    f'DELETE {_ATTACHMENT}': SERVICE_CHANGES,
    f'POST {_ATTACHMENT}/action os-complete': SERVICE_CHANGES,
    'GET /types': READ, 'GET /types/default': READ, 'POST /types': ADMIN,
    f'GET {_TYPE}': READ, f'PUT {_TYPE}': ADMIN, f'DELETE {_TYPE}': ADMIN,
    f'GET {_TYPE}/encryption': ADMIN, f'GET {_TYPE}/extra_specs': READ,
    f'POST {_TYPE}/extra_specs': ADMIN,
    f'GET {_TYPE}/extra_specs/{{key}}': READ,
    f'PUT {_TYPE}/extra_specs/{{key}}': ADMIN,
    f'DELETE {_TYPE}/extra_specs/{{key}}': ADMIN,
    f'GET {_TYPE}/os-volume-type-access': ADMIN,
    f'POST {_TYPE}/action addProjectAccess': ADMIN,
    f'POST {_TYPE}/action removeProjectAccess': ADMIN,
    'GET /default-types': ADMIN, f'GET {_DEFAULT}': ADMIN,
    f'PUT {_DEFAULT}': ADMIN, f'DELETE {_DEFAULT}': ADMIN,
    f'GET {_QUOTA}': READ, f'GET {_QUOTA}/defaults': READ,
    f'PUT {_QUOTA}': ADMIN, f'DELETE {_QUOTA}': ADMIN,
    'GET /os-quota-class-sets/{class_name}': ADMIN,
    'PUT /os-quota-class-sets/{class_name}': ADMIN, 'GET /limits': READ,
    'GET /os-services': ADMIN, 'PUT /os-services/enable': ADMIN,
    'PUT /os-services/disable': ADMIN,
    'PUT /os-services/disable-log-reason': ADMIN,
    'GET /scheduler-stats/get_pools': ADMIN,
    'GET /capabilities/{host}': ADMIN,
    'GET /messages': READ, 'GET /messages/{message_id}': READ,
    'DELETE /messages/{message_id}': CHANGE,
    'GET /operations': READ, 'GET /operations/{operation_id}': READ,
    'GET /os-availability-zone': READ, 'GET /extensions': READ,
    'GET /extensions/{alias}': READ, 'GET /resource_filters': READ,
}
# There is none here, or it is not for users to see: a 404 for those who may.
NOT_THERE = {'GET /types/default', 'GET /capabilities/{host}',
             f'GET {_VOLUME}/encryption/{{key}}',
             f'GET {_TYPE}/extra_specs/{{key}}'}
# What names something of a project in the body, not in the URL.
IN_THE_BODY = {'POST /snapshots', 'POST /backups', 'POST /attachments'}
# Of no project, so everybody with a role has them.
SHARED = {'GET /extensions/{alias}', f'GET {_QUOTA}/defaults'}


def name_of(row):
    """Return the key of a row in EXPECTED."""
    return f'{row.method} {row.path}' + (
        f' {row.action}' if row.action else '')


class RolesTest(row_requests.RowsCase):
    """Every row, as each of the roles, at home and elsewhere."""

    def setUp(self):
        super().setUp()
        for answer in (
                self.action(f'types/{self.ids["type_id"]}',
                            'addProjectAccess', {'project': base.PROJECT}),
                self.ask('PUT', f'default-types/{base.PROJECT}', {
                    'default_type': {'volume_type': 'secret'}},
                    version='3.62')):
            self.assertLess(answer.status, 300, answer.raw)
        self.connection = (
            self.database.engine.raw_connection().driver_connection)
        self.saved = sqlite3.connect(':memory:')
        self.addCleanup(self.saved.close)
        self.connection.backup(self.saved)

    def check(self, role, project, judge):
        """Ask for every row; collect what a judge does not like."""
        token = f'{role}:{project}:{role}'
        wrong = []
        for row in routes.TABLE:
            name = name_of(row)
            answer = self.ask_row(row, token)
            if row.method != 'GET':
                self.saved.backup(self.connection)
            if name in EXPECTED:
                allowed = role == 'admin' or role in EXPECTED[name]
                what = judge(row, name, allowed, answer)
                if what:
                    wrong.append(f'{name} ({row.min}-{row.max}) as {role}: '
                                 f'{answer.status}, not {what}')
        self.assertEqual([], wrong)

    def at_home(self, row, name, allowed, answer):
        """Judge an answer in the project whose things they are."""
        if not allowed:
            return None if answer.status == 403 else 'a 403'
        refused = {401, 403} if name in NOT_THERE else {401, 403, 404}
        if answer.status in refused or answer.status >= 500:
            return 'allowed'
        return None

    def elsewhere(self, row, name, allowed, answer):
        """Judge an answer in a project that has none of the things."""
        if not allowed:
            return None if answer.status == 403 else 'a 403'
        if name == f'GET {_QUOTA}':
            return None if answer.status == 403 else 'a 403'
        if name in IN_THE_BODY or ('{' in row.path and name not in SHARED):
            return None if answer.status == 404 else 'a 404'
        return self.has_nothing(row, answer)

    def has_nothing(self, row, answer):
        """Judge a list that must be without the things of the others."""
        if row.method == 'GET' and answer.status == 200:
            for name, id_ in self.ids.items():
                if (name != 'project_id' and uuidutils.is_uuid_like(id_)
                        and id_.encode() in answer.raw):
                    return 'without the things of others'
            return None
        good = (404,) if name_of(row) in NOT_THERE else (200, 202)
        return None if answer.status in good else 'an answer of their own'

    def far_sighted(self, row, name, allowed, answer):
        """Judge one who reaches the named things of every project."""
        return self.at_home(row, name, allowed, answer) or (
            self.has_nothing(row, answer)
            if allowed and '{' not in row.path and row.method == 'GET'
            and not row.path.startswith(('/types', '/default-types'))
            else None)

    def test_every_row_has_an_expectation(self):
        rows = {name_of(row) for row in routes.TABLE}
        self.assertEqual(set(), rows - set(EXPECTED), 'write them down')
        self.assertEqual(set(), set(EXPECTED) - rows, 'they are gone')

    def test_reader_at_home(self):
        self.check('reader', base.PROJECT, self.at_home)

    def test_reader_elsewhere(self):
        self.check('reader', base.OTHER_PROJECT, self.elsewhere)

    def test_member_at_home(self):
        self.check('member', base.PROJECT, self.at_home)

    def test_member_elsewhere(self):
        self.check('member', base.OTHER_PROJECT, self.elsewhere)

    def test_admin_at_home(self):
        self.check('admin', base.PROJECT, self.at_home)

    def test_admin_elsewhere(self):
        self.check('admin', base.OTHER_PROJECT, self.far_sighted)

    def test_service_at_home(self):
        self.check('service', base.PROJECT, self.at_home)

    def test_service_elsewhere(self):
        self.check('service', base.OTHER_PROJECT, self.far_sighted)

    def test_other_roles(self):
        for project in (base.PROJECT, base.OTHER_PROJECT):
            self.check('stranger', project, self.at_home)

    def test_nobody(self):
        wrong = [name_of(row) for row in routes.TABLE
                 if self.ask_row(row, ':x').status != 401]
        self.assertEqual([], wrong)
