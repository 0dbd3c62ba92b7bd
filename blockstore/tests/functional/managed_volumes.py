"""Manage and unmanage of volumes, dry runs, lists, and who is told."""

import json
import time
import typing
from urllib import parse

from oslo_messaging.notify import _impl_test
from oslo_utils import uuidutils

from blockstore import context as contexts
from blockstore import errors
from blockstore import exceptions
from blockstore.db import engine
from blockstore.db import migration
from blockstore.rpc import topics
from blockstore.rpc import transport as rpc_transport
from blockstore.rpc.clients import Clients
from blockstore.tests.functional import base
from blockstore.tests.functional import managed_base


class VolumeTest(managed_base.ManagedTest):
    """Import and export of volumes."""

    def test_both_forms_of_the_url(self) -> None:
        for number, (path, version) in enumerate((
                (f'/v2/{self.project}/os-volume-manage', '3.0'),
                ('/v3/os-volume-manage', '3.71'),
                (f'/v3/{self.project}/manageable_volumes', '3.8'))):
            self.pool.put_foreign(f'old-{number}', 2 * base.GIB,
                                  blocks=managed_base.DATA)
            made = self.accepted(self.api.post(path, {'volume': {
                'host': managed_base.POOL, 'ref': f'old-{number}',
                'name': 'n', 'description': 'd', 'bootable': True,
                'metadata': {'key': 'value'}}}, version=version))
            self.assertEqual(('creating', 0, 'true'), (
                made['status'], made['size'], made['bootable']))
            self.assertNotIn('group_id', made)
            shown = self.wait_status('volumes', made['id'], 'available')
            self.assertEqual(
                (2, 'n', 'd', {'key': 'value'}, managed_base.POOL), (
                    shown['size'], shown['name'], shown['description'],
                    shown['metadata'], shown['os-vol-host-attr:host']))
        self.assertEqual((3, 0, 6), self.usage())
        self.assertEqual(404, self.ask_volume('old', version='3.7').status)

    def test_it_lives_like_any_other(self) -> None:
        self.pool.put_foreign('old', base.GIB, blocks=managed_base.DATA)
        volume = self.manage_volume('old')
        self.attach(volume['id'])
        snapshot = self.make_snapshot(volume['id'])
        self.make_volume(1, snapshot_id=snapshot['id'])

    def test_the_host_must_be_there(self) -> None:
        self.pool.put_foreign('old')
        for host in ('other@memory', 'test@memory#other', 'test', None, ''):
            self.assertEqual(400, self.ask_volume(
                'old', host=host).status, host)
        for fields in ({'cluster': 'c'}, {'host': None, 'cluster': 'c'},
                       {'unknown': 1}, {'bootable': 'perhaps'},
                       {'volume_type': 'no-such'},
                       {'availability_zone': 'no-such'}):
            self.assertEqual(400, self.ask_volume(
                'old', **fields).status, fields)
        self.assertEqual(400, self.api.post(
            self.path('os-volume-manage'),
            {'volume': {'host': managed_base.HOST}}).status)
        self.assertEqual((0, 0, 0), self.usage())

    def test_a_type_that_the_back_end_does_not_fulfil(self) -> None:
        answer = self.api.post(self.path('types'), {'volume_type': {
            'name': 'other', 'extra_specs': {
                'volume_backend_name': 'other'}}})
        self.assertEqual(200, answer.status)
        self.pool.put_foreign('old')
        made = self.accepted(self.ask_volume('old', volume_type='other'))
        message = self.refused_later('volumes', made)
        self.assertEqual('VOLUME_VOLUME_001_003', message['event_id'])
        self.assertEqual(['old'], list(self.names()))

    def test_a_type_that_it_fulfils(self) -> None:
        self.api.post(self.path('types'), {'volume_type': {'name': 'one'}})
        self.pool.put_foreign('old')
        volume = self.manage_volume('old', volume_type='one')
        self.assertEqual('one', volume['volume_type'])

    def test_what_cannot_be_a_volume(self) -> None:
        volume = self.make_volume(1)
        self.foreign_snapshot(volume)
        before = self.names()
        for ref, detail in (('no-such', '106'), ('old-snap', '106'),
                            (f'volume-{volume["id"]}', '107')):
            made = self.accepted(self.ask_volume(ref))
            message = self.refused_later('volumes', made)
            self.assertEqual(f'VOLUME_VOLUME_103_{detail}',
                             message['event_id'])
            self.assertEqual(202, self.api.delete(
                self.path(f'volumes/{made["id"]}')).status)
            self.wait_gone('volumes', made['id'])
        self.assertEqual(before, self.names())
        self.assertEqual((1, 0, 1), self.usage())

    def test_quota(self) -> None:
        self.pool.put_foreign('old', 3 * base.GIB)
        for name, value in (('gigabytes', 2), ('per_volume_gigabytes', 2)):
            self.config.config(group='quota', **{name: value})
            message = self.refused_later(
                'volumes', self.accepted(self.ask_volume('old')))
            self.assertEqual('VOLUME_VOLUME_103_006', message['event_id'])
            self.config.config(group='quota', **{name: -1})
        self.config.config(group='quota', volumes=0)
        self.assertEqual(413, self.ask_volume('old').status)
        self.assertEqual((0, 0, 0), self.usage())
        self.assertEqual(['old'], list(self.names()))

    def test_what_unmanage_refuses(self) -> None:
        volume = self.make_volume(1)
        path = self.path(f'volumes/{volume["id"]}/action')
        self.make_snapshot(volume['id'])
        answer = self.api.post(path, {'os-unmanage': {}})
        self.assertEqual((400, errors.VOLUME_HAS_SNAPSHOTS), (
            answer.status, answer.json['badRequest']['error_code']))
        volume = self.make_volume(1)
        self.attach(volume['id'])
        answer = self.api.post(self.path(f'volumes/{volume["id"]}/action'),
                               {'os-unmanage': {}})
        self.assertEqual((400, errors.VOLUME_ATTACHED), (
            answer.status, answer.json['badRequest']['error_code']))
        self.assertEqual(404, self.api.post(
            self.path(f'volumes/{uuidutils.generate_uuid()}/action'),
            {'os-unmanage': {}}).status)

    def test_what_a_backup_keeps_there_goes_before(self) -> None:
        """A base snapshot is the service's own: nobody could use it."""
        volume = self.make_volume(1)
        attachment = self.attach(volume['id'])
        self.make_backup(volume['id'], force=True)
        self.api.delete(self.path(f'attachments/{attachment["id"]}'))
        self.assertEqual(2, len(self.names()))
        self.unmanage('volumes', volume['id'])
        self.assertEqual([f'volume-{volume["id"]}'], list(self.names()))

    def test_list_by_the_status_that_is_shown(self) -> None:
        made = self.accepted(self.ask_volume('no-such'))
        self.refused_later('volumes', made)
        self.assertEqual([made['id']], [one['id'] for one in self.api.get(
            self.path('volumes?status=error')).json['volumes']])


class MoveTest(managed_base.ManagedTest):
    """R-001: from one installation to another one on the same back end."""

    def other_installation(self) -> None:
        """Go on with a service that has a database of its own."""
        for one in (self.volume_manager, self.backup_manager,
                    self.scheduler):
            one.stop(time.monotonic() + 10)
        self.database = engine.Database(
            f'sqlite:///{self.directory}/other.sqlite')
        self.addCleanup(self.database.dispose)
        migration.sync(self.database)
        self.transport = rpc_transport.get_transport(
            base.CONF, f'local://{uuidutils.generate_uuid()}')
        self.start_services()
        self.services = base.Services(base.CONF, self.database, Clients(
            self.transport, base.CONF, self.database, self.publisher))
        self.application = base.app.make_app(base.CONF, self.services)
        self.api = self.as_user(f'admin:{self.project}')

    def test_r001_a_volume_and_its_snapshots_move(self) -> None:
        volume = self.make_volume(1)
        content = self.pool.contents[f'volume-{volume["id"]}']
        content.blocks = dict(managed_base.DATA)
        snapshots = [self.make_snapshot(volume['id']) for _ in range(2)]
        content.blocks = {7: b'later' + bytes(managed_base.BLOCK - 5)}
        for snapshot in snapshots:
            self.unmanage('snapshots', snapshot['id'])
        self.unmanage('volumes', volume['id'])
        self.other_installation()
        self.assertEqual(404, self.api.get(
            self.path(f'volumes/{volume["id"]}')).status)
        entry, = self.listed('volumes')
        moved = self.manage_volume(entry['reference'])
        self.assertIs(content, self.pool.contents[f'volume-{moved["id"]}'])
        self.assertEqual({7}, set(content.blocks))
        for entry in self.listed('snapshots'):
            self.assertTrue(entry['safe_to_manage'])
            snapshot = self.manage_snapshot(moved['id'], entry['reference'])
            self.assertEqual(managed_base.DATA, self.pool.contents[
                f'snapshot-{snapshot["id"]}'].blocks)
        self.assertEqual((1, 2, 3), self.usage())


class LackingTest(managed_base.ManagedTest):
    """A back end that cannot."""

    MEMORY_LACKS = ('manages_volumes', 'manages_snapshots')

    def test_a_refusal_and_empty_lists(self) -> None:
        volume = self.make_volume(1)
        snapshot = self.make_snapshot(volume['id'])
        for answer in (
                self.ask_volume('old'),
                self.ask_snapshot(volume['id'], 'old'),
                self.api.post(self.path(f'snapshots/{snapshot["id"]}/action'),
                              {'os-unmanage': {}})):
            self.assertEqual((400, errors.CAPABILITY_MISSING), (
                answer.status, answer.json['badRequest']['error_code']))
        self.assertEqual([], self.listed('volumes'))
        self.assertEqual([], self.listed('snapshots'))


class TrialTest(managed_base.ManagedTest):
    """``?dry_run=true`` tells, and changes nothing."""

    def tried(self, answer: base.Answer) -> typing.Any:
        """Return what was told; nothing may have changed."""
        self.assertEqual(200, answer.status, answer.text)
        self.assertEqual([], self.api.get(
            self.path('snapshots')).json['snapshots'])
        return answer.json['dry_run']

    def test_of_a_volume(self) -> None:
        self.pool.put_foreign('old', 2 * base.GIB)
        found = self.tried(self.ask_volume('old', '?dry_run=true'))
        self.assertEqual(
            {'manageable': True, 'size': 2, 'blockers': [], 'quota': {
                'volumes': {'limit': 10, 'in_use': 0, 'asked': 1},
                'gigabytes': {'limit': 1000, 'in_use': 0, 'asked': 2}}},
            found)
        found = self.tried(self.ask_volume('no', '?dry_run=true'))
        self.assertEqual((False, None, errors.MANAGE_INVALID_REFERENCE), (
            found['manageable'], found['size'],
            found['blockers'][0]['error_code']))
        self.config.config(group='quota', gigabytes=1)
        found = self.tried(self.ask_volume('old', '?dry_run=true'))
        self.assertEqual((False, 2, [errors.QUOTA_EXCEEDED]), (
            found['manageable'], found['size'],
            [one['error_code'] for one in found['blockers']]))
        self.config.config(group='quota', per_volume_gigabytes=1)
        self.assertFalse(self.tried(self.ask_volume(
            'old', '?dry_run=true'))['manageable'])
        self.assertEqual((['old'], (0, 0, 0)),
                         (list(self.names()), self.usage()))

    def test_of_a_snapshot(self) -> None:
        volume = self.make_volume(1)
        self.foreign_snapshot(volume)
        before = self.names()
        found = self.tried(self.ask_snapshot(volume['id'], 'old-snap',
                                             '?dry_run=true'))
        self.assertEqual((True, 1, 1), (
            found['manageable'], found['size'],
            found['quota']['snapshots']['asked']))
        for ref in ('no-such', f'volume-{volume["id"]}', None):
            found = self.tried(self.ask_snapshot(volume['id'], ref,
                                                 '?dry_run=true'))
            self.assertEqual([errors.MANAGE_INVALID_REFERENCE], [
                one['error_code'] for one in found['blockers']])
        self.assertEqual(404, self.ask_snapshot(
            uuidutils.generate_uuid(), 'x', '?dry_run=true').status)
        self.assertEqual(400, self.ask_snapshot(
            volume['id'], 'old-snap', '?dry_run=perhaps').status)
        self.assertEqual((before, (1, 0, 1)), (self.names(), self.usage()))

    def test_of_what_is_managed_already(self) -> None:
        volume = self.make_volume(1)
        found = self.tried(self.ask_volume(f'volume-{volume["id"]}',
                                           '?dry_run=true'))
        self.assertEqual(errors.MANAGE_ALREADY_MANAGED,
                         found['blockers'][0]['error_code'])


class ListTest(managed_base.ManagedTest):
    """What stands on the back end, page by page."""

    def test_volumes(self) -> None:
        volume = self.make_volume(1)
        self.pool.put_foreign('old', 2 * base.GIB - 1)
        managed, free = self.listed('volumes', '&sort=size:asc')
        self.assertEqual(
            (volume['id'], False, 'already managed', 1), (
                managed['cinder_id'], managed['safe_to_manage'],
                managed['reason_not_safe'], managed['size']))
        self.assertEqual(
            {'reference': {'source-name': 'old'}, 'size': 2,
             'safe_to_manage': True, 'reason_not_safe': None,
             'cinder_id': None, 'extra_info': None}, free)
        for path in ('os-volume-manage', 'manageable_volumes'):
            short = self.api.get(self.path(
                f'{path}?host=test@memory%23memory&sort=size:desc')).json
            self.assertEqual(
                {'reference': {'source-name': 'old'}, 'size': 2,
                 'safe_to_manage': True}, short['manageable-volumes'][0])

    def test_snapshots(self) -> None:
        volume = self.make_volume(1)
        snapshot = self.make_snapshot(volume['id'])
        self.foreign_snapshot(volume)
        free, managed = self.listed('snapshots', '&sort=reference:asc')
        self.assertEqual(
            {'reference': {'source-name': 'old-snap'}, 'size': 1,
             'safe_to_manage': True, 'reason_not_safe': None,
             'cinder_id': None, 'extra_info': None, 'source_reference': {
                 'source-name': f'volume-{volume["id"]}'}}, free)
        self.assertEqual(snapshot['id'], managed['cinder_id'])

    def test_pages(self) -> None:
        for name, size in (('a', 1), ('b', 3), ('c', 2)):
            self.pool.put_foreign(name, size * base.GIB)

        def names(rest: str = '') -> list[str]:
            return [one['reference']['source-name']
                    for one in self.listed('volumes', rest)]

        self.assertEqual(['c', 'b', 'a'], names())
        self.assertEqual(['b', 'c', 'a'], names('&sort=size'))
        self.assertEqual(['a', 'c'], names(
            '&sort_key=size&sort_dir=asc&limit=2'))
        self.assertEqual(['b'], names('&limit=1&offset=1'))
        self.assertEqual([], names('&limit=0'))
        marker = parse.quote(json.dumps({'source-name': 'b'}))
        self.assertEqual(['a'], names(f'&marker={marker}'))
        unknown = parse.quote(json.dumps({'source-name': 'z'}))
        for wrong in (f'&marker={unknown}', '&marker=b', '&marker=%5B%5D',
                      '&sort=name', '&sort=size:up', '&limit=-1',
                      '&offset=x', '&cluster=c'):
            self.assertEqual(400, self.api.get(self.path(
                f'manageable_volumes?host=test@memory{wrong}')).status,
                wrong)
        self.assertEqual(400, self.api.get(
            self.path('manageable_volumes')).status)
        self.assertEqual(404, self.api.get(
            self.path('manageable_volumes?host=no@such')).status)

    def test_a_driver_that_fails(self) -> None:
        self.driver.faults.fail('get_manageable_volumes')
        self.assertEqual(503, self.api.get(self.path(
            'manageable_volumes?host=test@memory')).status)

    def test_what_could_not_be_managed_has_nothing(self) -> None:
        made = self.accepted(self.ask_volume('no-such'))
        self.refused_later('volumes', made)
        self.assertEqual([], self.listed('volumes'))


class ToldTest(managed_base.ManagedTest):
    """Consumers of notifications, and other services."""

    OPTIONS: typing.ClassVar[dict[tuple[str, str], typing.Any]] = {
        **managed_base.ManagedTest.OPTIONS,
        ('oslo_messaging_notifications', 'driver'): ['test']}

    def setUp(self) -> None:
        _impl_test.reset()
        super().setUp()

    def heard(self, expected: list[str]) -> None:
        """Wait until these were told since the last time."""
        def types() -> list[str]:
            return [message['event_type'] for _, message, _, _
                    in list(_impl_test.NOTIFICATIONS)]
        self.wait_for(lambda: len(types()) >= len(expected))
        self.assertEqual(expected, types())
        _impl_test.reset()

    def test_r027_notifications(self) -> None:
        self.pool.put_foreign('old')
        volume = self.manage_volume('old')
        self.heard(['volume.manage_existing.start',
                    'volume.manage_existing.end'])
        self.foreign_snapshot(volume)
        snapshot = self.manage_snapshot(volume['id'], 'old-snap')
        self.heard(['snapshot.manage_existing_snapshot.start',
                    'snapshot.manage_existing_snapshot.end'])
        self.unmanage('snapshots', snapshot['id'])
        self.heard(['snapshot.delete.start', 'snapshot.delete.end'])
        self.unmanage('volumes', volume['id'])
        self.heard(['volume.unmanage.start', 'volume.unmanage.end'])
        self.accepted(self.ask_volume('no-such'))
        self.heard(['volume.manage_existing.start',
                    'volume.manage_existing.error'])

    def test_the_rpc_of_other_services(self) -> None:
        clients = Clients(self.transport, base.CONF, self.database)
        context = contexts.RequestContext(
            user_id='u', project_id=self.project, is_admin=True)
        topic = topics.volume(managed_base.HOST)

        def call(method: str, **arguments: typing.Any) -> typing.Any:
            return clients.volume.call(context, topic, method, timeout=60,
                                       **arguments)

        self.pool.put_foreign('old')
        self.assertEqual(1, call('measure_volume', reference='old'))
        key = uuidutils.generate_uuid()
        for _ in range(2):
            answer = call('manage_volume', reference='old', name='n',
                          operation_id=key)
            self.assertEqual(key, answer['operation'].id)
        volume = self.wait_status('volumes', answer['volume'].id,
                                  'available')
        self.foreign_snapshot(volume)
        answer = call('manage_snapshot', volume_id=volume['id'],
                      reference={'source-name': 'old-snap'})
        snapshot_id = answer['snapshot'].id
        self.wait_status('snapshots', snapshot_id, 'available')
        call('unmanage_snapshot', snapshot_id=snapshot_id)
        self.wait_gone('snapshots', snapshot_id)
        call('unmanage_volume', volume_id=volume['id'])
        self.wait_gone('volumes', volume['id'])
        self.assertRaises(exceptions.ManageExistingInvalidReference, call,
                          'measure_volume', reference='no-such')
