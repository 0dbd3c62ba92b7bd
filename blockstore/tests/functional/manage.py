"""What an operator does by hand, on a service that runs."""

import contextlib
import datetime
import io
import json
import re
import threading
import time

import fixtures
from oslo_utils import timeutils
from oslo_utils import uuidutils

from blockstore.backup.store.repository import Repository
from blockstore.cmd import common
from blockstore.cmd import manage
from blockstore.cmd import status
from blockstore.conf import CONF
from blockstore.db import models
from blockstore.db import rows
from blockstore.db import schema
from blockstore.db import services
from blockstore.rpc import versions
from blockstore.tests.functional import base


class ManageTestCase(base.FunctionalTest):
    """Runs commands as another process would."""

    def setUp(self):
        super().setUp()
        self.config_file = self.directory / 'blockstore.conf'
        self.config_file.write_text(
            '[database]\n'
            f'connection = sqlite:///{self.directory}/blockstore.sqlite\n'
            '[service]\nhost = test\n'
            f'state_path = {self.directory}\n'
            f'[store]\nposix_path = {self.directory}/store\n')
        # The log of this process is that of its tests.
        self.useFixture(fixtures.MockPatchObject(common.logging, 'setup'))

    def run_(self, *words, main=manage.main):
        out, err = io.StringIO(), io.StringIO()
        with (contextlib.redirect_stdout(out),
              contextlib.redirect_stderr(err)):
            code = main(['--config-file', str(self.config_file), *words])
        return code, out.getvalue(), err.getvalue()

    def say(self, *words):
        code, out, err = self.run_(*words)
        self.assertEqual((0, ''), (code, err), out)
        return out

    def change(self, model, id_, **values):
        with self.database.write() as tx:
            rows.update(tx, model, id_, values)


class DatabaseTest(ManageTestCase):
    """db, service and operation."""

    def test_version_and_sync(self):
        head = schema.head()
        self.assertEqual(f'{head}\n', self.say('db', 'version'))
        self.assertIn(head, self.say('db', 'sync'))

    def test_services(self):
        lines = self.say('service', 'list').splitlines()
        volume = next(line for line in lines if 'cinder-volume' in line)
        self.assertIn('test@memory', volume)
        speaks = ' +'.join(map(re.escape, (
            versions.RPC['volume'], versions.OBJECTS)))
        self.assertRegex(volume, rf'enabled +up +{speaks}')

    def test_remove_a_service(self):
        self.backup_manager.stop(0)
        self.say('service', 'remove', 'test', 'cinder-backup')
        self.assertNotIn('cinder-backup', self.say('service', 'list'))
        code, _, err = self.run_('service', 'remove', 'test',
                                 'cinder-backup')
        self.assertEqual(2, code)
        self.assertIn('there is no service', err)

    def test_operations(self):
        volume = self.make_volume()
        self.assertNotIn(volume['id'], self.say('operation', 'list'))
        lines = self.say('operation', 'list', '--all').splitlines()
        line = next(line for line in lines if volume['id'] in line)
        self.assertIn('volume.create', line)
        shown = json.loads(self.say('operation', 'show', line.split()[0]))
        self.assertEqual(('done', volume['id']),
                         (shown['state'], shown['resource_id']))

    def test_an_empty_database_says_what_to_do(self):
        self.config_file.write_text(
            f'[database]\nconnection = sqlite:///{self.directory}/empty\n')
        code, out, err = self.run_('service', 'list')
        self.assertEqual((2, ''), (code, out))
        self.assertIn('db sync', err)


class ExplainTest(ManageTestCase):
    """explain."""

    def test_what_is_well(self):
        volume = self.make_volume(name='data')
        snapshot = self.make_snapshot(volume['id'])
        said = self.say('explain', volume['id'])
        self.assertIn(f'volume {volume["id"]} (data) of project', said)
        self.assertIn('is available for', said)
        self.assertIn(snapshot['id'], said)
        self.assertIn('nothing is due', said)
        self.assertIn(f'snapshot of volume {volume["id"]}',
                      self.say('explain', snapshot['id']))

    def test_attachment_and_backup(self):
        volume = self.make_volume()
        backup = self.make_backup(volume['id'])
        attachment = self.attach(volume['id'])
        self.assertIn(f'Attachment {attachment["id"]} (attached) holds',
                      self.say('explain', volume['id']))
        self.assertIn(f'backup of volume {volume["id"]}',
                      self.say('explain', backup['id']))

    def test_who_works_on_it_or_will(self):
        volume = self.make_volume()
        self.volume_manager.stop(0)
        answer = self.api.delete(self.path(f'volumes/{volume["id"]}'))
        self.assertEqual(202, answer.status)
        said = self.say('explain', volume['id'])
        self.assertIn('is deleting for', said)
        self.assertIn('test@memory (cinder-volume) takes it up', said)
        self.api.put(self.path('os-services/disable'), {
            'host': 'test@memory', 'binary': 'cinder-volume'})
        self.assertIn('No cinder-volume on test@memory is up and enabled',
                      self.say('explain', volume['id']))
        operation = self.api.get(self.path(
            f'operations?state=pending&resource_id={volume["id"]}',
        )).json['operations'][0]
        self.change(models.Operation, operation['id'], state='running',
                    lease_owner='volume test@memory x', attempt=3, step='cut',
                    lease_expires_at=self.ahead(100))
        said = self.say('explain', operation['id'])
        self.assertIn('"volume test@memory x" works on it, attempt 3', said)
        self.assertIn('Step: cut.', said)
        self.change(models.Operation, operation['id'],
                    lease_expires_at=self.ahead(-100))
        self.assertIn('no sign of life', self.say('explain', volume['id']))

    def ahead(self, seconds):
        return timeutils.utcnow() + datetime.timedelta(seconds=seconds)

    def test_what_failed(self):
        volume = self.make_volume()
        with self.database.write() as tx:
            operation = manage.db_operations.last_closed(tx, volume['id'])
        self.change(models.Operation, operation.id, state='failed',
                    error_code='blockstore.driver.failed',
                    error_message='the disk is full')
        self.assertIn('failed 0 s ago: the disk is full '
                      '(blockstore.driver.failed)',
                      self.say('explain', volume['id']))

    def test_nobody_works_on_what_should_move(self):
        volume = self.make_volume()
        self.change(models.Volume, volume['id'], status='extending')
        self.assertIn('Nothing works on it. If that stays so',
                      self.say('explain', volume['id']))

    def test_an_attachment(self):
        volume = self.make_volume()
        id_ = self.attach(volume['id'])['id']
        said = self.say('explain', id_)
        self.assertIn(f'attachment {id_} of project', said)
        self.assertIn('in use, and nothing is due', said)
        self.assertIn(f'attaches volume {volume["id"]} to client', said)
        self.api.delete(self.path(f'attachments/{id_}'))
        answer = self.api.post(self.path('attachments'), {
            'attachment': {'volume_uuid': volume['id']}})
        self.assertIn('how it wants to connect', self.say(
            'explain', answer.json['attachment']['id']))

    def test_an_attachment_that_is_worked_on(self):
        id_ = self.attach(self.make_volume()['id'])['id']
        self.volume_manager.stop(time.monotonic() + 10)
        answer = self.api.delete(self.path(f'attachments/{id_}'))
        self.assertEqual(503, answer.status, answer.text)
        said = self.say('explain', id_)
        self.assertIn('is detaching for', said)
        self.assertIn('Operation attachment.disconnect', said)
        self.assertIn('test@memory (cinder-volume) takes it up', said)
        with self.database.read() as tx:
            row, = manage.db_operations.open_of(tx, id_)
        self.change(models.Operation, row.id, state='running', step='answer',
                    lease_owner='api x', lease_expires_at=self.ahead(100))
        self.assertIn('the API process that had asked fetches it within',
                      self.say('explain', id_))
        self.change(models.Operation, row.id, step=None,
                    lease_owner='volume test@memory x')
        said = self.say('explain', row.id)
        self.assertIn('That service reported itself', said)
        self.assertIn('it is up.', said)
        self.assertIn(f'operation release {row.id}', said)
        self.assertIn('It holds attachment.disconnect',
                      self.say('explain', 'test@memory'))

    def test_what_to_do_about_a_failure(self):
        id_ = self.make_volume()['id']
        with self.database.write() as tx:
            row = manage.db_operations.last_closed(tx, id_)
        self.change(models.Operation, row.id, state='failed',
                    error_code='c', error_message='m',
                    facts={'error': {'remedy': 'mend it'}})
        self.assertIn('What to do: mend it.', self.say('explain', id_))

    def test_a_backup_and_its_part(self):
        volume_id = self.make_volume()['id']
        self.attach(volume_id)
        gate = threading.Event()
        self.addCleanup(gate.set)
        self.driver.faults.hang('create_snapshot', gate)
        id_ = self.api.post(self.path('backups'), {'backup': {
            'volume_id': volume_id, 'force': True}}).json['backup']['id']
        limit = time.monotonic() + 60
        while 'its part snapshot.create' not in self.say('explain', id_):
            self.assertLess(time.monotonic(), limit)
        self.assertIn(f'Backup {id_} reads it',
                      self.say('explain', volume_id))

    def test_services(self):
        said = self.say('explain', 'test')
        for name in ('cinder-volume on test@memory is up and enabled',
                     'cinder-backup on test is up and enabled',
                     'cinder-scheduler on test is up'):
            self.assertIn(name, said)
        self.api.put(self.path('os-services/disable-log-reason'), {
            'host': 'test@memory', 'binary': 'cinder-volume',
            'disabled_reason': 'new disks'})
        self.assertIn('disabled (new disks)',
                      self.say('explain', 'test@memory'))
        self.volume_manager.stop(time.monotonic() + 10)
        volume_id = self.make_on('test@memory#memory')
        self.assertIn('1 operations wait for cinder-volume',
                      self.say('explain', 'test@memory'))
        self.assertIn('No cinder-volume on test@memory is up and enabled',
                      self.say('explain', volume_id))

    def make_on(self, host):
        """Ask for a volume's removal that nobody does; return its id."""
        id_ = uuidutils.generate_uuid()
        with self.database.write() as tx:
            rows.insert(tx, models.Volume, id=id_, project_id=self.project,
                        size=1, status='available', host=host)
        answer = self.api.delete(self.path(f'volumes/{id_}'))
        self.assertEqual(202, answer.status, answer.text)
        return id_

    def test_unknown(self):
        code, out, err = self.run_('explain', 'nothing')
        self.assertEqual((2, ''), (code, out))
        self.assertIn('there is no volume, snapshot, backup', err)


class OperationTest(ManageTestCase):
    """operation cancel, release and fail: safe by fencing."""

    def setUp(self):
        super().setUp()
        self.volume_id = self.make_volume()['id']
        self.gate = threading.Event()
        self.addCleanup(self.gate.set)
        self.driver.faults.hang('create_snapshot', self.gate)
        self.snapshot_id = self.api.post(self.path('snapshots'), {
            'snapshot': {'volume_id': self.volume_id}}).json['snapshot']['id']
        self.until(lambda: 'create_snapshot' in self.driver.pool.called())
        with self.database.read() as tx:
            row, = manage.db_operations.open_of(tx, self.snapshot_id)
        self.operation_id = row.id

    def until(self, condition):
        limit = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.02)

    def row(self):
        with self.database.read() as tx:
            return manage.db_operations.get(tx, self.operation_id)

    def test_release(self):
        """A hanging one is done by somebody else, and by nobody twice."""
        self.say('operation', 'release', self.operation_id)
        self.until(lambda: self.row().state == 'done')
        before = self.row()
        self.gate.set()
        self.wait_status('snapshots', self.snapshot_id, 'available')
        self.assertEqual((2, before), (before.attempt, self.row()))

    def test_fail(self):
        self.say('operation', 'fail', self.operation_id,
                 '--reason', 'the array is gone')
        self.until(lambda: self.row().state == 'failed')
        self.assertEqual(
            ('blockstore.operation.cancelled', 'the array is gone'),
            (self.row().error_code, self.row().error_message))
        self.gate.set()
        self.assertEqual('error', self.show(
            'snapshots', self.snapshot_id)['status'])

    def test_cancel(self):
        self.say('operation', 'cancel', self.operation_id)
        self.assertTrue(self.row().cancel_requested)
        self.gate.set()
        self.wait_status('snapshots', self.snapshot_id, 'available')

    def test_what_is_over(self):
        self.gate.set()
        self.wait_status('snapshots', self.snapshot_id, 'available')
        for command in ('cancel', 'release', 'fail'):
            code, _, err = self.run_('operation', command, self.operation_id)
            self.assertEqual(2, code)
            self.assertIn('there is no open operation', err)


class StoreTest(ManageTestCase):
    """store."""

    def setUp(self):
        super().setUp()
        self.backup = self.make_backup(self.make_volume()['id'],
                                       name='nightly')

    def test_verify(self):
        self.assertIn('Every backup can be restored.',
                      self.say('store', 'verify', '--all-bytes'))
        for path in (self.directory / 'store').rglob('*'):
            if path.is_file() and self.backup['id'] in path.name:
                path.chmod(0o600)
                path.write_bytes(b'spoilt')
        code, out, _ = self.run_('store', 'verify')
        self.assertEqual(1, code, out)
        self.assertIn('NOT every backup can be restored.', out)

    def test_verify_sets_damage_aside(self):
        store = self.directory / 'store'
        path = next(path for path in (store / '.store/segments').rglob('*')
                    if path.is_file())
        path.chmod(0o600)
        path.write_bytes(b'spoilt')
        name = str(path.relative_to(store))
        code, out, _ = self.run_('store', 'verify', '--all-bytes')
        self.assertEqual(1, code, out)
        self.assertNotIn('set aside', out)
        code, out, _ = self.run_('store', 'verify', '--all-bytes',
                                 '--set-aside')
        self.assertEqual(1, code, out)
        place = name.replace('.store/', '.store/damaged/')
        self.assertRegex(out, f'set aside: {name}: now {place}\\.')
        self.assertRegex(out, f'cannot be restored: .*/{self.backup["id"]}')
        self.assertFalse(path.exists())
        # The store has lost the parent's table: the next one is a full one.
        made = self.make_backup(self.backup['volume_id'], incremental=True)
        self.assertFalse(self.show('backups', made['id'])['is_incremental'])
        self.assertIn('Every backup can be restored.',
                      self.say('store', 'verify', '--all-bytes'))

    def test_prune(self):
        self.assertIn('0 objects deleted', self.say('store', 'prune'))
        self.assertIn('Nothing was changed',
                      self.say('store', 'prune', '--dry-run'))

    def test_rebuild_brings_lost_rows_back(self):
        before = self.show('backups', self.backup['id'])
        with self.database.write() as tx:
            table = rows.table(models.Backup)
            tx.execute(table.delete())
        lost = self.api.get(self.path(f'backups/{self.backup["id"]}'))
        self.assertEqual(404, lost.status)
        self.assertIn(f'would be added: {self.backup["id"]}',
                      self.say('store', 'rebuild', '--dry-run'))
        self.assertIn('1 added, 0 known', self.say('store', 'rebuild'))
        self.assertIn('0 added, 1 known', self.say('store', 'rebuild'))
        after = self.show('backups', self.backup['id'])
        same = ('id', 'name', 'size', 'status', 'volume_id',
                'created_at', 'object_count', 'data_timestamp', 'user_id')
        self.assertEqual({key: before[key] for key in same},
                         {key: after[key] for key in same})
        Repository.from_conf(CONF).delete(self.backup['id'])
        self.assertIn('0 added, 0 known', self.say('store', 'rebuild'))


class StatusTest(ManageTestCase):
    """blockstore-status upgrade check."""

    def check(self):
        code, out, err = self.run_('upgrade', 'check', '--json',
                                   main=status.main)
        return code, {item['check']: item['result']
                      for item in json.loads(out)['checks']}

    def test_all_is_well(self):
        self.assertEqual((0, {'Database': 0, 'Services': 0, 'Versions': 0,
                              'Backup store': 0, 'Configuration': 0}),
                         self.check())

    def test_an_empty_database_is_a_failure(self):
        self.config_file.write_text(
            f'[database]\nconnection = sqlite:///{self.directory}/empty\n'
            '[store]\ndriver = none\n[api]\nhost = 0.0.0.0\n')
        self.assertEqual((2, {'Database': 2, 'Services': 2, 'Versions': 2,
                              'Backup store': 2, 'Configuration': 2}),
                         self.check())

    def report(self, version):
        with self.database.write() as tx:
            services.report(tx, 'old@memory', services.VOLUME,
                            rpc_version=version)

    def test_mixed_versions_are_a_warning(self):
        self.report(None)
        self.assertEqual(1, self.check()[1]['Versions'])
        self.report(versions.RPC['volume'])
        self.assertEqual(0, self.check()[1]['Versions'])

    def test_a_pin_that_an_old_service_does_not_know(self):
        self.report('1.0')
        self.config_file.write_text(
            self.config_file.read_text()
            + '[upgrade_levels]\nvolume = 1.1\n')
        self.assertEqual(2, self.check()[1]['Versions'])

    def test_a_pin_that_nobody_needs_any_more(self):
        self.config_file.write_text(
            self.config_file.read_text()
            + '[upgrade_levels]\nvolume = 1.0\n')
        self.assertEqual(1, self.check()[1]['Versions'])

    def test_what_is_down_is_a_warning(self):
        self.config_file.write_text(
            self.config_file.read_text()
            + '[service]\nservice_down_time = 2\nreport_interval = 2\n')
        code, results = self.check()
        self.assertEqual((1, 1), (code, results['Configuration']))


class UserTest(ManageTestCase):
    """user: the file of http_basic."""

    def setUp(self):
        super().setUp()
        self.users = self.directory / 'users'
        with open(self.config_file, 'a') as file:
            file.write(f'[auth]\nhttp_basic_user_file = {self.users}\n')

    def type(self, text):
        self.useFixture(fixtures.MonkeyPatch('sys.stdin', io.StringIO(text)))

    def test_life_of_a_user(self):
        self.type('secret\n')
        self.assertIn('added', self.say(
            'user', 'set', 'alice', '--project', 'ab', '--role', 'reader',
            '--role', 'service'))
        self.assertEqual('alice  ab  reader,service\n',
                         self.say('user', 'list'))
        before = self.users.read_text()
        self.assertNotIn('secret', before)
        self.type('other\n')
        self.assertIn('changed', self.say('user', 'set', 'alice'))
        self.assertNotEqual(before, self.users.read_text())
        self.assertIn('member', self.say('user', 'list'))
        self.say('user', 'remove', 'alice')
        self.assertEqual('', self.say('user', 'list'))
        code, _, err = self.run_('user', 'remove', 'alice')
        self.assertEqual(2, code)
        self.assertIn('there is no user alice', err)

    def test_what_cannot_be_written(self):
        for words, text in (
                (['a:b'], 'x'), (['a b'], 'x'), (['#a'], 'x'),
                (['a', '--role', 'x,y'], 'x'),
                (['a', '--project', 'demo'], 'x'),
                (['a'], ''), (['a'], 'x' * 73)):
            self.type(f'{text}\n')
            code, _, err = self.run_('user', 'set', *words)
            self.assertEqual(2, code, words)
            self.assertIn('request.invalid', err)
        self.assertFalse(self.users.exists())
