"""Lists of every noun: contract rest-api §0.5, line by line.

What is particular to one noun's list stands in the noun's own file; here is
what all of them promise: whole walks by next link under every sort key, also
where values are missing or equal.
"""

import datetime

from oslo_utils import timeutils
from oslo_utils import uuidutils

from blockstore.api import routes
from blockstore.api.handlers import attachments
from blockstore.api.handlers import backups
from blockstore.api.handlers import messages
from blockstore.api.handlers import operations
from blockstore.api.handlers import snapshots
from blockstore.api.handlers import types
from blockstore.api.handlers import volumes
from blockstore.db import models
from blockstore.db import rows
from blockstore.tests.unit.api import base

COLLECTIONS = {
    'volumes': volumes.COLLECTION, 'snapshots': snapshots.COLLECTION,
    'backups': backups.COLLECTION, 'attachments': attachments.COLLECTION,
    'messages': messages.MESSAGES, 'operations': operations.OPERATIONS,
    'types': types.TYPES}
DETAILED = ('volumes', 'snapshots', 'backups', 'attachments')
LINKS = {'types': 'volume_type_links'}
ROWS = 5


class ListsTest(base.ApiTestCase):
    """Five rows of each noun; two without most values, two alike."""

    def setUp(self):
        super().setUp()
        now = timeutils.utcnow()
        with self.database.write() as tx:
            for number in range(ROWS):
                self._fill(tx, number, now)

    def _fill(self, tx, number, now):
        value = None if number in (1, 3) else f'v{number // 2}'
        later = now + datetime.timedelta(seconds=number // 2)
        common = {'project_id': base.PROJECT, 'created_at': later,
                  'updated_at': None if value is None else later}
        named = {**common, 'user_id': 'alice', 'display_name': value,
                 'status': 'available'}
        ids = [uuidutils.generate_uuid() for _ in range(7)]
        rows.insert(tx, models.Volume, id=ids[0], size=number // 2 + 1,
                    host=value, availability_zone=value,
                    attach_status='detached', **named)
        rows.insert(tx, models.Snapshot, id=ids[1], volume_id=ids[0],
                    volume_size=number // 2 + 1, progress='100%', **named)
        rows.insert(tx, models.Backup, id=ids[2], volume_id=ids[0],
                    size=number // 2 + 1, container=value,
                    availability_zone=value,
                    snapshot_id=None if value is None else ids[1], **named)
        rows.insert(tx, models.Attachment, id=ids[3], volume_id=ids[0],
                    instance_uuid=value, attached_host=value,
                    attach_status='attached',
                    attach_time=None if value is None else later, **common)
        rows.insert(tx, models.Message, id=ids[4], event_id='VOLUME_1',
                    user_message='It failed.',
                    project_id=base.PROJECT, created_at=later,
                    message_level='ERROR', resource_uuid=value,
                    resource_type=value, request_id=value,
                    expires_at=later + datetime.timedelta(days=1))
        rows.insert(tx, models.VolumeType, id=ids[5], name=f'type{number}',
                    is_public=True, created_at=later,
                    updated_at=common['updated_at'])
        rows.insert(tx, models.Operation, id=ids[6], kind='volume.create',
                    resource_type='volume', resource_id=ids[0],
                    state='done', topic='volume', arguments={}, facts={},
                    finished_at=common['updated_at'], **common)

    def _walk(self, path, key, **params):
        """Return the ids on all pages of two, by following next links."""
        found = []
        answer = self.get(path, limit='2', version='3.71', **params)
        while True:
            self.assertEqual(200, answer.status, (params, answer.raw))
            items = answer.json[key]
            found.extend(item['id'] for item in items)
            links = [name for name in answer.json if name.endswith('_links')]
            self.assertEqual(len(items) == 2, bool(links), params)
            if not links:
                return found
            self.assertLess(len(found), 2 * ROWS, 'the walk has no end')
            href = answer.json[links[0]][0]['href']
            answer = self.get(href.partition(':80')[2], version='3.71')

    def _check_walks(self, noun):
        collection = COLLECTIONS[noun]
        for path in (noun, *(
                (f'{noun}/detail',) if noun in DETAILED else ())):
            for sort in collection.sort:
                for direction in ('asc', 'desc'):
                    whole = [item['id'] for item in self.get(
                        path, version='3.71', sort=f'{sort}:{direction}',
                    ).json[collection.name]]
                    self.assertEqual(ROWS, len(set(whole)))
                    self.assertEqual(whole, self._walk(
                        path, collection.name,
                        sort=f'{sort}:{direction}'), (path, sort, direction))

    def test_walks_of_volumes(self):
        self._check_walks('volumes')

    def test_walks_of_snapshots(self):
        self._check_walks('snapshots')

    def test_walks_of_backups(self):
        self._check_walks('backups')

    def test_walks_of_the_other_nouns(self):
        for noun in ('attachments', 'messages', 'types', 'operations'):
            self._check_walks(noun)

    def test_several_keys(self):
        """Two keys in different directions, the first one with nulls."""
        for sort in ('name:asc,size:desc', 'name:desc,created_at:asc,id:asc',
                     'availability_zone,size:asc'):
            whole = [item['id'] for item in self.get(
                'volumes', sort=sort).json['volumes']]
            self.assertEqual(whole, self._walk('volumes', 'volumes',
                                               sort=sort), sort)

    def test_names_of_next_links(self):
        for noun in COLLECTIONS:
            answer = self.get(noun, limit='1', version='3.71')
            name = LINKS.get(noun, f'{noun}_links')
            self.assertEqual([name], [key for key in answer.json
                                      if key.endswith('_links')])
            link, = answer.json[name]
            self.assertEqual({'rel', 'href'}, set(link))
            item, = answer.json[COLLECTIONS[noun].name]
            self.assertIn(f'limit=1&marker={item["id"]}', link['href'])
            self.assertIn(f'/v3/{noun}?', link['href'])

    def test_project_in_links_as_in_the_url(self):
        for prefix in ('/v3', f'/v3/{base.PROJECT}', f'/v2/{base.PROJECT}'):
            for path in ('volumes', 'volumes/detail', 'backups/detail',
                         'snapshots/detail'):
                answer = self.get(f'{prefix}/{path}', limit='1')
                key = path.partition('/')[0]
                link, = answer.json[f'{key}_links']
                self.assertTrue(link['href'].startswith(
                    f'http://localhost:80{prefix}/{path}?'), link)

    def test_unknown_markers_and_limits(self):
        for noun, collection in COLLECTIONS.items():
            for params, status, fault in (
                    ({'marker': 'none'}, 404, 'itemNotFound'),
                    ({'limit': '-1'}, 400, 'badRequest'),
                    ({'limit': 'x'}, 400, 'badRequest'),
                    ({'offset': '-1'}, 400, 'badRequest'),
                    ({'offset': str(2 ** 31)}, 400, 'badRequest'),
                    ({'sort': 'nothing'}, 400, 'badRequest'),
                    ({'sort': 'id:up'}, 400, 'badRequest'),
                    ({'sort': 'id', 'sort_key': 'id'}, 400, 'badRequest')):
                self.assert_fault(status, fault, self.get(
                    noun, version='3.71', **params))
            answer = self.get(noun, version='3.71', limit='0')
            self.assertEqual({collection.name: []}, answer.json)
            answer = self.get(noun, version='3.71', offset=str(2 ** 31 - 1))
            self.assertEqual([], answer.json[collection.name])

    def test_marker_of_another_project(self):
        """It is unknown to a member, who learns nothing of it."""
        for noun in COLLECTIONS:
            if noun == 'types':
                continue
            item = self.get(noun, version='3.71', limit='1').json[
                COLLECTIONS[noun].name][0]
            self.assert_fault(404, 'itemNotFound', self.get(
                noun, version='3.71', token=base.STRANGER,
                marker=item['id']))

    def test_every_configured_filter_is_heard(self):
        """What members may filter by (≥3.31) selects: no dead names."""
        shown = {one['resource']: one['filters'] for one in self.get(
            'resource_filters', version='3.33').json['resource_filters']}
        values = {'bootable': 'true', 'consumes_quota': 'false',
                  'created_at': 'lt:2001-01-01T00:00:00',
                  'updated_at': 'lt:2001-01-01T00:00:00',
                  'metadata': "{'no': 'such'}",
                  'extra_specs': "{'no': 'such'}", 'size': '77'}
        for noun, collection in COLLECTIONS.items():
            for name in shown[collection.resource]:
                self.assertIn(name, collection.filters, noun)
                if name == 'is_public':
                    continue
                answer = self.get(
                    noun, version='3.71', token=base.MEMBER,
                    **{name: values.get(name, 'nothing-like-this')})
                self.assertEqual(200, answer.status, (noun, name))
                self.assertEqual([], answer.json[collection.name],
                                 (noun, name))

    def test_snapshots_are_in_the_zone_of_their_volume(self):
        for params, wanted in (({'availability_zone': 'v1'}, 1),
                               ({'availability_zone~': 'v'}, 3),
                               ({'availability_zone': 'v'}, 0)):
            answer = self.get('snapshots', version='3.45', with_count='1',
                              token=base.MEMBER, **params)
            self.assertEqual((wanted, wanted), (
                len(answer.json['snapshots']), answer.json['count']))

    def test_unknown_filters(self):
        for noun, collection in COLLECTIONS.items():
            key = collection.name
            for version, token, status in (
                    ('3.30', base.MEMBER, 200), ('3.31', base.MEMBER, 400),
                    ('3.30', base.ADMIN, 200), ('3.71', base.ADMIN, 200)):
                answer = self.get(noun, version=version, token=token,
                                  no_such_filter='x')
                self.assertEqual(status, answer.status, (noun, version))
                if status == 200:
                    wanted = ROWS if token == base.MEMBER else 0
                    self.assertEqual(wanted, len(answer.json[key]),
                                     (noun, version, token))

    def test_counts(self):
        for noun in ('volumes', 'snapshots', 'backups'):
            for path in (noun, f'{noun}/detail'):
                for version, wanted in (('3.44', None), ('3.45', ROWS)):
                    answer = self.get(path, version=version, limit='1',
                                      with_count='True')
                    self.assertEqual(wanted, answer.json.get('count'))
                answer = self.get(path, version='3.45', with_count='1',
                                  status='error')
                self.assertEqual(0, answer.json['count'])

    def test_all_tenants(self):
        for noun in ('volumes', 'snapshots', 'backups', 'attachments',
                     'operations'):
            for token, wanted in (
                    (f'admin:{base.OTHER_PROJECT}', ROWS),
                    (base.STRANGER, 0)):
                for value in ('1', 'true', 'True'):
                    answer = self.get(noun, version='3.71', token=token,
                                      all_tenants=value)
                    self.assertEqual(wanted, len(
                        answer.json[COLLECTIONS[noun].name]), (noun, token))

    def test_every_list_is_here(self):
        """Who adds a paged noun finds this file."""
        paged = {row.path.strip('/') for row in routes.TABLE
                 if row.method == 'GET' and row.handler.__name__ == 'index'
                 and '{' not in row.path}
        unpaged = {'os-services', 'scheduler-stats/get_pools'}
        self.assertEqual(set(COLLECTIONS), paged - unpaged)
