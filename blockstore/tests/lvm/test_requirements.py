"""Import and export of snapshots on LVM, requirement by requirement (S0).

R-012 is of back ends that do not mind, R-024 and R-025 are of code alone;
they are shown on the memory driver, as all others are, too.
"""

import json
import urllib.parse

from oslo_utils import uuidutils

from blockstore.tests.crash import process
from blockstore.tests.lvm import managed_base
from blockstore.tests.lvm import real

ROOT = f'/v3/{process.PROJECT}'


class ImportTests:
    """What is imported, and what is let go."""

    def test_r001_r003_r006_r028_made_by_hand(self):
        self.stage.attach()
        self.addCleanup(self.stage.detach)
        frozen = self.stage.image
        name = self.by_hand('by-hand')
        identity = self.uuid(name)
        self.stage.write()
        usage = self.usage()
        snapshot = self.manage_snapshot(name, name='n')
        self.assertEqual((1, 'n', self.volume_id), (
            snapshot['size'], snapshot['name'], snapshot['volume_id']))
        self.assertEqual(identity, self.uuid(f'_snapshot-{snapshot["id"]}'))
        self.assertNotIn(name, real.names())
        self.assertEqual((usage[0], usage[1] + 1, usage[2] + 1),
                         self.usage())
        operation = self.operation(snapshot['id'])
        self.assertEqual(('snapshot.manage', 'done'), (
            operation['kind'], operation['state']))
        made = self.accepted(self.ask('POST', 'volumes', {
            'volume': {'size': 1, 'snapshot_id': snapshot['id']}}))
        self.await_status('volumes', made['id'], 'available')
        for found in (self.stage.snapshot_bytes(snapshot['id']),
                      self.stage.volume_bytes(made['id'])):
            self.assertEqual(frozen, found[:len(frozen)])
        self.stage.check_client()

    def test_r001_r002_r011_r021_export_keeps_the_bytes(self):
        """The same for both nouns, and all of it can be taken back."""
        volume_id = self.stage.make_volume()
        attachment, connection = self.stage.connect(volume_id)
        connection.write(0, b'frozen' * 1000)
        connection.flush()
        made = self.accepted(self.ask('POST', 'snapshots', {'snapshot': {
            'volume_id': volume_id, 'force': True}}))
        self.await_status('snapshots', made['id'], 'available')
        connection.write(0, b'later!' * 1000)
        connection.flush()
        connection.close()
        self.stage.disconnect(attachment)
        names = {'snapshots': f'_snapshot-{made["id"]}',
                 'volumes': f'volume-{volume_id}'}
        identities = {noun: self.uuid(name) for noun, name in names.items()}
        usage = self.usage()
        self.unmanage('snapshots', made['id'])
        self.unmanage('volumes', volume_id)
        self.assertEqual((usage[0] - 1, usage[1] - 1, usage[2] - 2),
                         self.usage())
        for noun, words in (('snapshots', b'frozen'), ('volumes', b'later!')):
            self.assertEqual(identities[noun], self.uuid(names[noun]))
            self.assertEqual(words * 1000,
                             self.read(names[noun])[:6000], noun)
        volume = self.manage_volume(names['volumes'])
        again = self.manage_snapshot({'source-name': names['snapshots']},
                                     volume=volume['id'])
        self.assertNotEqual(made['id'], again['id'])
        self.assertEqual(identities['snapshots'],
                         self.uuid(f'_snapshot-{again["id"]}'))
        self.assertEqual(
            b'frozen' * 1000,
            self.stage.snapshot_bytes(again['id'])[:6000])
        self.assertEqual(usage, self.usage())

    def test_r005_r013_r020_r021_both_forms_of_the_urls(self):
        name = self.by_hand('by-url')
        for number, (path, version) in enumerate((
                (f'/v2/{process.PROJECT}/os-snapshot-manage', '3.0'),
                (f'{ROOT}/os-snapshot-manage', '3.0'),
                ('/v3/os-snapshot-manage', '3.71'),
                (f'{ROOT}/manageable_snapshots', '3.8'))):
            made = self.accepted(self.ask('POST', path, {'snapshot': {
                'volume_id': self.volume_id, 'ref': name}},
                version=version))
            self.await_status('snapshots', made['id'], 'available')
            name = f'_snapshot-{made["id"]}'
            action = path.replace('manageable_', '')
            answer = self.ask('POST', f'{action}/{made["id"]}/action',
                              {'os-unmanage': {} if number else None},
                              version=version)
            self.assertEqual((202, None), (answer.status, answer.json))
            self.await_gone('snapshots', made['id'])
        self.assertIn(name, real.names())
        self.assertEqual(404, self.ask(
            'POST', 'manageable_snapshots', {}, version='3.7').status)

    def test_r014_the_host_is_checked(self):
        name = self.by_hand('by-host')
        pool = self.show('volumes', self.volume_id)['os-vol-host-attr:host']
        self.assertTrue(pool.startswith(f'{managed_base.HOST}#'), pool)
        before = self.group()
        for host in ('other', 'cras', f'{process.HOST}@other',
                     f'{managed_base.HOST}#other'):
            self.assertEqual(400, self.ask_snapshot(
                name, host=host).status, host)
        self.assertEqual(before, self.group())
        for host in (process.HOST, managed_base.HOST, None):
            answer = self.ask_snapshot(name, '?dry_run=true', host=host)
            self.assertTrue(answer.json['dry_run']['manageable'], host)
        self.manage_snapshot(name, host=pool)

    def test_r015_r016_the_volume_by_its_name_and_a_plain_string(self):
        name = self.by_hand('by-name')
        usage = self.usage()
        for wrong in ('garbage', 'volume-', f'_snapshot-{self.volume_id}',
                      7):
            self.assertEqual(400, self.ask_snapshot(
                name, volume=wrong).status, wrong)
        for fields in ({'ref': name}, {'volume_id': self.volume_id}):
            self.assertEqual(400, self.ask(
                'POST', 'manageable_snapshots', {'snapshot': fields}).status)
        self.assertEqual(usage, self.usage())
        snapshot = self.manage_snapshot(
            name, volume=f'volume-{self.volume_id}')
        self.assertEqual(self.volume_id, snapshot['volume_id'])

    def test_r016_r017_r018_r019_the_answer_and_an_object(self):
        names = [self.by_hand(f'by-object-{one}') for one in 'ab']
        made = self.accepted(self.ask_snapshot({'source-name': names[0]}))
        self.assertEqual(
            {'status', 'description', 'created_at', 'updated_at', 'metadata',
             'volume_id', 'size', 'id', 'name'}, set(made))
        self.assertEqual(
            ('creating', None, None, {}, self.volume_id, 1), (
                made['status'], made['name'], made['description'],
                made['metadata'], made['volume_id'], made['size']))
        self.assertTrue(uuidutils.is_uuid_like(made['id']))
        self.await_status('snapshots', made['id'], 'available')
        fields = {'name': 'n', 'description': 'd',
                  'metadata': {'key': 'value'}}
        made = self.accepted(self.ask_snapshot(
            {'source-name': f'{real.GROUP}/{names[1]}'}, **fields))
        shown = self.await_status('snapshots', made['id'], 'available')
        for one in (made, shown):
            self.assertEqual(fields, {key: one[key] for key in fields})

    def test_r026_r028_who_may(self):
        """Administrators, and whom the policy names."""
        name = self.by_hand('by-importer')
        managed = self.stage.make_snapshot()
        before = self.group()
        body = {'snapshot': {'volume_id': self.volume_id, 'ref': name}}
        token = f'user:{process.PROJECT}'
        for method, path, asked in (
                ('POST', 'os-snapshot-manage', body),
                ('POST', 'manageable_snapshots', body),
                ('POST', f'snapshots/{managed}/action', {'os-unmanage': {}}),
                ('POST', f'os-snapshot-manage/{managed}/action',
                 {'os-unmanage': {}}),
                ('GET', f'manageable_snapshots?host={managed_base.HOST}',
                 None)):
            self.assertEqual(403, self.ask(
                method, path, asked, token=f'{token}:member').status, path)
        self.assertEqual(before, self.group())
        made = self.accepted(self.ask(
            'POST', 'os-snapshot-manage', body,
            token=f'{token}:member,importer'))
        self.await_status('snapshots', made['id'], 'available')


class ErrorTests:
    """What is refused: nothing in the group is changed by it."""

    def refused(self, detail, *refs):
        """Check that references come to an error, and change nothing."""
        before, usage = self.group(), self.usage()
        ids = [self.accepted(self.ask_snapshot(ref))['id'] for ref in refs]
        for id_, ref in zip(ids, refs, strict=True):
            self.await_status('snapshots', id_, 'error')
            self.assertEqual(f'VOLUME_VOLUME_SNAPSHOT_105_{detail}',
                             self.message(id_)['event_id'], ref)
        self.assertEqual(usage, self.usage())
        for id_ in ids:
            self.delete('snapshots', id_)
        for id_ in ids:
            self.await_gone('snapshots', id_)
        self.assertEqual((before, usage), (self.group(), self.usage()))

    def test_r007_no_such_volume(self):
        name = self.by_hand('of-nobody')
        before, usage = self.group(), self.usage()
        absent = uuidutils.generate_uuid()
        for volume in (absent, f'volume-{absent}'):
            answer = self.ask_snapshot(name, volume=volume)
            self.assertEqual((404, ['itemNotFound']),
                             (answer.status, list(answer.json)))
        self.assertEqual([], self.ask(
            'GET', f'snapshots?volume_id={absent}').json['snapshots'])
        self.assertEqual((before, usage), (self.group(), self.usage()))

    def test_r008_r016_no_such_snapshot(self):
        self.refused('106', 'no-such', {'source-name': 'no-such'}, {}, None)

    def test_r009_not_a_snapshot_of_that_volume(self):
        other = self.stage.make_volume()
        of_other = self.by_hand('of-other', f'volume-{other}')
        managed = self.accepted(self.ask('POST', 'snapshots', {
            'snapshot': {'volume_id': other}}))['id']
        self.await_status('snapshots', managed, 'available')
        self.refused('106', of_other, self.thin('plain'), real.POOL,
                     f'volume-{self.volume_id}', f'volume-{other}',
                     f'_snapshot-{managed}')

    def test_r010_independent_copies(self):
        """One copied byte by byte, one that shares blocks."""
        by_bytes = self.thin('by-bytes')
        real.run('dd', f'if=/dev/{real.GROUP}/volume-{self.volume_id}',
                 f'of=/dev/{real.GROUP}/{by_bytes}', 'bs=1M', 'count=4',
                 'conv=fsync')
        copy = self.accepted(self.ask('POST', 'volumes', {'volume': {
            'size': 1, 'source_volid': self.volume_id}}))['id']
        self.await_status('volumes', copy, 'available')
        self.unmanage('volumes', copy)
        self.refused('106', by_bytes, f'volume-{copy}')
        for name in (by_bytes, f'volume-{copy}'):
            volume = self.manage_volume(name)
            self.assertEqual(
                self.stage.image,
                self.stage.volume_bytes(volume['id'],
                                        )[:len(self.stage.image)], name)

    def test_already_managed(self):
        managed = self.stage.make_snapshot()
        self.refused('107', f'_snapshot-{managed}')
        self.assertEqual('available',
                         self.show('snapshots', managed)['status'])

    def test_r020_what_unmanage_refuses(self):
        managed = self.stage.make_snapshot()
        before = self.group()
        for path in ('os-snapshot-manage', 'snapshots'):
            for id_, body, status in (
                    (managed, {'os-other': {}}, 400),
                    (managed, {}, 400),
                    (uuidutils.generate_uuid(), {'os-unmanage': {}}, 404)):
                self.assertEqual(status, self.ask(
                    'POST', f'{path}/{id_}/action', body).status, body)
        self.ask('POST', f'snapshots/{managed}/action',
                 {'os-reset_status': {'status': 'backing-up'}})
        for path in ('os-snapshot-manage', 'snapshots'):
            self.assertEqual(400, self.ask(
                'POST', f'{path}/{managed}/action',
                {'os-unmanage': {}}).status)
        self.assertEqual(before, self.group())


class OriginTests:
    """LVM keeps a volume that has snapshots."""

    def kept(self, volume_id, name):
        """Delete a volume in vain: the user is told what keeps it."""
        before, usage = self.group(), self.usage()
        self.delete('volumes', volume_id)
        self.await_true(lambda: self.operation(volume_id)['finished_at'])
        operation = self.operation(volume_id)
        self.assertEqual(('volume.delete', 'failed'), (
            operation['kind'], operation['state']))
        shown = self.show('volumes', volume_id)
        self.assertEqual(('available', []),
                         (shown['status'], shown['attachments']))
        message = self.message(volume_id)
        self.assertEqual('VOLUME_VOLUME_101_102', message['event_id'])
        self.assertIn(name, message['user_message'])
        self.assertEqual((before, usage), (self.group(), self.usage()))

    def removed(self, noun, id_, name):
        """Delete something, and wait until the group is rid of it."""
        self.delete(noun, id_)
        self.await_gone(noun, id_)
        self.await_true(lambda: name not in real.names())

    def test_r004_import_the_snapshots_to_get_rid_of_the_volume(self):
        usage = self.usage()
        volume_id = self.manage_volume(self.thin('to-import'))['id']
        volume = f'volume-{volume_id}'
        name = self.by_hand('keeps-it', volume)
        self.kept(volume_id, name)
        snapshot = self.manage_snapshot(name, volume=volume_id)
        self.removed('snapshots', snapshot['id'],
                     f'_snapshot-{snapshot["id"]}')
        self.removed('volumes', volume_id, volume)
        self.assertEqual(usage, self.usage())

    def test_r022_r023_the_volume_comes_back(self):
        volume_id = self.stage.make_volume()
        snapshot = self.accepted(self.ask('POST', 'snapshots', {
            'snapshot': {'volume_id': volume_id}}))['id']
        self.await_status('snapshots', snapshot, 'available')
        name = f'_snapshot-{snapshot}'
        self.unmanage('snapshots', snapshot)
        self.kept(volume_id, name)
        real.lv('lvremove', '-f', f'{real.GROUP}/{name}')
        self.removed('volumes', volume_id, f'volume-{volume_id}')


class ListTests:
    """What stands in the group, page by page, and what would become of it.
    """

    def own(self, rest=''):
        """Return the names of this class's snapshots in the list."""
        names = [one['reference']['source-name']
                 for one in self.listed(rest)]
        return [name for name in names if name.startswith('page-')]

    def test_a_list_in_pages_tells_what_is_safe(self):
        volume = f'volume-{self.volume_id}'
        managed = self.stage.make_snapshot()
        big = self.thin('big', '1536M')
        for name, origin in (('page-a', volume), ('page-b', big),
                             ('page-c', volume)):
            self.by_hand(name, origin)
        self.assertEqual(['page-c', 'page-b', 'page-a'], self.own())
        self.assertEqual(['page-b', 'page-c', 'page-a'],
                         self.own('&sort=size:desc,reference:desc'))
        self.assertEqual(
            self.listed('&sort=reference:asc')[1:3],
            self.listed('&sort=reference:asc&limit=2&offset=1'))
        marker = urllib.parse.quote(json.dumps({'source-name': 'page-b'}))
        self.assertEqual(['page-a'], self.own(f'&marker={marker}'))
        for wrong in ('&marker=%5B%5D', '&sort=name', '&limit=-1'):
            self.assertEqual(400, self.ask(
                'GET', f'manageable_snapshots?host={managed_base.HOST}'
                       f'{wrong}').status, wrong)
        found = {one['reference']['source-name']: one
                 for one in self.listed()}
        self.assertEqual(
            {'reference': {'source-name': 'page-b'}, 'size': 2,
             'safe_to_manage': True, 'reason_not_safe': None,
             'cinder_id': None, 'extra_info': None,
             'source_reference': {'source-name': big}}, found['page-b'])
        mine = found[f'_snapshot-{managed}']
        self.assertEqual((managed, False, 'already managed', volume), (
            mine['cinder_id'], mine['safe_to_manage'],
            mine['reason_not_safe'],
            mine['source_reference']['source-name']))
        short, = (one for one in self.ask(
            'GET', f'os-snapshot-manage?host={managed_base.HOST}',
        ).json['manageable-snapshots']
            if one['reference']['source-name'] == 'page-a')
        self.assertEqual(
            {'reference', 'size', 'safe_to_manage', 'source_reference'},
            set(short))

    def test_a_dry_run_changes_nothing(self):
        name = self.by_hand('to-try')
        plain = self.thin('to-try-too')
        before, usage = self.group(), self.usage()
        shown = self.ask('GET', 'snapshots').json
        found = self.tried(name)
        self.assertEqual((True, 1, [], 1), (
            found['manageable'], found['size'], found['blockers'],
            found['quota']['snapshots']['asked']))
        for ref in ('no-such', plain, f'volume-{self.volume_id}'):
            found = self.tried(ref)
            self.assertFalse(found['manageable'])
            self.assertEqual(1, len(found['blockers']), found)
        self.assertEqual(404, self.ask_snapshot(
            name, '?dry_run=true', volume=uuidutils.generate_uuid()).status)
        self.assertEqual((before, usage), (self.group(), self.usage()))
        self.assertEqual(shown, self.ask('GET', 'snapshots').json)

    def tried(self, ref):
        """Return what is told of a reference."""
        answer = self.ask_snapshot(ref, '?dry_run=true')
        self.assertEqual(200, answer.status, answer)
        return answer.json['dry_run']


class RequirementsTest(ImportTests, ErrorTests, OriginTests, ListTests,
                       managed_base.ManagedTest):
    """All of them, with one service."""
