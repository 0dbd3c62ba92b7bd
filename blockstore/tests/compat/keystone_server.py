"""A real Keystone for one process of tests: SQLite, Fernet, bootstrapped.

>>> cloud = keystone_server.Cloud(directory, volume_endpoint)
>>> cloud.start()
>>> cloud.token('alice')
"""

import json
import os
import pathlib
import subprocess
import time

import requests

from blockstore.tour import place as places

VARIABLE = 'BLOCKSTORE_TEST_KEYSTONE'
PASSWORD = 'a-secret-that-no-log-may-have'
REGION = 'RegionOne'
# The same service, registered under the name that it had in earlier years.
OLD_REGION = 'RegionTwo'
SECONDS = 120
_CONFIGURATION = """\
[DEFAULT]
log_file = {directory}/keystone.log
use_stderr = false
[database]
connection = sqlite:///{directory}/keystone.sqlite
[fernet_tokens]
key_repository = {directory}/fernet
[token]
provider = fernet
allow_expired_window = 3600
[security_compliance]
password_expires_days =
[identity]
# It is not passwords that are under test.
password_hash_rounds = 4
"""
_SERVE = """\
import waitress
from keystone.wsgi.api import application
waitress.serve(application, host='127.0.0.1', port={}, threads=4)
"""
_SHORT = """\
import json, sys
seconds, text = int(sys.argv.pop()), sys.stdin.read()
from keystone.wsgi.api import application
import keystone.conf
keystone.conf.CONF.set_override('expiration', seconds, 'token')
import webob
request = webob.Request.blank('/v3/auth/tokens', method='POST')
request.json = json.loads(text)
print(request.get_response(application).headers['X-Subject-Token'])
"""
#: Who there is: roles in projects.
USERS = {
    'alice': {'mine': ('member',)},
    'bob': {'mine': ('reader',)},
    'eve': {'theirs': ('member',)},
    'nobody': {'mine': ('stranger',)},
    'nova': {'service': ('service',)},
    'blockstore': {'service': ('service',)},
}


class Cloud:
    """Keystone, with projects, users and the catalogue of this cloud.

    :param directory: where it keeps everything.
    :param volume_endpoint: the URL of blockstore.
    """

    def __init__(self, directory: pathlib.Path, volume_endpoint: str) -> None:
        self.directory = directory
        self.volume_endpoint = volume_endpoint
        self.port = places.free_port(0)
        self.url = f'http://127.0.0.1:{self.port}/v3'
        self.ids: dict[str, str] = {}
        self._programs = pathlib.Path(os.environ[VARIABLE])
        self._process: subprocess.Popen[bytes] | None = None
        self._session = requests.Session()
        self._session.trust_env = False

    def prepare(self) -> None:
        """Make the database, the keys, and the first administrator."""
        self.directory.mkdir()
        (self.directory / 'keystone.conf').write_text(
            _CONFIGURATION.format(directory=self.directory))
        owner = ['--keystone-user', str(os.getuid()),
                 '--keystone-group', str(os.getgid())]
        steps = [self._manage('db_sync'), self._manage('fernet_setup', *owner)]
        for step in steps:
            self._succeed(step)
        urls = [f'--bootstrap-{kind}-url={self.url}'
                for kind in ('admin', 'internal', 'public')]
        self._succeed(self._manage(
            'bootstrap', f'--bootstrap-password={PASSWORD}',
            f'--bootstrap-region-id={REGION}', *urls))

    def _manage(self, *words: str) -> subprocess.Popen[bytes]:
        with open(self.directory / 'manage.log', 'ab') as log:
            return subprocess.Popen(
                [self._programs / 'keystone-manage', '--config-file',
                 self.directory / 'keystone.conf', *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _succeed(self, process: subprocess.Popen[bytes]) -> None:
        if process.wait(SECONDS):
            raise RuntimeError(f'{process.args} failed: '
                               + (self.directory / 'manage.log').read_text())

    def start(self) -> None:
        """Serve, and wait until it answers."""
        with open(self.directory / 'server.log', 'ab') as log:
            # By a program of ours: Keystone would read the command line.
            self._process = subprocess.Popen(
                [self._programs / 'python', '-c', _SERVE.format(self.port)],
                env={**os.environ, 'OS_KEYSTONE_CONFIG_DIR':
                     str(self.directory)},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                self._session.get(self.url, timeout=5).raise_for_status()
                return
            except requests.RequestException:
                if (self._process.poll() is not None
                        or time.monotonic() > deadline):
                    raise RuntimeError(
                        (self.directory / 'server.log').read_text(),
                        ) from None
                time.sleep(0.1)

    def stop(self) -> None:
        """Stop serving; safe to call twice."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def populate(self) -> None:
        """Make what USERS says, and register blockstore."""
        self._admin = self.token('admin', 'admin')
        roles = {role['name']: role['id']
                 for role in self._list('roles')}
        roles['stranger'] = self._make('role', name='stranger')
        for project in ('mine', 'theirs', 'service'):
            self.ids[project] = self._make('project', name=project,
                                           domain_id='default')
        for name, places_ in USERS.items():
            self.ids[name] = self._make(
                'user', name=name, domain_id='default', password=PASSWORD)
            for project, named in places_.items():
                for role in named:
                    self._ask('PUT', f'projects/{self.ids[project]}/users/'
                                     f'{self.ids[name]}/roles/{roles[role]}')
        admin = next(user['id'] for user in self._list('users')
                     if user['name'] == 'admin')
        for scope in ('system', 'domains/default'):
            self._ask('PUT', f'{scope}/users/{admin}/roles/{roles["admin"]}')
        self._make('region', id=OLD_REGION)
        identity = next(service['id'] for service in self._list('services'))
        self._make('endpoint', service_id=identity, region_id=OLD_REGION,
                   interface='public', url=self.url)
        for type_, region in (('block-storage', REGION),
                              ('volumev3', OLD_REGION)):
            service = self._make('service', name=type_, type=type_)
            for interface in ('public', 'internal', 'admin'):
                self._make('endpoint', service_id=service, region_id=region,
                           interface=interface, url=self.volume_endpoint)

    def _list(self, plural: str) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self._ask('GET', plural)[plural]
        return found

    def _make(self, noun: str, **fields: object) -> str:
        made = self._ask('POST', f'{noun}s', {noun: fields})
        return str(made[noun]['id'])

    def _ask(self, method: str, path: str, body: object = None) -> dict:
        answer = self._session.request(
            method, f'{self.url}/{path}', json=body, timeout=30,
            headers={'X-Auth-Token': self._admin})
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def token(self, name: str, project: str | None = None, *,
              system: bool = False, domain: bool = False) -> str:
        """Log in with the password; return the token.

        :param project: None takes the user's one.
        """
        body = self._login(
            name, project or next(iter(USERS.get(name, {'': ()}))))
        if system:
            body['auth']['scope'] = {'system': {'all': True}}
        elif domain:
            body['auth']['scope'] = {'domain': {'id': 'default'}}
        answer = self._session.post(f'{self.url}/auth/tokens', timeout=60,
                                    json=body)
        answer.raise_for_status()
        return answer.headers['X-Subject-Token']

    def _login(self, name: str, project: str) -> dict:
        domain = {'id': 'default'}
        return {'auth': {
            'scope': {'project': {'name': project, 'domain': domain}},
            'identity': {'methods': ['password'], 'password': {'user': {
                'name': name, 'domain': domain, 'password': PASSWORD}}}}}

    def short_token(self, name: str, seconds: int) -> str:
        """Return a token that expires soon, made with the same keys."""
        body = self._login(name, next(iter(USERS[name])))
        done = subprocess.run(
            [self._programs / 'python', '-c', _SHORT, str(seconds)],
            input=json.dumps(body), capture_output=True, text=True,
            timeout=SECONDS, check=True, env={
                **os.environ, 'OS_KEYSTONE_CONFIG_DIR': str(self.directory)})
        return done.stdout.split()[-1]

    def application_credential(self, owner: str, **fields: object) -> dict:
        """Let a user make an application credential of the own project."""
        answer = self._session.post(
            f'{self.url}/users/{self.ids[owner]}/application_credentials',
            json={'application_credential': fields}, timeout=60,
            headers={'X-Auth-Token': self.token(owner)})
        answer.raise_for_status()
        return dict(answer.json()['application_credential'])

    def token_with(self, id_: str, secret: str) -> str:
        """Log in with an application credential; return the token."""
        answer = self._session.post(
            f'{self.url}/auth/tokens', timeout=60, json={'auth': {
                'identity': {
                    'methods': ['application_credential'],
                    'application_credential': {
                        'id': id_, 'secret': secret}}}})
        answer.raise_for_status()
        return answer.headers['X-Subject-Token']

    def revoke(self, token: str) -> None:
        """Take a token back."""
        self._session.delete(
            f'{self.url}/auth/tokens', timeout=30, headers={
                'X-Auth-Token': self._admin,
                'X-Subject-Token': token}).raise_for_status()
