"""Tokens of a real Keystone, and the released clients that get them.

One Keystone and one blockstore-all for this process of tests.  What no test
can share (a Keystone that stops) is started by that test.
"""

import atexit
import functools
import os
import time

import fixtures
from keystoneauth1 import loading
from oslo_utils import importutils
from oslo_utils import uuidutils
import requests
import webob

from blockstore.api import policy
from blockstore.api.auth import keystone
from blockstore.tests.compat import base
from blockstore.tests.compat import keystone_server
from blockstore.tests.unit.api import base as api_base

openstack = importutils.try_import('openstack')
cinder_client = importutils.try_import('cinderclient.client')
keystone_auth = importutils.try_import('keystoneauth1.identity.v3')
sessions = importutils.try_import('keystoneauth1.session')

REGIONS = (keystone_server.REGION, keystone_server.OLD_REGION)
# How long a token that was taken back may still do.
CACHE_SECONDS = 2
_CONFIGURATION = """
[DEFAULT]
debug = true
[auth]
strategy = keystone
[keystone_authtoken]
www_authenticate_uri = {cloud.url}
auth_url = {cloud.url}
auth_type = password
username = blockstore
password = {password}
user_domain_id = default
project_name = service
project_domain_id = default
token_cache_time = {cache}
http_request_max_retries = 1
"""


def _http():
    session = requests.Session()
    session.trust_env = False
    return session


@functools.cache
def running():
    """Start Keystone and the service of this process of tests."""
    clouds = []

    def configure(place):
        cloud = keystone_server.Cloud(place.directory / 'keystone',
                                      place.endpoint)
        clouds.append(cloud)
        atexit.register(cloud.stop)
        cloud.prepare()
        cloud.start()
        cloud.populate()
        return _CONFIGURATION.format(
            cloud=cloud, password=keystone_server.PASSWORD,
            cache=CACHE_SECONDS), {
                'X-Auth-Token': cloud.token('admin', 'admin')}

    return base.start(configure), clouds[0]


class KeystoneTest(base.CompatTest):
    """Has the cloud at hand."""

    def setUp(self):
        if not os.environ.get(keystone_server.VARIABLE):
            self.skipTest(f'{keystone_server.VARIABLE} is not set: '
                          'no Keystone')
        super().setUp()
        self.useFixture(fixtures.FakeLogger())

    def start_service(self):
        place, self.cloud = running()
        return place

    def ask(self, token, path, method='GET', version='3.71', **kwargs):
        """Ask blockstore with nothing but HTTP."""
        headers = {'OpenStack-API-Version': f'volume {version}',
                   **kwargs.pop('headers', {})}
        if token is not None:
            headers['X-Auth-Token'] = token
        return _http().request(
            method, f'{self.cloud.volume_endpoint}/{path}', timeout=60,
            headers=headers, **kwargs)

    def assert_fault(self, status, code, answer):
        """Check a refusal: its status and its stable code."""
        self.assertEqual(status, answer.status_code, answer.text)
        fault, = answer.json().values()
        self.assertEqual(code, fault['error_code'], answer.text)

    def until(self, look):
        """Look again and again until what is seen is true."""
        deadline = time.monotonic() + 60
        while not look():
            if time.monotonic() > deadline:
                self.fail('it did not come true in a minute')
            time.sleep(0.2)

    @functools.cached_property
    def sdk(self):
        """openstacksdk of the member Alice, found by the catalogue."""
        return self.sdk_as('alice')

    def sdk_as(self, name, region=keystone_server.REGION):
        """Return openstacksdk for somebody who logs in."""
        connection = openstack.connect(
            load_yaml_config=False, load_envvars=False,
            auth_type='password', region_name=region,
            auth=self.login(name))
        self.addCleanup(connection.close)
        return connection.block_storage

    def login(self, name):
        """Return what a client needs to log in."""
        project = next(iter(keystone_server.USERS[name]))
        return {'auth_url': self.cloud.url, 'username': name,
                'password': keystone_server.PASSWORD,
                'user_domain_id': 'default', 'project_name': project,
                'project_domain_id': 'default'}

    def environment(self, name, region=keystone_server.REGION):
        """Return the same as programs read it."""
        return {
            **{f'OS_{key.upper()}': value
               for key, value in self.login(name).items()},
            'OS_AUTH_TYPE': 'password', 'OS_REGION_NAME': region,
            'OS_IDENTITY_API_VERSION': '3',
            'OS_VOLUME_API_VERSION': '3.71'}


class ClientsTest(KeystoneTest):
    """A volume, a snapshot, a backup by each client, with a password."""

    def test_sdk(self):
        volume = self.make_volume()
        snapshot = self.make_snapshot(volume)
        backup = self.make_backup(volume, force=True)
        for region in REGIONS:
            sdk = self.sdk_as('alice', region)
            self.assertIn(volume.id, [row.id for row in sdk.volumes()])
            self.assertIn(snapshot.id, [row.id for row in sdk.snapshots()])
            self.assertIn(backup.id, [row.id for row in sdk.backups()])
            self.assertEqual(self.cloud.ids['mine'],
                             sdk.get_volume(volume).project_id)

    def test_cinderclient(self):
        client, old = (cinder_client.Client(
            '3.71', region_name=region, session=sessions.Session(
                auth=keystone_auth.Password(**self.login('alice'))))
            for region in REGIONS)
        made = client.volumes.create(1, name=self.name('volume'))
        self.addCleanup(self.remove_volume, made.id)
        self.wait('volume', made.id)
        snapshot = client.volume_snapshots.create(made.id)
        self.wait('snapshot', snapshot.id)
        backup = client.backups.create(made.id)
        self.addCleanup(self.remove_backup, backup.id)
        self.wait('backup', backup.id)
        for manager, one in ((client.volumes, made),
                             (old.volumes, made),
                             (client.volume_snapshots, snapshot),
                             (client.backups, backup)):
            self.assertIn(one.id, [row.id for row in manager.list()])

    def test_cinder_shell(self):
        volume = self.make_volume()
        listed = self._run([self.program('cinder'), 'list'],
                           self.environment('alice'), False)
        self.assertIn(volume.id, listed)

    def test_openstack(self):
        def run(*words, region=keystone_server.REGION):
            return self._run(
                [self.program('openstack'), *words, '-f', 'json'],
                self.environment('alice', region), True)

        made = run('volume', 'create', '--size', '1', self.name('volume'))
        self.addCleanup(self.remove_volume, made['id'])
        self.wait('volume', made['id'])
        snapshot = run('volume', 'snapshot', 'create', '--volume',
                       made['id'], self.name('snapshot'))
        self.wait('snapshot', snapshot['id'])
        backup = run('volume', 'backup', 'create', made['id'])
        self.addCleanup(self.remove_backup, backup['id'])
        self.wait('backup', backup['id'])
        for region in REGIONS:
            self.assertIn(made['id'], [
                row['ID'] for row in run('volume', 'list', region=region)])


class TokensTest(KeystoneTest):
    """What a token gets, and what none gets."""

    def assert_unauthorized(self, answer):
        self.assert_fault(401, 'blockstore.request.unauthorized', answer)
        self.assertEqual(f'Keystone uri="{self.cloud.url}"',
                         answer.headers['WWW-Authenticate'])

    def test_no_token_and_wrong_ones(self):
        for token in (None, '', 'notused', 'admin:' + self.cloud.ids['mine'],
                      'gAAAAABk' + 'x' * 180):
            self.assert_unauthorized(self.ask(token, 'volumes'))

    def test_claims_in_headers_count_for_nothing(self):
        claims = {'X-Roles': 'admin', 'X-User-Id': 'u',
                  'X-Project-Id': self.cloud.ids['mine'],
                  'X-Identity-Status': 'Confirmed',
                  'X-Service-Roles': 'service',
                  'OpenStack-System-Scope': 'all'}
        self.assert_unauthorized(self.ask(None, 'volumes', headers=claims))
        eve = self.cloud.token('eve')
        answer = self.ask(eve, 'os-services', headers=claims)
        self.assert_fault(403, 'blockstore.request.forbidden', answer)
        self.assertEqual(200, self.ask(eve, 'volumes',
                                       headers=claims).status_code)

    def test_versions_need_no_token(self):
        for path, status in (('', 200), ('../', 300)):
            answer = _http().get(
                f'{self.cloud.volume_endpoint}/{path}', timeout=60)
            self.assertEqual(status, answer.status_code)

    def test_the_project_in_the_url(self):
        token = self.cloud.token('alice')
        mine, theirs = self.cloud.ids['mine'], self.cloud.ids['theirs']
        base_url = self.cloud.volume_endpoint.removesuffix('/v3') + '/v3'
        for project, status in ((mine, 200), (theirs, 400)):
            answer = _http().get(f'{base_url}/{project}/volumes', timeout=60,
                                 headers={'X-Auth-Token': token})
            self.assertEqual(status, answer.status_code, answer.text)

    def test_roles(self):
        volume = self.make_volume()
        path = f'volumes/{volume.id}'
        body = {'volume': {'name': 'n'}}
        for name, project, get, put in (
                ('alice', None, 200, 200), ('bob', None, 200, 403),
                ('nobody', None, 403, 403), ('eve', None, 404, 404),
                ('admin', 'admin', 200, 200)):
            token = self.cloud.token(name, project)
            self.assertEqual((name, get, put), (
                name, self.ask(token, path).status_code,
                self.ask(token, path, 'PUT', json=body).status_code))
        eve = self.ask(self.cloud.token('eve'), 'volumes')
        self.assertEqual([], eve.json()['volumes'])

    def test_scopes_without_a_project(self):
        for token in (self.cloud.token('admin', system=True),
                      self.cloud.token('admin', domain=True)):
            self.assert_fault(403, 'blockstore.request.wrong_scope',
                              self.ask(token, 'volumes'))

    def test_a_revoked_token(self):
        token = self.cloud.token('alice')
        self.assertEqual(200, self.ask(token, 'volumes').status_code)
        self.cloud.revoke(token)
        # For as long as it is remembered it may still do.
        self.until(lambda: self.ask(
            token, 'volumes').status_code == 401)
        self.assert_unauthorized(self.ask(token, 'volumes'))

    def test_an_expired_token(self):
        token = self.cloud.short_token('alice', 10)
        self.assertEqual(200, self.ask(token, 'volumes').status_code)
        self.until(lambda: self.ask(token, 'volumes').status_code == 401)
        self.assert_unauthorized(self.ask(token, 'volumes'))
        # A service goes on with what a user has begun in time.
        answer = self.ask(token, 'volumes', headers={
            'X-Service-Token': self.cloud.token('nova')})
        self.assertEqual(200, answer.status_code, answer.text)
        self.assert_unauthorized(self.ask(token, 'volumes'))

    def test_a_keystone_that_is_away(self):
        token = self.cloud.token('alice')
        self.cloud.stop()
        try:
            for path in ('volumes', 'nonsense'):
                answer = self.ask(token, path)
                self.assert_fault(503, 'blockstore.auth.unavailable', answer)
                self.assertIn('serviceUnavailable', answer.json())
            self.test_versions_need_no_token()
        finally:
            self.cloud.start()
        self.assertEqual(200, self.ask(token, 'volumes').status_code)

    def test_a_service_that_keystone_does_not_know(self):
        """Its mistake is none of the caller: neither a 401 nor a 500."""
        token = self.cloud.token('alice')
        for name, value in (('password', 'wrong'),
                            ('project_name', 'none'),
                            ('region_name', 'none')):
            conf = self.service_conf(**{name: value})
            answer = webob.Request.blank('/v3/volumes', headers={
                'X-Auth-Token': token}).get_response(keystone.Middleware(
                    self._must_not_be_asked, conf, policy.Enforcer(conf)))
            self.assertEqual(
                (503, 'blockstore.auth.unavailable'), (
                    answer.status_int,
                    answer.json['serviceUnavailable']['error_code']), name)

    def service_conf(self, **values):
        """Return the service's configuration with something else in it."""
        conf = api_base.make_conf(auth__strategy='keystone')
        keystone.register(conf)
        group = 'keystone_authtoken'
        conf.register_opts(loading.get_auth_plugin_conf_options('password'),
                           group=group)
        for name, value in {
                **self.login('blockstore'), 'auth_type': 'password',
                'http_request_max_retries': 0, **values}.items():
            conf.set_override(name, value, group=group)
        return conf

    def _must_not_be_asked(self, environ, start_response):
        self.fail('the application was asked')

    def test_secrets_are_in_no_log(self):
        token = self.cloud.token('alice')
        self.ask(token, 'volumes')
        self.ask('not-' + token, 'volumes')
        self.ask(token, 'volumes', headers={
            'X-Service-Token': self.cloud.token('nova')})
        seen = [path.read_text(errors='replace')
                for path in self.place.logs.iterdir()]
        self.assertIn('GET /v3/volumes', ''.join(seen))
        for text in seen:
            self.assertNotIn(keystone_server.PASSWORD, text)
            self.assertNotIn('gAAAA', text)


class ServerTest(KeystoneTest):
    """A volume that a server uses is taken away by its service alone."""

    def attached(self):
        volume = self.make_volume()
        return volume, self.attach(volume)

    def both(self):
        """Return the headers of the compute service on Alice's behalf."""
        return {'X-Service-Token': self.cloud.token('nova')}

    def test_an_attachment_in_use(self):
        _, attachment = self.attached()
        path = f'attachments/{attachment.id}'
        user = self.cloud.token('alice')
        for token in (user, self.cloud.token('admin', 'admin')):
            self.assert_fault(409, 'blockstore.attachment.of_server',
                              self.ask(token, path, 'DELETE'))
        self.assertEqual(200, self.ask(user, path).status_code)
        # The token of a user is none of a service.
        answer = self.ask(user, path, 'DELETE', headers={
            'X-Service-Token': user})
        self.assertEqual(401, answer.status_code)
        answer = self.ask(user, path, 'DELETE', headers=self.both())
        self.assertEqual(200, answer.status_code, answer.text)

    def test_the_older_actions(self):
        volume, _ = self.attached()
        user = self.cloud.token('alice')
        path = f'volumes/{volume.id}/action'
        connector = {'connector': {'host': 'client'}}
        for body in ({'os-detach': {}},
                     {'os-terminate_connection': connector}):
            self.assert_fault(409, 'blockstore.attachment.of_server',
                              self.ask(user, path, 'POST', json=body))
        for body in ({'os-terminate_connection': connector},
                     {'os-detach': {}}):
            answer = self.ask(user, path, 'POST', json=body,
                              headers=self.both())
            self.assertEqual(202, answer.status_code, answer.text)
        self.assertEqual('available', self.sdk.get_volume(volume).status)

    def test_what_no_server_uses(self):
        volume = self.make_volume()
        user = self.cloud.token('alice')
        for fields in ({}, {'instance_uuid': uuidutils.generate_uuid()}):
            answer = self.ask(user, 'attachments', 'POST', json={
                'attachment': {'volume_uuid': volume.id, **fields}})
            made = answer.json()['attachment']['id']
            answer = self.ask(user, f'attachments/{made}', 'DELETE')
            self.assertEqual(200, answer.status_code, answer.text)

    def test_a_service_in_its_own_name(self):
        volume, attachment = self.attached()
        nova = self.cloud.token('nova')
        shown = self.ask(nova, f'volumes/{volume.id}')
        self.assertEqual(200, shown.status_code, shown.text)
        self.assertEqual(403, self.ask(
            nova, f'volumes/{volume.id}', 'DELETE').status_code)
        answer = self.ask(nova, f'attachments/{attachment.id}', 'DELETE')
        self.assertEqual(200, answer.status_code, answer.text)

    def remove_volume(self, id_):
        """As the others do; what is attached is let go by the service."""
        nova = self.cloud.token('nova')
        for attachment in list(self.sdk.attachments(volume_id=id_)):
            self.ask(nova, f'attachments/{attachment.id}', 'DELETE')
        super().remove_volume(id_)
