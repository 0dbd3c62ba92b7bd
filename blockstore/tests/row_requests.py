"""A valid request for every row of the route table.

>>> class Test(row_requests.RowsCase):
...     def test(self):
...         self.ask_row(row, base.MEMBER)
"""

import re
from urllib import parse

from oslo_utils import timeutils
from oslo_utils import uuidutils

from blockstore.db import models
from blockstore.db import rows
from blockstore.tests.unit.api import base

BACKEND = base.HOST.partition('#')[0]
# What a valid request says, by action or by method and path.
BODIES = {
    'os-attach': {'mountpoint': '/dev/vdb', 'host_name': 'h'},
    'os-detach': {}, 'os-force_detach': {},
    'os-initialize_connection': {'connector': {'host': 'h'}},
    'os-terminate_connection': {'connector': {'host': 'h'}},
    'os-extend': {'new_size': 9}, 'os-reset_status': {'status': 'error'},
    'os-set_bootable': {'bootable': True},
    'os-update_readonly_flag': {'readonly': True},
    'addProjectAccess': {'project': base.PROJECT},
    'removeProjectAccess': {'project': base.PROJECT},
    'POST /volumes': {'volume': {'size': 1}},
    'PUT /volumes/{volume_id}': {'volume': {'name': 'n'}},
    'PUT /snapshots/{snapshot_id}': {'snapshot': {'name': 'n'}},
    'PUT /backups/{backup_id}': {'backup': {'name': 'n'}},
    'POST /backups/{backup_id}/restore': {'restore': {}},
    'PUT /attachments/{attachment_id}': {
        'attachment': {'connector': {'host': 'h'}}},
    'POST /types': {'volume_type': {'name': 'new'}},
    'PUT /types/{type_id}': {'volume_type': {'description': 'd'}},
    'POST /types/{type_id}/extra_specs': {'extra_specs': {'a': 'b'}},
    'PUT /types/{type_id}/extra_specs/{key}': {'k': 'b'},
    'PUT /default-types/{project_id}': {
        'default_type': {'volume_type': 'secret'}},
    'PUT /os-quota-sets/{project_id}': {'quota_set': {'volumes': 5}},
    'PUT /os-quota-class-sets/{class_name}': {
        'quota_class_set': {'volumes': 5}},
    **dict.fromkeys(
        ('POST /os-volume-manage', 'POST /manageable_volumes'),
        {'volume': {'host': BACKEND, 'ref': 'there'}}),
    'PUT /os-services/enable': {'host': 'node1', 'binary': 'cinder-backup'},
    'PUT /os-services/disable': {'host': 'node1', 'binary': 'cinder-backup'},
    'PUT /os-services/disable-log-reason': {
        'host': 'node1', 'binary': 'cinder-backup', 'disabled_reason': 'r'},
}
# Open to every caller with a role, whatever the project: nobody's things.
SHARED = {'/types', '/types/default', '/extensions', '/extensions/{alias}',
          '/os-availability-zone', '/resource_filters', '/limits',
          '/volumes/summary'}


class RowsCase(base.ApiTestCase):
    """Has one of each, in one project."""

    def setUp(self):
        super().setUp()
        self.make_backup_service()
        self.make_volume_service()
        self.ids = {'key': 'k', 'alias': 'backups', 'class_name': 'default',
                    'host': 'node1', 'project_id': base.PROJECT}
        volume_id = self.ids['volume_id'] = self.make_volume(
            attach_status='detached')
        self.ids['snapshot_id'] = self.make_snapshot(volume_id)
        for noun in ('volume', 'snapshot'):
            answer = self.post(
                f'{noun}s/{self.ids[noun + "_id"]}/metadata',
                {'metadata': {'k': 'mine'}}, token=base.MEMBER)
            self.assertEqual(200, answer.status, answer.raw)
        answer = self.post('backups', {'backup': {'volume_id': volume_id}},
                           token=base.MEMBER)
        self.ids['backup_id'] = answer.json['backup']['id']
        self.change(models.Backup, self.ids['backup_id'], status='available')
        self.change(models.Volume, volume_id, backup_id=None)
        answer = self.post('attachments', {'attachment': {
            'volume_uuid': self.make_volume()}}, version='3.71',
            token=base.MEMBER)
        self.ids['attachment_id'] = answer.json['attachment']['id']
        answer = self.post('types', {'volume_type': {
            'name': 'secret', 'os-volume-type-access:is_public': False,
            'extra_specs': {'k': 'v'}}})
        self.ids['type_id'] = answer.json['volume_type']['id']
        self.ids['operation_id'] = self.get(
            'operations').json['operations'][0]['id']
        self.ids['message_id'] = uuidutils.generate_uuid()
        with self.database.write() as tx:
            rows.insert(tx, models.Message, id=self.ids['message_id'],
                        project_id=base.PROJECT, event_id='E',
                        user_message='m', message_level='ERROR',
                        expires_at=timeutils.utcnow())

    def ask_row(self, row, token):
        path = re.sub(r'{(\w+)}', lambda part: self.ids[part[1]], row.path)
        name = f'{row.method} {row.path}'
        body = None
        if row.action:
            body = {row.action: BODIES.get(row.action, {})}
            if row.action == 'revert':
                body['revert'] = {'snapshot_id': self.ids['snapshot_id']}
        elif row.path.endswith('/metadata'):
            body = {'metadata': {'k': 'v'}}
        elif row.path.endswith('/metadata/{key}'):
            body = {'meta': {'k': 'v'}}
        elif name == 'POST /snapshots':
            body = {'snapshot': {'volume_id': self.ids['volume_id']}}
        elif name == 'POST /backups':
            body = {'backup': {'volume_id': self.ids['volume_id']}}
        elif name == 'POST /attachments':
            body = {'attachment': {'volume_uuid': self.ids['volume_id']}}
        elif row.path in ('/os-snapshot-manage', '/manageable_snapshots'):
            body = {'snapshot': {'volume_id': self.ids['volume_id'],
                                 'ref': 'there'}}
        elif row.schema is not None:
            body = BODIES[name]
        if row.schema is not None:
            row.schema.check(body)
        if row.method == 'GET' and 'manage' in path:
            path += f'?host={parse.quote(BACKEND)}'
        return self.ask(row.method, f'/v3{path}',
                        body if row.schema is not None else None,
                        version=str(row.max), token=token)
