"""Application credentials of a real Keystone, with and without rules."""

from oslo_utils import importutils
from oslo_utils import uuidutils

from blockstore.tests.compat import keystone
from blockstore.tests.compat import keystone_server

openstack = importutils.try_import('openstack')


class ApplicationCredentialsTest(keystone.KeystoneTest):
    """What a program gets in whose hands one is."""

    def credential(self, name='alice', **fields):
        """Let somebody make one; return its id and its secret."""
        made = self.cloud.application_credential(
            name, name=uuidutils.generate_uuid(), **fields)
        return made['id'], made['secret']

    def sdk_with(self, id_, secret):
        """Return openstacksdk for a program that has one."""
        connection = openstack.connect(
            load_yaml_config=False, load_envvars=False,
            auth_type='v3applicationcredential',
            region_name=keystone_server.REGION, auth={
                'auth_url': self.cloud.url,
                'application_credential_id': id_,
                'application_credential_secret': secret})
        self.addCleanup(connection.close)
        return connection.block_storage

    def token_of(self, id_, secret):
        """Log in with one; return the token."""
        return self.cloud.token_with(id_, secret)

    def test_it_does_what_its_user_does(self):
        volume = self.make_volume()
        sdk = self.sdk_with(*self.credential())
        self.assertIn(volume.id, [row.id for row in sdk.volumes()])
        self.assertEqual(self.cloud.ids['mine'],
                         sdk.get_volume(volume).project_id)

    def test_of_a_role_alone(self):
        """A member can make one that only reads."""
        volume = self.make_volume()
        token = self.token_of(*self.credential(roles=[{'name': 'reader'}]))
        path = f'volumes/{volume.id}'
        self.assertEqual(200, self.ask(token, path).status_code)
        answer = self.ask(token, path, 'PUT',
                          json={'volume': {'name': 'other'}})
        self.assert_fault(403, 'blockstore.request.forbidden', answer)

    def test_with_rules_it_does_nothing_else(self):
        volume = self.make_volume()
        mine = self.cloud.ids['mine']
        token = self.token_of(*self.credential(access_rules=[
            {'service': 'block-storage', 'method': method, 'path': path}
            for method, path in (
                ('GET', '/v3/volumes/{volume_id}'),
                ('GET', f'/v3/{mine}/snapshots/**'),
                ('POST', '/v3/snapshots'))]
            + [{'service': 'compute', 'method': 'DELETE', 'path': '/**'}]))
        root = self.cloud.volume_endpoint.removesuffix('/v3') + '/v3'
        for method, path, status in (
                ('GET', f'{root}/volumes/{volume.id}', 200),
                ('GET', f'{root}/{mine}/snapshots/detail', 200),
                ('GET', f'{root}/volumes', 401),
                ('GET', f'{root}/volumes/{volume.id}/metadata', 401),
                ('GET', f'{root}/{mine}/volumes/{volume.id}', 401),
                ('PUT', f'{root}/volumes/{volume.id}', 401),
                # Of another service: that rule is none of ours.
                ('DELETE', f'{root}/volumes/{volume.id}', 401)):
            answer = keystone._http().request(
                method, path, timeout=60, headers={
                    'X-Auth-Token': token,
                    'OpenStack-API-Version': 'volume 3.71'})
            self.assertEqual((method, path, status),
                             (method, path, answer.status_code), answer.text)
        made = self.ask(token, 'snapshots', 'POST', json={
            'snapshot': {'volume_id': volume.id}})
        self.assertEqual(202, made.status_code, made.text)
        self.wait('snapshot', made.json()['snapshot']['id'])

    def test_a_service_may_do_the_rest_for_it(self):
        """A service that the user's program has asked needs no rule."""
        volume = self.make_volume()
        token = self.token_of(*self.credential(access_rules=[
            {'service': 'compute', 'method': 'POST', 'path': '/**'}]))
        path = f'volumes/{volume.id}'
        self.assertEqual(401, self.ask(token, path).status_code)
        answer = self.ask(token, path, headers={
            'X-Service-Token': self.cloud.token('nova')})
        self.assertEqual(200, answer.status_code, answer.text)
