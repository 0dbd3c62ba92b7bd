"""Names and passwords: the file, the cache, and the answers."""

import base64
import os
import pathlib
from unittest import mock

import bcrypt
import fixtures
from oslotest import base as test_base

from blockstore import exceptions
from blockstore.api.auth import http_basic
from blockstore.api.auth import passwords
from blockstore.api.auth import strategies
from blockstore.api.auth import user_file
from blockstore.tests.unit.api import base

PROJECT = base.PROJECT


def hashed(password):
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def header(name, password, scheme='Basic'):
    raw = f'{name}:{password}'.encode()
    return {'Authorization': f'{scheme} {base64.b64encode(raw).decode()}'}


class UsersCase(test_base.BaseTestCase):
    """Has a file of users."""

    def setUp(self):
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        self.path = pathlib.Path(self.useFixture(
            fixtures.TempDir()).path) / 'users'
        self.alice = hashed('wonder')
        self.path.write_text(f'# people\n\nalice:{self.alice}\n')
        self.path.chmod(0o640)


class UserFileTest(UsersCase):

    def setUp(self):
        super().setUp()
        self.file = user_file.UserFile(str(self.path), 'p', ['member'])

    def put(self, text):
        self.path.write_text(text)

    def test_a_line_of_htpasswd(self):
        user = self.file.users()['alice']
        self.assertEqual(('p', ('member',)), (user.project_id, user.roles))
        self.assertNotIn(self.alice, repr(user))

    def test_project_and_roles(self):
        self.put(f'a:{self.alice}:q\nb:{self.alice}::reader, service\n'
                 f'c:{self.alice}:q:admin\n')
        self.assertEqual(
            {'a': ('q', ('member',)), 'b': ('p', ('reader', 'service')),
             'c': ('q', ('admin',))},
            {name: (user.project_id, user.roles)
             for name, user in self.file.users().items()})

    def test_bad_lines_keep_nobody_else_out(self):
        for bad in ('x', 'x:y', 'x:$apr1$abc$def', f':{self.alice}',
                    f'x:{self.alice}:p:r:more', f'x:{self.alice[:-1]}',
                    f'x:{self.alice.replace("$04$", "$99$")}'):
            self.put(f'{bad}\nalice:{self.alice}\n')
            self.assertEqual(['alice'], list(self.file.users()), bad)
            self.assertIn('line 1 does not count', self.log.output)
            self.assertNotIn(self.alice, self.log.output)

    def test_twice(self):
        self.put(f'a:{self.alice}:one\na:{self.alice}:two\n')
        self.assertEqual('two', self.file.users()['a'].project_id)
        self.assertIn('twice', self.log.output)

    def test_changes_are_seen(self):
        self.file.users()
        user_file.write(str(self.path), 'bob', f'bob:{self.alice}')
        self.assertIn('bob', self.file.users())
        user_file.write(str(self.path), 'alice', None)
        self.assertEqual(['bob'], list(self.file.users()))
        self.path.unlink()
        self.assertRaises(exceptions.Unavailable, self.file.users)
        self.put(f'carol:{self.alice}\n')
        self.assertEqual(['carol'], list(self.file.users()))

    def test_it_is_not_read_for_nothing(self):
        self.file.users()
        with mock.patch.object(user_file, 'parse') as parse:
            self.file.users()
        parse.assert_not_called()

    def test_others_may_not_read_it(self):
        self.path.chmod(0o644)
        self.file.users()
        self.assertIn('chmod 640', self.log.output)

    def test_writing_keeps_the_rest(self):
        self.assertTrue(user_file.write(str(self.path), 'alice', 'alice:x'))
        self.assertEqual('# people\n\nalice:x\n', self.path.read_text())
        self.assertEqual(0o640, self.path.stat().st_mode & 0o777)
        self.assertFalse(user_file.write(str(self.path), 'bob', None))
        self.assertEqual(['users'], os.listdir(self.path.parent))

    def test_a_new_file_is_closed_to_others(self):
        path = self.path.with_name('new')
        self.assertFalse(user_file.write(str(path), 'bob', 'bob:x'))
        self.assertEqual(0o640, path.stat().st_mode & 0o777)


class PasswordsTest(test_base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.user = user_file.User('a', hashed('right'), 'p', ('member',))
        self.passwords = passwords.Passwords(300)
        self.check = self.useFixture(fixtures.MockPatchObject(
            bcrypt, 'checkpw', wraps=bcrypt.checkpw)).mock

    def is_right(self, password, user=None):
        return self.passwords.is_right(user or self.user, password)

    def test_each_is_computed_once(self):
        for _ in range(3):
            self.assertTrue(self.is_right(b'right'))
            self.assertFalse(self.is_right(b'wrong'))
        self.assertEqual(2, self.check.call_count)

    def test_a_new_hash_ends_the_old_password(self):
        self.assertTrue(self.is_right(b'right'))
        changed = user_file.User('a', hashed('new'), 'p', ('member',))
        self.assertFalse(self.is_right(b'right', changed))
        self.assertTrue(self.is_right(b'new', changed))

    def test_nothing_is_remembered_for_no_time(self):
        self.passwords = passwords.Passwords(0)
        for _ in range(2):
            self.assertTrue(self.is_right(b'right'))
        self.assertEqual(2, self.check.call_count)

    def test_nobody_takes_as_long_and_is_refused(self):
        self.assertFalse(self.passwords.is_right(None, b'right'))
        cost = self.check.call_args.args[1].split(b'$')[2]
        self.assertEqual(b'12', cost)

    def test_what_bcrypt_would_not_read_to_its_end(self):
        for password in (b'x' * 73, b'right\0', b'right\0more'):
            self.assertFalse(self.is_right(password))
        self.check.assert_not_called()

    def test_no_password_is_kept(self):
        self.is_right(b'right')
        self.is_right(b'wrong')
        kept = repr(vars(self.passwords))
        for password in ('right', 'wrong'):
            self.assertNotIn(password, kept.replace('_right', '').replace(
                '_wrong', ''))

    def test_too_many_at_once(self):
        for _ in range(os.cpu_count()):
            self.passwords._turns.acquire(blocking=False)
        with mock.patch.object(passwords, '_SECONDS_IN_LINE', 0.01):
            self.assertRaises(exceptions.Unavailable, self.is_right, b'right')


class BasicTest(base.ApiTestCase):
    """The whole API behind it."""

    def setUp(self):
        self.home = self.useFixture(fixtures.TempDir()).path
        self.path = f'{self.home}/users'
        lines = (('alice', 'wonder', PROJECT, 'member'),
                 ('bob', 'p:w: é', PROJECT, 'reader'),
                 ('root', 'toor', PROJECT, 'admin'))
        for name, password, project, role in lines:
            user_file.write(self.path, name,
                            f'{name}:{hashed(password)}:{project}:{role}')
        self.options = {'auth__strategy': 'http_basic',
                        'auth__http_basic_user_file': self.path}
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())

    def basic(self, name, password, path='volumes', method='GET', body=None,
              **kwargs):
        return self.ask(method, path, body, token=None,
                        headers=header(name, password), **kwargs)

    def assert_unauthorized(self, answer):
        self.assert_fault(401, 'unauthorized', answer)
        self.assertEqual(http_basic.CHALLENGE,
                         answer.headers['WWW-Authenticate'])

    def test_who_may_what(self):
        body = {'volume': {'size': 1}}
        for name, password, see, make, services in (
                ('alice', 'wonder', 200, 202, 403),
                ('bob', 'p:w: é', 200, 403, 403),
                ('root', 'toor', 200, 202, 200)):
            self.assertEqual((name, see, make, services), (
                name, self.basic(name, password).status,
                self.basic(name, password, method='POST', body=body).status,
                self.basic(name, password, 'os-services').status))

    def test_project(self):
        for project, status in ((PROJECT, 200), (base.OTHER_PROJECT, 400)):
            self.assertEqual(status, self.basic(
                'alice', 'wonder', f'/v3/{project}/volumes').status)

    def test_who_does_not_say_who(self):
        for headers in ({}, {'X-Auth-Token': f'admin:{PROJECT}'},
                        {'Authorization': ''}, {'Authorization': 'Basic'},
                        {'Authorization': 'Basic !!'},
                        {'Authorization': 'Basic YQ=='},
                        {'Authorization': 'Basic /zo='},
                        header('alice', 'wonder', 'Bearer'),
                        header('alice', ''), header('', ''),
                        header('alice', 'wrong'), header('eve', 'wonder'),
                        header('alice', 'x' * 100)):
            self.assert_unauthorized(self.ask('GET', 'volumes', token=None,
                                              headers=headers))
        self.assertIn('Refused a wrong password of user alice',
                      self.log.output)
        for secret in ('wonder', 'wrong', 'eve'):
            self.assertNotIn(secret, self.log.output.replace(
                'wrong password', ''))

    def test_versions_need_nobody(self):
        self.assertEqual(300, self.get('/', token=None).status)
        self.assertEqual(200, self.get('/v3/', token=None).status)

    def test_a_failure_is_no_401(self):
        self.services.volumes.list = mock.Mock(side_effect=KeyError('x'))
        self.assert_fault(500, 'computeFault',
                          self.basic('alice', 'wonder'))

    def test_a_failure_of_its_own_is_no_401(self):
        with mock.patch.object(bcrypt, 'checkpw', side_effect=KeyError):
            self.assert_fault(500, 'computeFault',
                              self.basic('alice', 'wonder'))
        os.unlink(self.path)
        answer = self.basic('alice', 'wonder')
        self.assert_fault(503, 'serviceUnavailable', answer)
        self.assertEqual('blockstore.auth.unavailable',
                         answer.json['serviceUnavailable']['error_code'])

    def test_the_file_changes(self):
        self.assertEqual(200, self.basic('alice', 'wonder').status)
        user_file.write(self.path, 'alice',
                        f'alice:{hashed("land")}:{PROJECT}:reader')
        self.assert_unauthorized(self.basic('alice', 'wonder'))
        self.assertEqual(200, self.basic('alice', 'land').status)
        self.assertEqual(403, self.basic(
            'alice', 'land', method='POST',
            body={'volume': {'size': 1}}).status)
        user_file.write(self.path, 'alice', None)
        self.assert_unauthorized(self.basic('alice', 'land'))

    def test_start_without_a_file(self):
        strategies.check(self.conf)
        os.unlink(self.path)
        self.assertRaises(exceptions.Invalid, strategies.check, self.conf)
