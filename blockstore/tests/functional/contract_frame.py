"""What holds for every URL: contract rest-api §0.1 to §0.4, §0.6, §13."""

import re

from blockstore.api import microversions
from blockstore.api import routes
from blockstore.tests.unit.api import base

NO_ID = '11111111-2222-3333-4444-555555555555'
HEADER = 'OpenStack-API-Version'
FAULTS = {400: 'badRequest', 401: 'unauthorized', 403: 'forbidden',
          404: 'itemNotFound', 409: 'conflictingRequest', 413: 'overLimit',
          415: 'badMediaType', 503: 'serviceUnavailable'}


def path_of(row):
    return '/v3' + re.sub(r'{(\w+)}', NO_ID, row.path)


class FrameTest(base.ApiTestCase):

    def check_fault(self, answer, what):
        """One key, a code, a text; ours are additions to it."""
        (name, fault), = answer.json.items()
        self.assertEqual(FAULTS.get(answer.status, 'computeFault'), name,
                         what)
        self.assertLessEqual({'code', 'message'}, set(fault), what)
        self.assertEqual(answer.status, fault['code'], what)
        self.assertIs(str, type(fault['message']), what)
        self.assertTrue(fault['message'], what)
        self.assertEqual('application/json',
                         answer.headers['Content-Type'], what)

    def test_headers_of_all_answers(self):
        """§0.2: the version and the request id, of errors also."""
        for row in routes.TABLE:
            for version in {row.min, row.max}:
                for token in (base.ADMIN, f'x:{base.PROJECT}:nothing', ':'):
                    answer = self.ask(
                        row.method, path_of(row), {row.action: {}}
                        if row.action else None, version=str(version),
                        token=token)
                    what = (row.method, row.path, row.action, str(version),
                            token, answer.status)
                    self.assertEqual(f'volume {version}',
                                     answer.headers[HEADER], what)
                    self.assertEqual(HEADER, answer.headers['Vary'], what)
                    self.assertRegex(
                        answer.headers['x-compute-request-id'], '^req-')
                    if answer.status >= 400:
                        self.check_fault(answer, what)

    def test_no_header_is_3_0(self):
        """A row that begins later is not there without a header."""
        for row in routes.TABLE:
            answer = self.ask(row.method, path_of(row), {row.action: {}}
                              if row.action else None)
            self.assertEqual('volume 3.0', answer.headers[HEADER])
            if row.min > microversions.MIN and not any(
                    other.min == microversions.MIN for other in routes.TABLE
                    if (other.method, other.path, other.action)
                    == (row.method, row.path, row.action)):
                self.assertEqual(404, answer.status, row.path)

    def test_negotiation(self):
        for header, status, version in (
                ('volume 3.0', 200, '3.0'), ('volume 3.71', 200, '3.71'),
                ('volume latest', 200, '3.71'),
                ('compute 2.1, volume 3.27', 200, '3.27'),
                ('volume 3.27,compute 2.1', 200, '3.27'),
                ('volume 3.72', 406, None), ('volume 2.0', 406, None),
                ('volume 4.0', 406, None), ('compute 2.1', 400, None),
                ('volume', 400, None), ('volume 3', 400, None),
                ('volume x', 400, None), ('3.27', 400, None),
                ('volume 3.-1', 400, None), ('volume 3.1.1', 400, None),
                ('volume LATEST', 400, None)):
            answer = self.get('volumes', headers={HEADER: header})
            self.assertEqual(status, answer.status, header)
            if version:
                self.assertEqual(f'volume {version}',
                                 answer.headers[HEADER])
            else:
                self.check_fault(answer, header)
            if status == 406:
                message = answer.json['computeFault']['message']
                for part in (header.split()[1], '3.0', '3.71'):
                    self.assertIn(part, message)

    def test_edges(self):
        """§13: the version at which each of these begins, and ours."""
        first = {}
        for row in routes.TABLE:
            key = f'{row.method} {row.path} {row.action or ""}'.strip()
            first[key] = min(first.get(key, row.min), row.min)
        late = {key: min_.minor for key, min_ in first.items()
                if min_ > microversions.MIN}
        attachment = '/attachments/{attachment_id}'
        self.assertEqual({
            'GET /messages': 3, 'GET /messages/{message_id}': 3,
            'DELETE /messages/{message_id}': 3,
            **{f'{method} /manageable_{noun}{rest}': 8
               for noun in ('volumes', 'snapshots')
               for method, rest in (('GET', ''), ('GET', '/detail'),
                                    ('POST', ''))},
            'PUT /backups/{backup_id}': 9, 'GET /volumes/summary': 12,
            'GET /attachments': 27, 'GET /attachments/detail': 27,
            'POST /attachments': 27, f'GET {attachment}': 27,
            f'PUT {attachment}': 27, f'DELETE {attachment}': 27,
            'GET /resource_filters': 33,
            'POST /volumes/{volume_id}/action revert': 40,
            f'POST {attachment}/action os-complete': 44,
            'GET /default-types': 62,
            'GET /default-types/{project_id}': 62,
            'PUT /default-types/{project_id}': 62,
            'DELETE /default-types/{project_id}': 62}, late)

    def test_the_range_is_what_clients_ask_for(self):
        """R-151: snapshot actions send 3.65, backup actions 3.64."""
        self.assertEqual(('3.0', '3.71'), (str(microversions.MIN),
                                           str(microversions.MAX)))
        volume_id = self.make_volume()
        snapshot_id = self.make_snapshot(volume_id)
        self.assertEqual(202, self.action(
            f'snapshots/{snapshot_id}', 'os-reset_status',
            {'status': 'error'}, version='3.65').status)
        self.assertEqual(404, self.action(
            f'backups/{NO_ID}', 'os-reset_status', {'status': 'error'},
            version='3.64').status)

    def test_the_older_prefix(self):
        """R-013, R-120, R-150: /v2 is 3.0, whatever the header asks."""
        for header in ({}, {HEADER: 'volume 3.71'}, {HEADER: 'volume 9.9'}):
            answer = self.get(f'/v2/{base.PROJECT}/volumes', headers=header)
            self.assertEqual(200, answer.status, header)
            self.assertNotIn(HEADER, answer.headers)
        self.assertEqual(404, self.get(
            f'/v2/{base.PROJECT}/attachments').status)
        versions = self.get('/').json['versions']
        self.assertEqual(['v3.0'], [one['id'] for one in versions])

    def test_bodies_of_every_writing_row(self):
        """§0.4: none, not JSON, another type, a list, an unknown key."""
        for row in routes.TABLE:
            if row.schema is None or row.max < microversions.MAX:
                continue
            path, version = path_of(row), str(row.max)
            what = (row.method, row.path, row.action)
            for raw, headers, status in (
                    (b'', {}, 400), (b'{', {}, 400), (b'[]', {}, 400),
                    (b'null', {}, 400), (b'1', {}, 400), (b'{}', {}, 400),
                    (b'{}', {'Content-Type': 'text/plain'}, 415),
                    (b'{}', {'Content-Type': ''}, 400)):
                answer = self.ask(row.method, path, raw=raw, version=version,
                                  headers=headers)
                self.assertEqual(status, answer.status, (what, raw, headers))
                self.check_fault(answer, what)
            if not row.action:
                answer = self.ask(row.method, path, {'x': {}},
                                  version=version)
                self.assertEqual(400, answer.status, what)

    def test_methods_that_are_not_there(self):
        """§0.2: a wrong method is a 404, as no route matches."""
        known = {(row.method, row.path) for row in routes.TABLE}
        for path in sorted({path for _, path in known}):
            url = re.sub(r'{(\w+)}', NO_ID, path)
            for method in ('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD'):
                # A word such as "detail" may be an id to another row.
                if any(method == one and re.fullmatch(
                        re.sub(r'{(\w+)}', '[^/]+', other), url)
                        for one, other in known):
                    continue
                answer = self.ask(method, f'/v3{url}', version='3.71')
                self.assertEqual(404, answer.status, (method, path))

    def test_ids_of_every_shape(self):
        """What is no id is not found: never a 500, never another's."""
        for row in routes.TABLE:
            if row.method != 'GET' or '{' not in row.path:
                continue
            for odd in ('x', '0', '-1', NO_ID.upper(), NO_ID[:-1], '%25',
                        '%27', '%E2%80%AE', 'a' * 300, '..', '*'):
                path = '/v3' + re.sub(r'{(\w+)}', odd, row.path)
                answer = self.get(path, version=str(row.max))
                self.assertIn(answer.status, (200, 403, 404), (path,))
                if answer.status == 200:
                    self.assertTrue(row.path.startswith(
                        ('/os-quota', '/extensions')), path)
