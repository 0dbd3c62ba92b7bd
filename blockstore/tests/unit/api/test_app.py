"""The pipeline: URLs, callers, bodies, faults."""

import json
from unittest import mock

from oslo_db import exception as db_exception
import webob

from blockstore import errors
from blockstore import exceptions
from blockstore.api import app
from blockstore.api import faults
from blockstore.api.auth import noauth
from blockstore.tests.unit.api import base

PROJECT = base.PROJECT


class UrlTest(base.ApiTestCase):
    """Where things stand."""

    def test_versions(self):
        root = self.get('/', token=None)
        self.assertEqual(300, root.status)
        three = self.get('/v3/', token=None)
        self.assertEqual(200, three.status)
        self.assertEqual(root.json, three.json)
        version = three.json['versions'][0]
        self.assertEqual(('v3.0', 'CURRENT', '3.71', '3.0'), (
            version['id'], version['status'], version['version'],
            version['min_version']))
        self.assertIn({'rel': 'self', 'href': 'http://localhost:80/v3/'},
                      version['links'])
        moved = self.get('/v3', token=None)
        self.assertEqual(302, moved.status)
        self.assertEqual('http://localhost:80/v3/',
                         moved.headers['Location'])

    def test_healthcheck(self):
        self.assertEqual(200, self.get('/healthcheck', token=None).status)

    def test_all_prefixes(self):
        volume_id = self.make_volume()
        for prefix in ('/v3', f'/v3/{PROJECT}', f'/v2/{PROJECT}', '/v2'):
            for suffix in ('', '.json'):
                answer = self.get(f'{prefix}/volumes/{volume_id}{suffix}',
                                  token=base.MEMBER)
                self.assertEqual(200, answer.status, prefix)
                hrefs = [link['href']
                         for link in answer.json['volume']['links']]
                project = prefix[3:]
                self.assertEqual(
                    [f'http://localhost:80{prefix}/volumes/{volume_id}',
                     f'http://localhost:80{project}/volumes/{volume_id}'],
                    hrefs)

    def test_public_endpoint(self):
        self.conf.set_override('public_endpoint', 'https://v.example.org/b/',
                               'api')
        volume_id = self.make_volume()
        answer = self.get(f'volumes/{volume_id}', token=base.MEMBER)
        self.assertEqual(
            f'https://v.example.org/b/v3/volumes/{volume_id}',
            answer.json['volume']['links'][0]['href'])

    def test_project_of_the_url(self):
        path = f'/v3/{base.OTHER_PROJECT}/volumes'
        for token in (base.ADMIN, base.MEMBER):
            self.assert_fault(400, 'badRequest',
                              self.get(path, token=token))
        self.assertEqual(200, self.get(path, token=None).status)
        self.assertEqual(200, self.get(path, token='admin').status)

    def test_unknown_pages_and_methods(self):
        for method, path in (('GET', 'nothing'), ('GET', 'volumes/a/b/c'),
                             ('PATCH', 'volumes'), ('PUT', 'volumes'),
                             ('POST', 'volumes/x'), ('GET', '/v3/g/volumes'),
                             ('GET', '/v4/volumes'), ('HEAD', 'volumes'),
                             ('GET', f'/v3/{"a" * 256}/volumes'),
                             ('GET', '/v3/volumes/')):
            answer = self.ask(method, path)
            self.assertEqual(404, answer.status, (method, path))

    def test_request_ids(self):
        answer = self.get('volumes')
        request_id = answer.headers['x-compute-request-id']
        self.assertRegex(request_id, '^req-')
        self.assertEqual(request_id,
                         answer.headers['x-openstack-request-id'])
        self.assertIn('x-compute-request-id',
                      self.get('volumes/none').headers)

    def test_global_request_id_reaches_the_services(self):
        given = 'req-11111111-2222-3333-4444-555555555555'
        seen = []
        self.services.volumes.count = lambda context, query: seen.append(
            context.global_id) or 0
        for header in (given, 'req-x'):
            self.get('volumes', version='3.45', with_count='true',
                     headers={'X-OpenStack-Request-ID': header})
        self.assertEqual(given, seen[0])
        self.assertNotEqual('req-x', seen[1])


class CallerTest(base.ApiTestCase):
    """Who asks, under noauth."""

    def _context(self, token, path='volumes'):
        seen = []

        def listing(context, query, full):
            seen.append(context)
            return []

        self.services.volumes.list = listing
        answer = self.get(path, token=token)
        self.assertEqual(200, answer.status, answer.raw)
        return seen[0]

    def test_no_token_is_the_administrator(self):
        context = self._context(None)
        self.assertTrue(context.is_admin)
        self.assertEqual(self.conf.auth.noauth_project, context.project_id)
        for token in (None, '', 'notused', 'alice'):
            context = self._context(
                token, f'/v3/{base.OTHER_PROJECT}/volumes')
            self.assertTrue(context.is_admin)
            self.assertEqual(base.OTHER_PROJECT, context.project_id)
        context = self._context('alice:')
        self.assertFalse(context.is_admin)
        self.assertEqual(self.conf.auth.noauth_project, context.project_id)

    def test_words_of_the_token(self):
        context = self._context('alice:abc')
        self.assertFalse(context.is_admin)
        self.assertEqual(('alice', 'abc', ['member', 'reader']), (
            context.user_id, context.project_id, context.roles))
        context = self._context('admin:abc')
        self.assertTrue(context.is_admin)
        context = self._context('carol:abc:reader,service')
        self.assertEqual(['reader', 'service'], context.roles)

    def test_tokens_that_say_nothing(self):
        for token in (':abc', 'x:' + 'x' * 300, 'a\x7f:b'):
            answer = self.get('volumes', token=token)
            self.assert_fault(401, 'unauthorized', answer)

    def test_other_names_of_this_host(self):
        for host in ('127.0.0.1:8776', 'localhost', '[::1]:80', '[::1]'):
            answer = self.get('volumes', headers={'Host': host})
            self.assertEqual(200, answer.status, host)
        for host in ('evil.example', 'evil.example:8776', '10.0.0.1'):
            answer = self.get('volumes', headers={'Host': host})
            self.assert_fault(403, 'forbidden', answer)

    def test_callers_of_other_hosts(self):
        """Whatever server has the port, and wherever it listens."""
        def status(address):
            request = webob.Request.blank('/v3/volumes')
            request.environ['REMOTE_ADDR'] = address
            return request.get_response(self.app).status_int

        for address in ('127.0.0.1', '127.9.9.9', '::1',
                        '::ffff:127.0.0.1', ''):
            self.assertEqual(200, status(address), address)
        for address in ('10.0.0.1', '::2', '::ffff:10.0.0.1', 'x'):
            self.assertEqual(403, status(address), address)
        self.conf.set_override('noauth_allow_remote', True, 'auth')
        self.app = app.make_app(self.conf, self.services)
        self.assertEqual(200, status('10.0.0.1'))

    def test_exposure(self):
        noauth.check_exposure(base.make_conf(api__host='127.0.0.1'))
        noauth.check_exposure(base.make_conf(api__host='::1'))
        for host in ('0.0.0.0', '::', '10.0.0.1', 'host.example'):
            conf = base.make_conf(api__host=host)
            self.assertRaises(exceptions.Invalid, noauth.check_exposure,
                              conf)
            conf.set_override('noauth_allow_remote', True, 'auth')
            noauth.check_exposure(conf)


class BehindProxyTest(base.ApiTestCase):

    def setUp(self):
        super().setUp()
        self.conf.set_override('enable_proxy_headers_parsing', True,
                               'oslo_middleware')
        self.conf.set_override('noauth_allow_remote', True, 'auth')
        self.app = app.make_app(self.conf, self.services)

    def test_links_are_those_of_the_proxy(self):
        answer = self.get('/', token=None, headers={
            'X-Forwarded-Proto': 'https',
            'X-Forwarded-Host': 'cloud.example',
            'X-Forwarded-Prefix': '/volume'})
        links = answer.json['versions'][0]['links']
        self.assertEqual('https://cloud.example/volume/v3/',
                         links[1]['href'])


class BodyTest(base.ApiTestCase):
    """What may be sent, and what is refused before a service sees it."""

    def test_content_types(self):
        body = json.dumps({'volume': {'size': 1}}).encode()
        for content_type, status in (
                ('application/json', 202),
                ('application/json; charset=utf-8', 202),
                ('text/plain', 415), ('application/xml', 415), ('', 400)):
            answer = self.ask('POST', 'volumes', raw=body,
                              headers={'Content-Type': content_type})
            self.assertEqual(status, answer.status, content_type)

    def test_no_body(self):
        self.assert_fault(400, 'badRequest', self.ask('POST', 'volumes'))
        self.assert_fault(400, 'badRequest',
                          self.ask('POST', 'volumes', raw=b''))

    def test_bodies_that_are_no_json(self):
        for raw in (b'{', b'nothing', b'{"volume": NaN}', b'\xff\xfe{}',
                    b'{"volume": {"size": 1e999}}', b'[' * 50000,
                    b'{"a":' * 5000 + b'1' + b'}' * 5000,
                    b'1' * 5000, b'"' + b'x' * 100,
                    b'{"volume": {"size": 1, "name": "\\ud800"}}',
                    b'{"volume": {"size": 1, "name": "a\\u0000"}}',
                    b'{"volume": {"size": 1, "\\udfff": 1}}',
                    b'null', b'[]', b'"volume"', b'{}', b'{"volume": []}'):
            answer = self.ask('POST', 'volumes', raw=raw)
            self.assert_fault(400, 'badRequest', answer)

    def test_body_too_long(self):
        answer = self.ask('POST', 'volumes', raw=b' ' * 114689)
        self.assert_fault(413, 'overLimit', answer)

    def test_text_that_is_none(self):
        for path in ('volumes/%ff', 'volumes/%00', 'volumes?name=%ff',
                     'volumes?%00=1', '%ff'):
            answer = self.get(path)
            self.assert_fault(400, 'badRequest', answer)

    def test_actions(self):
        volume_id = self.make_volume()
        path = f'volumes/{volume_id}/action'
        for body in ({}, [], {'os-reserve': {}, 'os-unreserve': {}},
                     {'nothing': {}}, 'os-reserve', None):
            answer = self.post(path, body, token=base.MEMBER)
            self.assert_fault(400, 'badRequest', answer)
        self.assertIn('There is no such action: nothing', self.post(
            path, {'nothing': 1}).json['badRequest']['message'])
        answer = self.post(path, {'revert': {}}, version='3.39')
        self.assert_fault(404, 'itemNotFound', answer)


class FaultTest(base.ApiTestCase):
    """From what is raised to what is answered."""

    def _raise(self, error):
        with mock.patch.object(self.services.volumes, 'get',
                               side_effect=error):
            return self.get('volumes/x')

    def test_families(self):
        for error, status, name in (
                (exceptions.Invalid('m'), 400, 'badRequest'),
                (exceptions.InvalidStatus('m'), 400, 'badRequest'),
                (exceptions.InvalidConnector('m'), 400, 'badRequest'),
                (exceptions.Unsupported('m'), 400, 'badRequest'),
                (exceptions.Forbidden('m'), 403, 'forbidden'),
                (exceptions.NotFound('m'), 404, 'itemNotFound'),
                (exceptions.Conflict('m'), 409, 'conflictingRequest'),
                (exceptions.QuotaExceeded('m'), 413, 'overLimit'),
                (exceptions.Unavailable('m'), 503, 'serviceUnavailable'),
                (exceptions.DriverError('m'), 500, 'computeFault'),
                (faults.PreconditionFailed('m'), 412, 'computeFault')):
            answer = self._raise(error)
            self.assert_fault(status, name, answer)
            self.assertEqual('m', answer.json[name]['message'])
            self.assertEqual(error.code, answer.json[name]['error_code'])

    def test_quota_says_when_to_come_back(self):
        answer = self._raise(exceptions.QuotaExceeded('m'))
        self.assertEqual('0', answer.headers['Retry-After'])
        self.assertEqual('0', answer.json['overLimit']['retryAfter'])

    def test_what_blocks_and_what_helps(self):
        answer = self._raise(exceptions.Conflict(
            'busy', code=errors.VOLUME_ATTACHED, blockers=['attachment a'],
            remedy='detach it first'))
        self.assertEqual({
            'code': 409, 'message': 'busy',
            'error_code': 'blockstore.volume.attached',
            'blockers': ['attachment a'], 'remedy': 'detach it first'},
            answer.json['conflictingRequest'])

    def test_a_database_that_cannot_now(self):
        for error in (db_exception.DBDeadlock(),
                      db_exception.DBConnectionError()):
            answer = self._raise(error)
            self.assert_fault(503, 'serviceUnavailable', answer)
            self.assertEqual('1', answer.headers['Retry-After'])

    def test_surprises_tell_nothing(self):
        for error in (KeyError('secret'), TypeError('secret'),
                      exceptions.BlockstoreError('secret')):
            answer = self._raise(error)
            self.assert_fault(500, 'computeFault', answer)
            self.assertNotIn(b'secret', answer.raw)
