"""Nothing that a caller sends makes the service fail.

Seeded, so that a failure comes back; the environment variable FUZZ_ROUNDS
makes it look longer.
"""

import json
import os
import random
import re
from urllib import parse

from blockstore.api import routes
from blockstore.tests.unit.api import base

SEED = 20261121
ROUNDS = int(os.environ.get('FUZZ_ROUNDS', '6'))
NO_ID = '11111111-2222-3333-4444-555555555555'
ODD = (None, True, False, 0, 1, -1, 1.5, 2 ** 31, 2 ** 63, 2 ** 70, '', ' ',
       'x', '0', '1', '-1', '9' * 12, 'true', 'None', 'null', NO_ID,
       NO_ID.replace('-', ''), '../../etc/passwd', 'a' * 256, 'é' * 255,
       '\U0001f4be', '\u202e', "'; --", '%', '_', '\\', [], {}, [1], ['x'],
       {'k': 'v'}, {'k': {}}, {'': ''}, {'host': 'h'}, {'host': 1},
       {'host': {}}, {'host': 'h' * 300}, {'host': 'h', 'mode': 'x' * 9},
       {'mountpoint': []}, '{' + NO_ID + '}', f'urn:uuid:{NO_ID}')


class FuzzTest(base.ApiTestCase):

    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.make_backup_service()
        volume_id = self.make_volume()
        self.known = {'volume_id': volume_id,
                      'snapshot_id': self.make_snapshot(volume_id)}
        self.rows = routes.TABLE

    def _path(self, row):
        def pick(match):
            odd = self.random.choice(ODD)
            known = self.known.get(match[1], NO_ID)
            text = known if self.random.random() < 0.7 else str(odd)
            return parse.quote(text, safe='') or 'x'
        return '/v3' + re.sub(r'{(\w+)}', pick, row.path)

    def _value(self, name, depth=0):
        chance = self.random.random()
        if name in self.known and chance < 0.5:
            return self.known[name]
        if chance < 0.1 and depth < 3:
            return {str(self.random.choice(ODD)): self._value('', depth + 1)
                    for _ in range(self.random.randint(1, 3))}
        return self.random.choice(ODD)

    def _body(self, row):
        document = row.schema.document
        body = {}
        for key, content in document.get('properties', {}).items():
            names = list(content.get('properties', {}))
            if not names or self.random.random() < 0.1:
                body[key] = self._value(key)
                continue
            required = content.get('required', [])
            chosen = {name for name in names if self.random.random() < 0.3}
            body[key] = {name: self._value(name)
                         for name in chosen | set(required)}
        return body

    def _check(self, method, path, **kwargs):
        answer = self.ask(method, path, **kwargs)
        self.assertLess(answer.status, 500, (method, path, kwargs,
                                             answer.raw))

    def test_bodies(self):
        for _ in range(ROUNDS):
            for row in self.rows:
                if row.schema is not None:
                    raw = json.dumps(self._body(row)).encode()
                    self._check(row.method, self._path(row), raw=raw,
                                version=str(row.max))

    def test_parameters(self):
        names = ('limit', 'offset', 'marker', 'sort', 'sort_key', 'sort_dir',
                 'all_tenants', 'with_count', 'status', 'name', 'name~',
                 'size', 'size~', 'metadata', 'metadata~', 'bootable',
                 'created_at', 'host', 'id', 'volume_id', 'project_id',
                 'consumes_quota', 'cascade', 'force', 'connector', 'deleted')
        for _ in range(ROUNDS * 3):
            for row in self.rows:
                if row.method == 'GET':
                    params = {name: str(self.random.choice(ODD))
                              for name in self.random.sample(names, 2)}
                    self._check('GET', self._path(row), **params,
                                version=str(row.max))

    def test_headers(self):
        for name in ('X-Auth-Token', 'OpenStack-API-Version', 'Host',
                     'X-OpenStack-Request-ID', 'Content-Length',
                     'If-Match'):
            for value in ('', ' ', 'x', ':', '::', '\xff', '-1', '9' * 40,
                          'volume', 'volume volume', ',', '[', ']:'):
                self._check('GET', f'volumes/{self.known["volume_id"]}',
                            headers={name: value})
