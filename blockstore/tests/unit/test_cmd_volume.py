"""Which back ends a volume daemon serves."""

from oslo_config import cfg
from oslotest import base

from blockstore import conf as blockstore_conf
from blockstore import exceptions
from blockstore.cmd import volume


class BackendsTest(base.BaseTestCase):

    def served(self, *arguments: str) -> list[str]:
        conf = cfg.ConfigOpts()
        blockstore_conf.register(conf)
        conf.register_cli_opts(volume.CLI_OPTS)
        conf(list(arguments), default_config_files=[])
        conf.set_override('enabled_backends', ['fast', 'slow', 'far'],
                          group='volume')
        return volume.backends(conf)

    def test_all_or_those_that_are_named(self) -> None:
        self.assertEqual(['fast', 'slow', 'far'], self.served())
        self.assertEqual(['slow'], self.served('--backend', 'slow'))
        self.assertEqual(['slow', 'far'], self.served(
            '--backend=slow', '--backend=far', '--backend=slow'))

    def test_what_is_not_enabled_is_refused(self) -> None:
        error = self.assertRaises(exceptions.Invalid, self.served,
                                  '--backend', 'fats')
        self.assertIn('fats', str(error))
        self.assertIn('fast, slow, far', error.remedy)
