"""The documentation tells all that the code has, and nothing else."""

import importlib.util
import pathlib
import re

import fixtures
from oslotest import base as test_base
import yaml

from blockstore import conf as blockstore_conf
from blockstore import errors
from blockstore import metrics
from blockstore.api import routes
from blockstore.monitoring import facts
from blockstore.rpc.methods import backup as rpc_backup
from blockstore.rpc.methods import scheduler as rpc_scheduler
from blockstore.rpc.methods import volume as rpc_volume
from blockstore.volume.drivers import base as drivers

SOURCE = pathlib.Path(__file__).parents[3] / 'doc' / 'source'


def page(*parts):
    return SOURCE.joinpath(*parts).read_text(encoding='utf-8')


class DocumentationTest(test_base.BaseTestCase):

    def setUp(self):
        super().setUp()
        if not SOURCE.is_dir():
            self.skipTest('installed without its documentation')

    def test_every_error_code_is_told_once(self):
        codes = {value for name, value in vars(errors).items()
                 if name.isupper()}
        told = re.findall(r'^   \* - ``(blockstore\.[a-z_.]+)``$',
                          page('user', 'errors.rst'), re.MULTILINE)
        self.assertEqual(sorted(codes), sorted(told))

    def test_every_metric_is_told_and_no_other(self):
        facts_ = pathlib.Path(facts.__file__).read_text(encoding='utf-8')
        counted = set()
        for family in metrics.REGISTRY.collect():
            counted.add(family.name + ('_total' if family.type == 'counter'
                                       else ''))
        known = counted | set(re.findall(r"'(blockstore_[a-z_]+)'", facts_))
        told = set(re.findall(r'^   \* - ``(blockstore_[a-z_]+)``',
                              page('operations', 'monitoring.rst'),
                              re.MULTILINE))
        self.assertEqual(known, told)
        rules = yaml.safe_load((SOURCE.parents[1] / 'etc' / 'prometheus' /
                                'blockstore.rules.yml').read_text())
        for rule in rules['groups'][0]['rules']:
            used = set(re.findall(r'blockstore_[a-z_]+', rule['expr']))
            self.assertEqual(set(), used - known, rule['alert'])
            self.assertNotEqual(set(), used)

    def test_every_page_is_in_a_table_of_contents(self):
        pages = {path.relative_to(SOURCE).with_suffix('').as_posix()
                 for path in SOURCE.rglob('*.rst')
                 if '_generated' not in path.parts}
        listed = {'index'}
        for folder in [SOURCE, *SOURCE.iterdir()]:
            if (folder / 'index.rst').is_file():
                text = (folder / 'index.rst').read_text(encoding='utf-8')
                listed |= {
                    (folder / name).relative_to(SOURCE).as_posix()
                    for name in re.findall(r'^   ([a-z][\w/-]*)$', text,
                                           re.MULTILINE)}
        decisions = {name for name in pages
                     if name.startswith('contributor/adr/0')}
        self.assertEqual(set(), pages - listed - decisions)
        self.assertEqual(set(), listed - pages)

    def test_no_page_speaks_of_the_workplace(self):
        for path in SOURCE.rglob('*.rst'):
            self.assertNotIn('/work/', path.read_text(encoding='utf-8'),
                             path)


class TablesTest(test_base.BaseTestCase):
    """The tables that the build makes."""

    def setUp(self):
        super().setUp()
        if not SOURCE.is_dir():
            self.skipTest('installed without its documentation')
        spec = importlib.util.spec_from_file_location(
            'tables', SOURCE / 'tables.py')
        tables = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(tables)
        self.folder = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path)
        tables.write(self.folder)

    def made(self, name):
        return (self.folder / f'{name}.inc.rst').read_text(encoding='utf-8')

    def test_every_route_is_told(self):
        text = self.made('routes')
        for row in [*routes.ROOTS, *routes.TABLE]:
            path = f'``{row.path}``'
            if row.action:
                path += f' ``{{"{row.action}"}}``'
            self.assertIn(f'   * - {row.method}\n     - {path}\n', text)
        self.assertEqual(len(routes.ROOTS) + len(routes.TABLE),
                         len(re.findall(r'\* - (GET|PUT|POST|DELETE)$', text,
                                        re.MULTILINE)))

    def test_every_option_is_told(self):
        text = self.made('options')
        for group, options in blockstore_conf.list_opts():
            section = text.partition(f'\n[{group}]\n')[2].partition(
                '\n---')[0]
            for option in options:
                self.assertIn(f'``{option.name}``', section)

    def test_every_rpc_method_is_told(self):
        text = self.made('rpc')
        for module in (rpc_backup, rpc_scheduler, rpc_volume):
            for method in module.METHODS.values():
                section = text.partition(
                    f'\n{method.name}\n{"-" * len(method.name)}\n')[2]
                for argument in method.arguments:
                    self.assertIn(f'``{argument.name}``', section)
                for code in method.errors:
                    self.assertIn(f'``{code}``', section)

    def test_every_capability_is_told(self):
        text = self.made('capabilities')
        for name in drivers.CAPABILITIES:
            self.assertIn(f'   * - ``{name}``\n', text)
