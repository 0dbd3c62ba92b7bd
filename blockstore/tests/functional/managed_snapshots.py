"""Import and export of snapshots, requirement by requirement (S0)."""

import typing

from oslo_utils import uuidutils

from blockstore import errors
from blockstore.tests.functional import base
from blockstore.tests.functional import managed_base
from blockstore.volume.drivers.memory import managing


class ImportTest(managed_base.ManagedTest):
    """What is imported, and how it looks."""

    def test_r001_r028_one_that_nobody_knew(self) -> None:
        volume = self.make_volume(1)
        self.foreign_snapshot(volume)
        snapshot = self.manage_snapshot(volume['id'], 'old-snap', name='n')
        self.assertEqual(('available', 1, 'n'), (
            snapshot['status'], snapshot['size'], snapshot['name']))
        self.assertEqual(
            managed_base.DATA,
            self.pool.contents[f'snapshot-{snapshot["id"]}'].blocks)
        self.assertNotIn('old-snap', self.names())

    def test_r001_one_that_was_managed_before(self) -> None:
        volume = self.make_volume(1)
        first = self.make_snapshot(volume['id'])
        self.unmanage('snapshots', first['id'])
        again = self.manage_snapshot(
            volume['id'], {'source-name': f'snapshot-{first["id"]}'})
        self.assertNotEqual(first['id'], again['id'])

    def test_r002_r011_r021_export_keeps_the_bytes(self) -> None:
        volume = self.make_volume(1)
        snapshot = self.make_snapshot(volume['id'])
        before = self.names()
        self.unmanage('snapshots', snapshot['id'])
        self.assertEqual(before, self.names())
        self.unmanage('volumes', volume['id'])
        self.assertEqual(before, self.names())

    def test_what_is_only_said_to_be_let_go(self) -> None:
        """Its bytes go with it: nobody has asked to keep them."""
        volume = self.make_volume(1)
        snapshot = self.make_snapshot(volume['id'])
        for action in ({'os-reset_status': {'status': 'unmanaging'}},
                       {'os-force_delete': {}}):
            answer = self.api.post(self.path(
                f'snapshots/{snapshot["id"]}/action'), action)
            self.assertEqual(202, answer.status, answer.text)
        self.wait_gone('snapshots', snapshot['id'])
        self.assertEqual([f'volume-{volume["id"]}'], list(self.names()))

    def test_r003_a_volume_from_it(self) -> None:
        volume = self.make_volume(1)
        self.foreign_snapshot(volume)
        snapshot = self.manage_snapshot(volume['id'], 'old-snap')
        made = self.make_volume(1, snapshot_id=snapshot['id'])
        self.assertEqual(managed_base.DATA,
                         self.pool.contents[f'volume-{made["id"]}'].blocks)

    def test_r155_a_backup_of_it(self) -> None:
        volume = self.make_volume(1)
        self.foreign_snapshot(volume)
        snapshot = self.manage_snapshot(volume['id'], 'old-snap')
        backup = self.make_backup(volume['id'], snapshot_id=snapshot['id'])
        self.assertEqual(snapshot['id'], backup['snapshot_id'])

    def test_r155_a_backup_of_what_is_no_whole_gib(self) -> None:
        """Nothing was grown when it was managed; the rest reads as zeros."""
        self.pool.put_foreign('old', base.GIB + base.GIB // 2,
                              blocks=managed_base.DATA)
        volume = self.manage_volume('old')
        self.assertEqual(2, volume['size'])
        snapshot = self.make_snapshot(volume['id'])
        for fields in ({}, {'snapshot_id': snapshot['id']}):
            backup = self.make_backup(volume['id'], **fields)
            self.assertEqual(2, backup['size'])
            answer = self.api.post(
                self.path(f'backups/{backup["id"]}/restore'),
                {'restore': {}})
            restored = self.wait_status(
                'volumes', answer.json['restore']['volume_id'], 'available')
            content = self.pool.contents[f'volume-{restored["id"]}']
            self.assertEqual((2 * base.GIB, managed_base.DATA),
                             (content.size, content.blocks))

    def test_r005_r013_r020_both_forms_of_the_urls(self) -> None:
        volume = self.make_volume(1)
        for number, (path, version) in enumerate((
                (f'/v2/{self.project}/os-snapshot-manage', '3.0'),
                (f'/v3/{self.project}/os-snapshot-manage', '3.0'),
                ('/v3/os-snapshot-manage', '3.71'),
                (f'/v3/{self.project}/manageable_snapshots', '3.8'))):
            name = f'old-{number}'
            self.foreign_snapshot(volume, name)
            made = self.accepted(self.api.post(
                path, {'snapshot': {'volume_id': volume['id'],
                                    'ref': name}}, version=version))
            self.wait_status('snapshots', made['id'], 'available')
            action = (f'/v3/{self.project}/snapshots'
                      if path.endswith('snapshots') else path)
            answer = self.api.post(f'{action}/{made["id"]}/action',
                                   {'os-unmanage': {} if number else None},
                                   version=version)
            self.assertEqual((202, ''), (answer.status, answer.text))
            self.wait_gone('snapshots', made['id'])
        self.assertEqual(404, self.api.post(
            self.path('manageable_snapshots'), {}, version='3.7').status)

    def test_r006_it_runs_as_a_flow_through_scheduler_and_volume(
            self) -> None:
        volume = self.make_volume(1)
        self.foreign_snapshot(volume)
        snapshot = self.manage_snapshot(volume['id'], 'old-snap')
        operation, = self.operations(snapshot['id'])
        self.assertEqual(('snapshot.manage', 'done', 'volume'), (
            operation['kind'], operation['state'],
            operation.get('topic', 'volume')))
        called = self.pool.called()
        self.assertEqual(
            ['manage_existing_snapshot_get_size',
             'manage_existing_snapshot'], called[-2:])

    def test_r014_the_host_is_checked(self) -> None:
        volume = self.make_volume(1)
        for number, host in enumerate((
                'test', managed_base.HOST, managed_base.POOL, None)):
            self.foreign_snapshot(volume, f'old-{number}')
            self.manage_snapshot(volume['id'], f'old-{number}', host=host)
        for host in ('other', 'test@other', 'test@memory#other', 'tes'):
            answer = self.ask_snapshot(volume['id'], 'old', host=host)
            self.assertEqual(400, answer.status, host)
        self.assertEqual((1, 4, 5), self.usage())

    def test_r015_the_volume_by_its_name_on_the_back_end(self) -> None:
        volume = self.make_volume(1)
        self.foreign_snapshot(volume)
        snapshot = self.manage_snapshot(f'volume-{volume["id"]}', 'old-snap')
        self.assertEqual(volume['id'], snapshot['volume_id'])
        for wrong in ('garbage', 'volume-', f'snapshot-{volume["id"]}', '',
                      'x' * 300, 7, None):
            self.assertEqual(400, self.ask_snapshot(  # type: ignore[arg-type]
                wrong, 'old-snap').status, wrong)
        self.assertEqual(400, self.api.post(
            self.path('manageable_snapshots'),
            {'snapshot': {'ref': 'old-snap'}}).status)

    def test_r016_references_of_both_kinds(self) -> None:
        volume = self.make_volume(1)
        for name, ref in (('a', 'a'), ('b', {'source-name': 'b'})):
            self.foreign_snapshot(volume, name)
            self.manage_snapshot(volume['id'], ref)
        self.assertEqual(400, self.api.post(
            self.path('manageable_snapshots'),
            {'snapshot': {'volume_id': volume['id']}}).status)
        self.refused_later('snapshots', self.accepted(
            self.ask_snapshot(volume['id'], None)))
        for wrong in (7, ['a'], 'x' * 256, {'source-name': 'x' * 256},
                      {'source-name': {'deep': 1}},
                      {str(one): 1 for one in range(17)}):
            self.assertEqual(400, self.ask_snapshot(
                volume['id'], wrong).status, wrong)

    def test_r017_r018_r019_the_answer(self) -> None:
        volume = self.make_volume(1)
        self.foreign_snapshot(volume)
        answer = self.ask_snapshot(volume['id'], 'old-snap')
        made = self.accepted(answer)
        self.assertEqual(
            {'status', 'description', 'created_at', 'updated_at', 'metadata',
             'volume_id', 'size', 'id', 'name'}, set(made))
        self.assertEqual(
            ('creating', None, None, {}, volume['id'], 1, None), (
                made['status'], made['name'], made['description'],
                made['metadata'], made['volume_id'], made['size'],
                made['updated_at']))
        self.assertTrue(uuidutils.is_uuid_like(made['id']))
        self.foreign_snapshot(volume, 'second')
        made = self.accepted(self.ask_snapshot(
            volume['id'], 'second', name=' n ', description='d',
            metadata={'key': 'value'}))
        self.assertEqual(('n', 'd', {'key': 'value'}), (
            made['name'], made['description'], made['metadata']))
        shown = self.wait_status('snapshots', made['id'], 'available')
        self.assertEqual({'key': 'value'}, shown['metadata'])

    def test_of_a_volume_in_use(self) -> None:
        volume = self.make_volume(1)
        self.attach(volume['id'])
        self.foreign_snapshot(volume)
        self.manage_snapshot(volume['id'], 'old-snap')

    def test_its_size_is_that_of_the_object(self) -> None:
        volume = self.make_volume(3)
        self.foreign_snapshot(volume, size=2)
        snapshot = self.manage_snapshot(volume['id'], 'old-snap')
        self.assertEqual(2, snapshot['size'])
        self.assertEqual((1, 1, 5), self.usage())


class ErrorTest(managed_base.ManagedTest):
    """What is refused, and that nothing is changed by it."""

    def setUp(self) -> None:
        super().setUp()
        self.volume = self.make_volume(1)
        self.before = self.names()

    def refused(self, ref: typing.Any, detail: str,
                volume: typing.Any = None) -> None:
        """Check that it comes to an error, and that nothing changed."""
        usage = self.usage()
        made = self.accepted(self.ask_snapshot(
            (volume or self.volume)['id'], ref))
        message = self.refused_later('snapshots', made)
        self.assertEqual(f'VOLUME_VOLUME_SNAPSHOT_105_{detail}',
                         message['event_id'])
        self.assertEqual(self.before, self.names())
        self.assertEqual(usage, self.usage())
        operation, = self.operations(made['id'])
        self.assertEqual('failed', operation['state'])
        self.assertEqual(202, self.api.delete(
            self.path(f'snapshots/{made["id"]}')).status)
        self.wait_gone('snapshots', made['id'])
        self.assertEqual(self.before, self.names())

    def test_r007_no_such_volume(self) -> None:
        answer = self.ask_snapshot(uuidutils.generate_uuid(), 'old')
        self.assertEqual((404, ['itemNotFound']),
                         (answer.status, list(answer.json)))
        self.assertEqual([], self.api.get(
            self.path('snapshots')).json['snapshots'])
        self.assertEqual((1, 0, 1), self.usage())

    def test_r008_no_such_snapshot(self) -> None:
        self.refused('no-such', '106')
        self.refused({'source-name': 'no-such'}, '106')
        self.refused({}, '106')
        self.refused('', '106')

    def test_r009_not_a_snapshot_of_that_volume(self) -> None:
        other = self.make_volume(1)
        self.foreign_snapshot(other, 'of-other')
        self.pool.put_foreign('plain')
        managed = self.make_snapshot(other['id'])
        self.before = self.names()
        self.refused('of-other', '106')
        self.refused('plain', '106')
        self.refused(f'volume-{self.volume["id"]}', '106')
        self.refused(f'volume-{other["id"]}', '106')
        self.refused(f'snapshot-{managed["id"]}', '106')

    def test_r010_an_independent_copy(self) -> None:
        snapshot = self.make_snapshot(self.volume['id'])
        copy = self.make_volume(1, snapshot_id=snapshot['id'])
        self.unmanage('volumes', copy['id'])
        self.before = self.names()
        ref = f'volume-{copy["id"]}'
        self.refused(ref, '106')
        self.manage_volume(ref)

    def test_already_managed(self) -> None:
        managed = self.make_snapshot(self.volume['id'])
        self.before = self.names()
        self.refused(f'snapshot-{managed["id"]}', '107')
        self.show('snapshots', managed['id'])

    def test_already_managed_where_the_driver_sees_but_names(self) -> None:
        self.patch(managing, '_free', lambda content, one: content)
        managed = self.make_snapshot(self.volume['id'])
        self.before = self.names()
        self.refused(f'snapshot-{managed["id"]}', '107')
        made = self.accepted(self.ask_volume(f'volume-{self.volume["id"]}'))
        message = self.refused_later('volumes', made)
        self.assertEqual('VOLUME_VOLUME_103_107', message['event_id'])
        self.assertEqual(self.before, self.names())

    def test_r022_r026_only_administrators(self) -> None:
        member = self.as_user(f'member:{self.project}:member')
        reader = self.as_user(f'reader:{self.project}:reader')
        managed = self.make_snapshot(self.volume['id'])
        for api in (member, reader):
            for method, path, body in (
                    ('POST', 'os-snapshot-manage', {'snapshot': {
                        'volume_id': self.volume['id'], 'ref': 'old'}}),
                    ('POST', f'snapshots/{managed["id"]}/action',
                     {'os-unmanage': {}}),
                    ('POST', f'os-snapshot-manage/{managed["id"]}/action',
                     {'os-unmanage': {}}),
                    ('GET', 'manageable_snapshots?host=test@memory', None),
                    ('GET', 'os-snapshot-manage/detail?host=test@memory',
                     None)):
                answer = api.request(method, self.path(path), body)
                self.assertEqual(403, answer.status, path)

    def test_r020_what_unmanage_refuses(self) -> None:
        snapshot = self.make_snapshot(self.volume['id'])
        for path in (f'os-snapshot-manage/{snapshot["id"]}/action',
                     f'snapshots/{snapshot["id"]}/action'):
            for body in ({'os-other': {}}, {}, {'os-unmanage': 'x'},
                         {'os-unmanage': {}, 'os-reset_status': {}}):
                self.assertEqual(400, self.api.post(
                    self.path(path), body).status, body)
        unknown = uuidutils.generate_uuid()
        self.assertEqual(404, self.api.post(
            self.path(f'os-snapshot-manage/{unknown}/action'),
            {'os-unmanage': {}}).status)
        self.api.post(self.path(f'snapshots/{snapshot["id"]}/action'),
                      {'os-reset_status': {'status': 'backing-up'}})
        answer = self.api.post(
            self.path(f'snapshots/{snapshot["id"]}/action'),
            {'os-unmanage': {}})
        self.assertEqual((400, errors.SNAPSHOT_BAD_STATUS), (
            answer.status, answer.json['badRequest']['error_code']))

    def test_the_status_of_the_volume(self) -> None:
        self.api.post(self.path(f'volumes/{self.volume["id"]}/action'),
                      {'os-reset_status': {'status': 'error'}})
        answer = self.ask_snapshot(self.volume['id'], 'old')
        self.assertEqual((400, errors.VOLUME_BAD_STATUS), (
            answer.status, answer.json['badRequest']['error_code']))

    def test_a_service_that_is_disabled(self) -> None:
        self.api.put(self.path('os-services/disable'), {
            'host': managed_base.HOST, 'binary': 'cinder-volume'})
        for answer in (self.ask_snapshot(self.volume['id'], 'old'),
                       self.ask_volume('old'),
                       self.api.get(self.path(
                           'manageable_snapshots?host=test@memory'))):
            self.assertEqual((400, errors.DRIVER_NOT_READY), (
                answer.status, answer.json['badRequest']['error_code']))

    def test_quota(self) -> None:
        self.config.config(group='quota', snapshots=0)
        answer = self.ask_snapshot(self.volume['id'], 'old')
        self.assertEqual((413, errors.QUOTA_EXCEEDED), (
            answer.status, answer.json['overLimit']['error_code']))

    def test_quota_for_what_is_bigger_than_its_volume(self) -> None:
        self.foreign_snapshot(self.volume, size=5)
        self.before = self.names()
        self.config.config(group='quota', gigabytes=5)
        self.refused('old-snap', '006')
        self.assertEqual((1, 0, 1), self.usage())


class OriginTest(managed_base.ManagedTest):
    """What export does to the deletion of the volume."""

    OPTIONS: typing.ClassVar[dict[tuple[str, str], typing.Any]] = {
        **managed_base.ManagedTest.OPTIONS,
        ('memory', 'memory_keeps_origins'): True}

    def delete(self, noun: str, id_: str) -> None:
        """Ask for a deletion."""
        self.assertEqual(202, self.api.delete(
            self.path(f'{noun}/{id_}')).status)

    def kept(self, volume: typing.Any) -> typing.Any:
        """Delete a volume that its back end keeps; return the message."""
        self.delete('volumes', volume['id'])
        self.wait_for(lambda: self.operations(
            volume['id'])[-1]['state'] == 'failed')
        shown = self.show('volumes', volume['id'])
        self.assertEqual(('available', []),
                         (shown['status'], shown['attachments']))
        return self.api.get(self.path(
            f'messages?resource_uuid={volume["id"]}')).json['messages'][0]

    def test_r004_import_the_snapshots_to_get_rid_of_the_volume(
            self) -> None:
        self.pool.put_foreign('old', base.GIB)
        volume = self.manage_volume('old')
        self.foreign_snapshot(volume)
        self.kept(volume)
        snapshot = self.manage_snapshot(volume['id'], 'old-snap')
        self.delete('snapshots', snapshot['id'])
        self.wait_gone('snapshots', snapshot['id'])
        self.delete('volumes', volume['id'])
        self.wait_gone('volumes', volume['id'])
        self.assertEqual({}, self.names())
        self.assertEqual((0, 0, 0), self.usage())

    def test_r022_r023_the_volume_comes_back(self) -> None:
        volume = self.make_volume(1)
        snapshot = self.make_snapshot(volume['id'])
        self.unmanage('snapshots', snapshot['id'])
        usage = self.usage()
        message = self.kept(volume)
        self.assertEqual('VOLUME_VOLUME_101_102', message['event_id'])
        self.assertIn(f'snapshot-{snapshot["id"]}', message['user_message'])
        self.assertEqual(usage, self.usage())
        with self.pool.lock:
            del self.pool.contents[f'snapshot-{snapshot["id"]}']
        self.delete('volumes', volume['id'])
        self.wait_gone('volumes', volume['id'])


class NoSideEffectTest(managed_base.ManagedTest):
    """A back end that does not mind."""

    def test_r012_the_volume_goes(self) -> None:
        volume = self.make_volume(1)
        snapshot = self.make_snapshot(volume['id'])
        self.unmanage('snapshots', snapshot['id'])
        self.assertEqual(202, self.api.delete(
            self.path(f'volumes/{volume["id"]}')).status)
        self.wait_gone('volumes', volume['id'])
        self.assertEqual([f'snapshot-{snapshot["id"]}'], list(self.names()))


class PolicyTest(managed_base.ManagedTest):
    """The rules are the operator's."""

    def test_r028_a_member_may_if_the_policy_says_so(self) -> None:
        volume = self.make_volume(1)
        self.foreign_snapshot(volume)
        (self.directory / 'policy.yaml').write_text(
            'snapshot_extension:snapshot_manage: '
            'rule:admin_or_project_member\n')
        self.config.config(group='oslo_policy', policy_file=str(
            self.directory / 'policy.yaml'))
        self.application = base.app.make_app(base.CONF, self.services)
        member = self.as_user(f'member:{self.project}:member')
        answer = member.post(self.path('os-snapshot-manage'), {'snapshot': {
            'volume_id': volume['id'], 'ref': 'old-snap'}})
        self.assertEqual(202, answer.status, answer.text)
