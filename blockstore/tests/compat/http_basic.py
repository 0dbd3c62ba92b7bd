"""The clients with a name and a password, without Keystone."""

import base64
import functools
import shutil
import subprocess
import sys

import bcrypt
from oslo_utils import importutils
import yaml

from blockstore.api.auth import user_file
from blockstore.tests.compat import base

openstack = importutils.try_import('openstack')
cinder_client = importutils.try_import('cinderclient.client')
basic = importutils.try_import('keystoneauth1.http_basic')
sessions = importutils.try_import('keystoneauth1.session')

USERS = {'root': ('toor: \u00e4', 'admin'), 'alice': ('wonder', 'member'),
         'bob': ('builder', 'reader')}
_CONFIGURATION = """
[auth]
strategy = http_basic
http_basic_user_file = {place.directory}/users
"""


def _configure(place):
    """Make the first user as an operator does, and the others faster."""
    file = place.directory / 'users.conf'
    file.write_text(_CONFIGURATION.format(place=place))
    subprocess.run(
        [sys.executable, '-m', 'blockstore.cmd.manage', '--config-file',
         str(file), 'user', 'set', 'root', '--role', 'admin'],
        input=f'{USERS["root"][0]}\n'.encode(), check=True,
        capture_output=True)
    for name in ('alice', 'bob'):
        password, role = USERS[name]
        hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
        user_file.write(f'{place.directory}/users', name,
                        f'{name}:{hashed}::{role}')
    credentials = base64.b64encode(f'root:{USERS["root"][0]}'.encode())
    return file.read_text(), {
        'Authorization': f'Basic {credentials.decode()}'}


@functools.cache
def running():
    """Start the service of this process of tests."""
    return base.start(_configure)


class HttpBasicTest(base.CompatTest):
    """A volume, a snapshot and a backup by each client."""

    def start_service(self):
        return running()

    @functools.cached_property
    def sdk(self):
        """openstacksdk of the member Alice."""
        return self.sdk_as('alice')

    def login(self, name):
        return {'endpoint': self.place.endpoint, 'username': name,
                'password': USERS[name][0]}

    def sdk_as(self, name):
        """Return openstacksdk for a user of the file."""
        connection = openstack.connect(
            load_yaml_config=False, load_envvars=False,
            auth_type='http_basic', auth=self.login(name))
        self.addCleanup(connection.close)
        return connection.block_storage

    def test_sdk(self):
        volume = self.make_volume()
        snapshot = self.make_snapshot(volume)
        backup = self.make_backup(volume, force=True)
        for name in ('bob', 'root'):
            sdk = self.sdk_as(name)
            self.assertIn(volume.id, [row.id for row in sdk.volumes()])
            self.assertIn(snapshot.id, [row.id for row in sdk.snapshots()])
            self.assertIn(backup.id, [row.id for row in sdk.backups()])
        self.assertRaises(
            openstack.exceptions.ForbiddenException,
            self.sdk_as('bob').create_volume, size=1)

    def test_a_wrong_password(self):
        connection = openstack.connect(
            load_yaml_config=False, load_envvars=False,
            auth_type='http_basic',
            auth={**self.login('alice'), 'password': 'wrong'})
        self.addCleanup(connection.close)
        error = self.assertRaises(
            openstack.exceptions.HttpException, list,
            connection.block_storage.volumes())
        self.assertEqual(401, error.status_code)

    def test_cinderclient(self):
        client = cinder_client.Client('3.71', session=sessions.Session(
            auth=basic.HTTPBasicAuth(**self.login('alice'))))
        made = client.volumes.create(1, name=self.name('volume'))
        self.addCleanup(self.remove_volume, made.id)
        self.wait('volume', made.id)
        self.assertIn(made.id, [row.id for row in client.volumes.list()])

    def test_openstack(self):
        """With the clouds.yaml that the documentation shows."""
        config = self.place.directory / 'basic.yaml'
        config.write_text(yaml.safe_dump({'clouds': {'standalone': {
            'auth_type': 'http_basic', 'auth': self.login('root'),
            'block_storage_default_microversion': '3.71'}}}))
        volume = self.make_volume()
        listed = self._run(
            [self.program('openstack'), 'volume', 'list', '-f', 'json'],
            {'OS_CLIENT_CONFIG_FILE': str(config), 'OS_CLOUD': 'standalone'},
            True)
        self.assertIn(volume.id, [row['ID'] for row in listed])

    def test_a_user_made_by_htpasswd(self):
        """Its tool belongs to Apache, and is not everywhere."""
        program = shutil.which('htpasswd')
        if program is None:
            self.skipTest('the program htpasswd is not installed')
        USERS['carol'] = ('secret', 'member')
        subprocess.run([program, '-iB', self.place.directory / 'users',
                        'carol'], input=b'secret\n', check=True,
                       capture_output=True)
        list(self.sdk_as('carol').volumes())

    def test_secrets_are_in_no_log(self):
        list(self.sdk_as('alice').volumes())
        text = ''.join(path.read_text(errors='replace')
                       for path in self.place.logs.iterdir())
        self.assertIn('GET /v3/volumes', text)
        for secret in (*(password for password, _ in USERS.values()),
                       '$2b$'):
            self.assertNotIn(secret, text)
