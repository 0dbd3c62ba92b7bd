"""User messages: what a project learns of failures after the answer."""

from oslo_utils import fixture
from oslo_utils import timeutils

from blockstore import context
from blockstore.db import messages as db
from blockstore.lifecycle import messages
from blockstore.lifecycle.messages import Action
from blockstore.lifecycle.messages import Detail
from blockstore.tests.unit.api import base


class MessageTestCase(base.ApiTestCase):
    """Tells projects of failed backups."""

    def tell(self, project_id=base.PROJECT, detail=Detail.BACKUP_SERVICE_DOWN,
             resource='backup-1'):
        worker = context.for_service(request_id='req-1')
        with self.database.write() as tx:
            return messages.add(tx, worker, project_id, Action.BACKUP_CREATE,
                                detail, 'backup', resource)


class MessageTest(MessageTestCase):
    """/messages."""

    def test_fields(self):
        message_id = self.tell()
        answer = self.get(f'messages/{message_id}', version='3.3',
                          token=base.READER)
        self.assertEqual(200, answer.status)
        shown = answer.json['message']
        self.assertEqual({
            'id', 'event_id', 'user_message', 'message_level', 'created_at',
            'guaranteed_until', 'request_id', 'links', 'resource_type',
            'resource_uuid'}, set(shown))
        self.assertEqual(
            ('VOLUME_VOLUME_BACKUP_013_018', 'ERROR', 'VOLUME_BACKUP',
             'backup-1', 'req-1'), tuple(shown[key] for key in (
                 'event_id', 'message_level', 'resource_type',
                 'resource_uuid', 'request_id')))
        self.assertEqual(
            'Creating the backup failed: no backup service is running. '
            'Try again later.', shown['user_message'])

    def test_they_begin_at_3_3(self):
        self.assertEqual(404, self.get('messages', version='3.2').status)
        self.tell()
        self.assertEqual(1, len(self.get(
            'messages', version='3.3').json['messages']))

    def test_filters_and_pages_from_3_5(self):
        for number in range(3):
            self.tell(resource=f'backup-{number}')
        old = self.get('messages', version='3.4', limit='1',
                       resource_uuid='backup-1')
        self.assertEqual(3, len(old.json['messages']))
        found = self.get('messages', version='3.5', token=base.MEMBER,
                         resource_uuid='backup-1').json['messages']
        self.assertEqual(['backup-1'],
                         [item['resource_uuid'] for item in found])
        page = self.get('messages', version='3.5', limit='2',
                        sort='resource_uuid:asc').json
        self.assertEqual(2, len(page['messages']))
        self.assertIn('messages_links', page)
        rest = self.get('messages', version='3.5', sort='resource_uuid:asc',
                        marker=page['messages'][-1]['id']).json
        self.assertEqual(['backup-2'], [
            item['resource_uuid'] for item in rest['messages']])

    def test_delete(self):
        path = f'messages/{self.tell()}'
        self.assert_fault(403, 'forbidden', self.ask(
            'DELETE', path, version='3.3', token=base.READER))
        self.assertEqual(204, self.ask('DELETE', path, version='3.3',
                                       token=base.MEMBER).status)
        self.assert_fault(404, 'itemNotFound',
                          self.get(path, version='3.3'))

    def test_others_see_nothing(self):
        path = f'messages/{self.tell()}'
        kwargs = {'version': '3.5', 'token': base.STRANGER}
        self.assertEqual([], self.get('messages', **kwargs).json['messages'])
        self.assert_fault(404, 'itemNotFound', self.get(path, **kwargs))
        self.assert_fault(404, 'itemNotFound',
                          self.ask('DELETE', path, **kwargs))
        self.assertEqual(200, self.get(path, version='3.5').status)


class CatalogueTest(MessageTestCase):
    """The data behind the messages."""

    def test_codes_are_unique(self):
        for entries in (Action, Detail):
            codes = [entry.code for entry in entries]
            self.assertEqual(len(entries.__members__), len(set(codes)))

    def test_codes_that_clients_know(self):
        self.assertEqual(
            ('009', '010', '013', '014', '015'),
            tuple(entry.code for entry in (
                Action.SNAPSHOT_CREATE, Action.SNAPSHOT_DELETE,
                Action.BACKUP_CREATE, Action.BACKUP_DELETE,
                Action.BACKUP_RESTORE)))

    def test_every_text_fits(self):
        longest = max(len(entry.text) for entry in Action) + max(
            len(entry.text) for entry in Detail)
        self.assertLess(longest, 1000)

    def test_expired_messages_go(self):
        clock = self.useFixture(fixture.TimeFixture(timeutils.utcnow()))
        self.tell()
        clock.advance_time_seconds((messages.KEPT_DAYS - 1) * 86400)
        kept = self.tell()
        clock.advance_time_seconds(2 * 86400)
        with self.database.write() as tx:
            self.assertEqual(1, db.delete_expired(tx))
        self.assertEqual([kept], [item['id'] for item in self.get(
            'messages', version='3.5').json['messages']])
