"""Programs that are run for what needs root, without root."""

import time

from oslotest import base

from blockstore.privileged import commands
from blockstore.privileged import lio
from blockstore.privileged import mapper
from blockstore.privileged import tgt


class CommandsTest(base.BaseTestCase):
    """Arguments, errors, deadlines."""

    def test_output(self):
        self.assertEqual('a b; $HOME\n', commands.run(['echo', 'a b; $HOME']))

    def test_words_are_plain_english(self):
        error = self.assertRaises(commands.CommandFailed, commands.run,
                                  ['ls', '/no/such/path'])
        self.assertIn('No such file', error.stderr)
        self.assertEqual(2, error.exit_code)
        self.assertIn('ls /no/such/path ended with 2', str(error))

    def test_a_program_that_is_not_there(self):
        error = self.assertRaises(commands.CommandFailed, commands.run,
                                  ['no-such-program'])
        self.assertEqual(127, error.exit_code)

    def test_a_deadline(self):
        began = time.monotonic()
        error = self.assertRaises(
            commands.CommandFailed, commands.run,
            ['sh', '-c', 'echo begun >&2; exec sleep 600'], 0.5)
        self.assertIsNone(error.exit_code)
        self.assertIn('begun', error.stderr)
        self.assertIn('took too long', str(error))
        self.assertLess(time.monotonic() - began, 300)

    def test_it_crosses_a_socket(self):
        error = commands.CommandFailed('lvs vg', 5, 'no')
        again = type(error)(*error.args)
        self.assertEqual((str(error), 5, 'no'),
                         (str(again), again.exit_code, again.stderr))

    def test_secrets_are_not_shown(self):
        error = self.assertRaises(
            commands.CommandFailed, commands.run,
            ['false', '--password', 'hunter2'], secrets=['hunter2'])
        self.assertIn('--password ***', str(error))

    def test_names(self):
        for name in ('vg', 'volume-1', '_snapshot-1', 'a.b+c:d'):
            self.assertEqual(name, commands.name(name))
        for name in ('', '-f', 'a b', '/dev/sda', '../x', 'a/b', 'a;b',
                     'a\n', '.', '..', 'x' * 200):
            self.assertRaises(ValueError, commands.name, name)


class GatesTest(base.BaseTestCase):
    """Nothing but gates is changed, shut or served."""

    ID = '00000000-0000-4000-8000-000000000000'

    def test_names(self):
        for name in (f'volume-{self.ID}.0123456789abcdef',
                     f'_snapshot-{self.ID}.0123456789abcdef'):
            self.assertEqual(name, mapper.gate(name))
            node = f'{mapper.DIRECTORY}/{name}'
            self.assertEqual(node, mapper.node(node))
        for name in ('vg-root', 'control', f'volume-{self.ID}',
                     f'vg-volume-{self.ID}.0123456789abcdef', '../x', ''):
            self.assertRaises(ValueError, mapper.gate, name)
            for directory in (mapper.DIRECTORY, '/dev/mapper'):
                self.assertRaises(ValueError, mapper.node,
                                  f'{directory}/{name}')

    def test_nothing_else_is_touched(self):
        # Past privsep: what is called would run with root's rights.
        self.assertRaises(ValueError, _inner(mapper.shut_gate), 'vg-root')
        self.assertRaises(ValueError, _inner(mapper.open_gate), 'vg-root',
                          'vg', 'x', 0, False, 0, 0)
        for helper in (lio, tgt):
            self.assertRaises(
                ValueError, _inner(helper.publish), 'iqn.2026-01.a:b',
                '/dev/sda', '::', 3260, 'iqn.2026-01.a:c', 'u', 'p', False)


def _inner(entry_point):
    """Return the function behind the border of privsep."""
    return getattr(entry_point, 'args', (entry_point,))[0]
