"""What consumers of notifications hear, once for each thing that happens."""

import collections
import time
import typing

from oslo_messaging.notify import _impl_test

from blockstore.db import operations as db_operations
from blockstore.lifecycle import operations
from blockstore.notifications import payloads
from blockstore.tests.functional import base
from blockstore.tests.functional import failures

SECRETS = ('connection_info', 'connector', 'auth_password', 'auth_token',
           'provider_auth', 'provider_location')


class NotificationTest(failures.FailureTest):
    """Listens with oslo.messaging's driver for tests."""

    OPTIONS: typing.ClassVar[dict[tuple[str, str], typing.Any]] = {
        ('oslo_messaging_notifications', 'driver'): ['test'],
        ('operations', 'poll_interval'): 0.05, ('operations', 'lease'): 1.5}

    def setUp(self) -> None:
        _impl_test.reset()
        super().setUp()

    def heard(self, id_: str | None = None) -> list[typing.Any]:
        """Return what was told so far, of one resource."""
        return [message for _, message, _, _ in list(
            _impl_test.NOTIFICATIONS) if id_ is None or id_ in (
                message['payload'].get(f'{noun}_id')
                for noun in (message['event_type'].split('.')[0],))]

    def types(self, id_: str | None = None) -> list[str]:
        """Return the types of what was told so far."""
        return [message['event_type'] for message in self.heard(id_)]

    def wait_types(self, expected: list[str], id_: str | None = None,
                   ) -> None:
        """Wait until these were told, in this order, and nothing else."""
        limit = time.monotonic() + 60
        while self.types(id_) != expected and time.monotonic() < limit:
            time.sleep(0.01)
        self.assertEqual(expected, self.types(id_))


class LifeTest(NotificationTest):
    """Everything that goes well."""

    def test_a_volume(self) -> None:
        volume = self.make_volume(1, name='data', metadata={'key': 'value'})
        id_ = volume['id']
        self.api.post(self.path(f'volumes/{id_}/action'),
                      {'os-extend': {'new_size': 2}})
        self.wait_status('volumes', id_, 'available')
        snapshot = self.make_snapshot(id_)
        self.api.post(self.path(f'volumes/{id_}/action'),
                      {'revert': {'snapshot_id': snapshot['id']}})
        self.wait_status('volumes', id_, 'available')
        self.api.post(self.path(f'volumes/{id_}/action'),
                      {'os-reset_status': {'status': 'error'}})
        self.api.delete(self.path(f'volumes/{id_}?cascade=true'))
        self.wait_gone('volumes', id_)
        self.wait_types([f'volume.{what}.{phase}' for what in (
            'create', 'resize', 'revert', 'reset_status', 'delete')
            for phase in ('start', 'end')], id_)
        self.wait_types(['snapshot.create.start', 'snapshot.create.end',
                         'snapshot.revert.start', 'snapshot.revert.end',
                         'snapshot.delete.end'], snapshot['id'])
        created = self.heard(id_)[1]
        self.assertEqual('volume.test@memory', created['publisher_id'])
        self.assertEqual('INFO', created['priority'])
        payload = created['payload']
        self.assertEqual(
            (self.project, 1, 'available', 'data', {'key': 'value'}, []),
            tuple(payload[name] for name in (
                'tenant_id', 'size', 'status', 'display_name', 'metadata',
                'volume_attachment')))
        self.assertEqual('', payload['deleted_at'])
        self.assertNotEqual('', self.heard(id_)[-1]['payload']['deleted_at'])
        self.assertEqual(2, self.heard(id_)[3]['payload']['size'])

    def test_attachments(self) -> None:
        id_ = self.make_volume(1)['id']
        attachment = self.attach(id_)
        self.api.delete(self.path(f'attachments/{attachment["id"]}'))
        self.wait_types([f'volume.{what}.{phase}' for what in (
            'create', 'attach', 'detach') for phase in ('start', 'end')], id_)
        attached = self.heard(id_)[3]['payload']['volume_attachment'][0]
        self.assertEqual((attachment['id'], 'client'),
                         (attached['id'], attached['attached_host']))
        self.assert_no_secrets()

    def test_attachments_of_old_clients(self) -> None:
        id_ = self.make_volume(1)['id']
        action = self.path(f'volumes/{id_}/action')
        self.api.post(action, {'os-attach': {
            'instance_uuid': id_, 'mountpoint': '/dev/vdb'}})
        self.api.post(action, {'os-detach': {}})
        self.wait_types([f'volume.{what}.{phase}' for what in (
            'create', 'attach', 'detach') for phase in ('start', 'end')], id_)

    def test_a_backup(self) -> None:
        # On a slow machine it would be told of.
        self.patch(operations, '_TELL_INTERVAL', 3600.0)
        volume, _ = self.written()
        backup = self.make_backup(volume['id'], force=True)
        id_ = backup['id']
        self.bytes_of(self.restore(id_), 10)
        # It is told of after it is true: a moment later, perhaps.
        self.wait_types([f'backup.{what}.{phase}'
                         for what in ('create', 'restore')
                         for phase in ('start', 'end')], id_)
        self.api.post(self.path(f'backups/{id_}/action'),
                      {'os-reset_status': {'status': 'error'}})
        self.api.delete(self.path(f'backups/{id_}'))
        self.wait_gone('backups', id_)
        self.wait_types([f'backup.{what}.{phase}' for what in (
            'create', 'restore', 'reset_status', 'delete')
            for phase in ('start', 'end')], id_)
        end = self.heard(id_)[1]
        self.assertEqual('backup.test', end['publisher_id'])
        self.assertEqual(('available', volume['id'], None), tuple(
            end['payload'][name]
            for name in ('status', 'volume_id', 'fail_reason')))
        # What it made for itself is nobody's business.
        self.assertEqual([], [one for one in self.types()
                              if one.startswith('snapshot')])
        self.assert_no_secrets()

    def test_progress(self) -> None:
        volume, opened = self.written()
        for number in range(40):
            opened.write(number * 65536, bytes([number + 1]) * 65536)
        self.patch(operations, '_TELL_INTERVAL', 0.0)
        id_ = self.make_backup(volume['id'], force=True)['id']
        told = [message['payload']['backup_percent']
                for message in self.heard(id_)
                if message['event_type'] == 'backup.createprogress']
        self.assertEqual(sorted(set(told)), told)
        self.assertTrue(1 <= len(told) <= 10, told)

    def assert_no_secrets(self) -> None:
        """Assert that nothing told leads to the bytes of a volume."""
        for context, message, _, _ in _impl_test.NOTIFICATIONS:
            text = repr((dict(context, auth_token=''), message['payload']))
            for word in SECRETS[:3] + SECRETS[4:]:
                self.assertNotIn(word, text)
            self.assertIsNone(context['auth_token'])


class TroubleTest(NotificationTest):
    """What goes wrong with the work, and with telling of it."""

    def test_a_failure_is_told_once(self) -> None:
        self.driver.faults.fail('create_volume', times=1)
        answer = self.api.post(self.path('volumes'), {'volume': {'size': 1}})
        id_ = answer.json['volume']['id']
        self.wait_types(['volume.create.start', 'volume.create.error'], id_)
        error = self.heard(id_)[1]
        self.assertEqual('ERROR', error['priority'])
        self.assertEqual('error', error['payload']['status'])
        self.assertTrue(error['payload']['error_code'].startswith(
            'blockstore.'))
        self.assertTrue(error['payload']['message'])

    def test_no_place(self) -> None:
        answer = self.api.post(self.path('volumes'), {
            'volume': {'size': 1_000_000}})
        if answer.status != 202:
            self.config.config(group='quota', gigabytes=-1)
            answer = self.api.post(self.path('volumes'), {
                'volume': {'size': 1_000_000}})
        id_ = answer.json['volume']['id']
        limit = time.monotonic() + 60
        while len(self.heard()) < 2 and time.monotonic() < limit:
            time.sleep(0.01)
        self.assertEqual(['scheduler.create_volume', 'volume.create.error'],
                         self.types())
        self.assertEqual({'scheduler.test'}, {
            message['publisher_id'] for message in self.heard()})
        self.assertEqual({id_}, {message['payload']['volume_id']
                                 for message in self.heard()})

    def test_work_goes_on_when_telling_fails(self) -> None:
        def broken(*_: typing.Any) -> typing.NoReturn:
            raise RuntimeError('no payload')

        self.patch(payloads, 'of', broken)
        self.make_snapshot(self.make_volume(1)['id'])
        self.assertEqual([], self.heard())

    def test_each_event_once_whoever_works(self) -> None:
        """A copy that changes hands is begun once and ended once."""
        volume, opened = self.written()
        for number in range(20):
            opened.write(number * 65536, bytes([number + 1]) * 65536)
        self.driver.faults.delay('read', 0.05, times=1000)
        id_ = self.ask(volume['id'], force=True)
        for _ in range(2):
            self.wait_for(lambda: self.operation_of(id_).step == 'copy')
            self.backup_manager.stop(time.monotonic() + 10)
            self.backup_manager = base.BackupManager(
                base.CONF, self.database, self.transport)
            self.addCleanup(lambda one=self.backup_manager: one.stop(
                time.monotonic() + 10))
            self.backup_manager.worker.watch(self.publisher)
            self.backup_manager.start()
        self.driver.faults.clear()
        self.wait_status('backups', id_, 'available')
        # It is told of after it is true: a moment later, perhaps.
        self.wait_for(lambda: 'backup.create.end' in self.types(id_))
        counts = collections.Counter(self.types(id_))
        self.assertEqual((1, 1), (counts['backup.create.start'],
                                  counts['backup.create.end']))

    def operation_of(self, id_: str) -> typing.Any:
        """Return the open operation on a resource."""
        with self.database.read() as tx:
            return db_operations.open_of(tx, id_)[0]


class SilenceTest(base.FunctionalTest):
    """Without a driver, nothing is even looked at."""

    def test_no_payload_is_made(self) -> None:
        asked: list[typing.Any] = []
        self.patch(payloads, 'of', lambda *words: asked.append(words))
        self.make_snapshot(self.make_volume(1)['id'])
        self.assertEqual([], asked)
