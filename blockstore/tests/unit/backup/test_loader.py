"""The configured backend is found, and the options reach the repository."""

import os

import fixtures
from oslo_config import cfg
from oslotest import base
from stevedore import exception

from blockstore import conf as options
from blockstore.backup.store import repository
from blockstore.backup.stores import loader


class LoaderTest(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.conf = cfg.ConfigOpts()
        options.register(self.conf)
        self.conf([])
        self.root = os.path.join(
            self.useFixture(fixtures.TempDir()).path, 'store')
        self.conf.set_override('posix_path', self.root, 'store')

    def test_posix(self):
        backend = loader.load(self.conf)
        backend.put('a/b', [b'x'])
        self.assertTrue(os.path.exists(os.path.join(self.root, 'a', 'b')))

    def test_unknown(self):
        self.conf.set_override('driver', 'none', 'store')
        self.assertRaises(exception.NoMatches, loader.load, self.conf)

    def test_options(self):
        self.conf.set_override('chunk_size', 8192, 'store')
        self.conf.set_override('compression_level', 7, 'store')
        made = repository.Repository.from_conf(self.conf)
        self.assertEqual((8192, 7, 86400), (
            made.layout.chunk_size, made.settings.level,
            made.settings.prune_grace))
        self.assertEqual('volumebackups', made.container(None))
        self.assertEqual('mine', made.container('mine'))
