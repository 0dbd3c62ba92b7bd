"""What of Keystone's tokens needs no Keystone: see also compat.keystone."""

from oslotest import base as test_base

from blockstore import exceptions
from blockstore.api.auth import strategies
from blockstore.api.auth import token_cache
from blockstore.tests.unit.api import base


class TokenCacheTest(test_base.BaseTestCase):

    def test_it_remembers(self):
        cache = token_cache.TokenCache(300)
        cache.set('a', b'1', time=300)
        self.assertEqual((b'1', None), (cache.get('a'), cache.get('b')))

    def test_it_does_not_remember_for_no_time(self):
        for seconds in (0, -1):
            cache = token_cache.TokenCache(seconds)
            cache.set('a', b'1', time=seconds)
            self.assertIsNone(cache.get('a'))

    def test_it_does_not_grow(self):
        cache = token_cache.TokenCache(300, most_bytes=100)
        for number in range(30):
            cache.set(str(number), b'x' * 10)
        self.assertIsNone(cache.get('0'))
        kept = [number for number in range(30) if cache.get(str(number))]
        self.assertEqual(list(range(20, 30)), kept)
        cache.set('big', b'x' * 101)
        self.assertIsNone(cache.get('big'))


class CheckTest(test_base.BaseTestCase):

    def test_a_service_without_a_user(self):
        conf = base.make_conf(auth__strategy='keystone')
        error = self.assertRaises(exceptions.Invalid, strategies.check, conf)
        self.assertIn('auth_type', error.message)
        conf.set_override('auth_type', 'password', 'keystone_authtoken')
        strategies.check(conf)
