"""The dialect of the schemas."""

from oslotest import base

from blockstore.api import faults
from blockstore.api import request
from blockstore.api import validation


class DialectTest(base.BaseTestCase):

    def _accepts(self, fragment, value):
        schema = validation.Schema({'type': 'object',
                                    'properties': {'v': fragment}})
        try:
            schema.check({'v': value})
        except faults.BadRequest:
            return False
        return True

    def test_fragments(self):
        for fragment, good, bad in (
                (validation.SIZE, (1, '1', 2 ** 31 - 1, '2147483647'),
                 (0, '0', -1, '-1', 2 ** 31, '2147483648', '1 ', '', None,
                  True, 1.0, '\u0663', '1\n')),
                (validation.NAME, (None, '', ' ' * 300, 'x' * 255 + ' ',
                                   'é'), ('x' * 256, 1, 'a\nb')),
                (validation.NAME_REQUIRED, ('x',), (None, '', '  ')),
                (validation.DESCRIPTION, (None, '', 'a\nb', 'x' * 255),
                 ('x' * 256, 'a\x1b', 1)),
                (validation.UUID,
                 ('11111111-2222-3333-4444-555555555555', 'a' * 32),
                 ('x', '', None, 1, 'a' * 31,
                  'urn:uuid:11111111-2222-3333-4444-555555555555')),
                (validation.BOOLEAN, (True, False, 'true', 'n', '1'),
                 (None, 1, 0, 'TruE', '', [])),
                (validation.HOST, ('a@b#c', '[::1]:80'),
                 ('', 'a b', 'x' * 256, 'a\n', None)),
                (validation.METADATA, ({}, {'a/b': ''}, {'k': 'v' * 255}),
                 (None, {'': 'v'}, {'k': None}, {'k\n': 'v'},
                  {'k': 'v' * 256})),
                (validation.METADATA_NO_SLASH, ({'a b': ''},),
                 ({'a/b': ''},))):
            for value in good:
                self.assertTrue(self._accepts(fragment, value),
                                (fragment, value))
            for value in bad:
                self.assertFalse(self._accepts(fragment, value),
                                 (fragment, value))

    def test_nullable(self):
        for fragment in (validation.UUID, validation.BOOLEAN,
                         validation.SIZE):
            self.assertFalse(self._accepts(fragment, None))
            self.assertTrue(self._accepts(validation.nullable(fragment),
                                          None))

    def test_message_names_the_field_and_stays_short(self):
        schema = validation.body('volume', validation.closed(
            {'size': validation.SIZE}))
        error = self.assertRaises(faults.BadRequest, schema.check,
                                  {'volume': {'size': 'x' * 100000}})
        self.assertTrue(error.message.startswith('volume.size: '))
        self.assertLess(len(error.message), 1000)

    def test_body(self):
        schema = validation.body('a', {}, {'b': {'type': 'string'}})
        schema.check({'a': 1, 'b': 'x'})
        for bad in ({}, {'b': 'x'}, {'a': 1, 'c': 1}, {'a': 1, 'b': 1}, []):
            self.assertRaises(faults.BadRequest, schema.check, bad)


class BooleanTest(base.BaseTestCase):

    def test_strings(self):
        for value in (True, 'true', 'True', 'TRUE', '1', 'ON', 'On', 'on',
                      'YES', 'Yes', 'yes', 'y', 't'):
            self.assertTrue(request.boolean(value, 'v'))
        for value in (False, 'false', 'False', 'FALSE', '0', 'OFF', 'Off',
                      'off', 'NO', 'No', 'no', 'n', 'f'):
            self.assertFalse(request.boolean(value, 'v'))
        for value in (None, 1, 0, 'Y', 'oN', '', 2, [], 'x' * 9999):
            error = self.assertRaises(faults.BadRequest, request.boolean,
                                      value, 'v')
            self.assertLess(len(error.message), 200)
