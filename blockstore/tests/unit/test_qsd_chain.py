"""Which layers may be merged or thrown away: the book of the qsd driver."""

from oslotest import base

from blockstore.volume.drivers import books
from blockstore.volume.drivers.qsd import chain


def attachment(layer=None):
    return {'export': 'x', 'mode': 'rw', 'layer': layer, 'state': 'attached',
            'size': 1}


class ChainTestCase(base.BaseTestCase):

    def setUp(self):
        super().setUp()
        self.book = books.MemoryBook()
        self.chain = chain.Chain(self.book)

    def stack(self, volume, count, parent=None, family=None):
        """Put a volume with layers .1 (lowest) to .count into the book."""
        changes, names = {}, []
        for number in range(1, count + 1):
            name = f'volume-{volume}.{number:04d}'
            changes[f'layer:{name}'] = {'parent': parent}
            names.append(name)
            parent = name
        changes[f'volume:{volume}'] = {
            **chain.new_volume(1, parent, family or volume, count, {}),
            'op': None}
        self.chain.commit(changes)
        return names

    def snap(self, name, volume, layer):
        self.chain.commit({f'snapshot:{name}': {
            'volume': volume, 'layer': layer, 'size': 1, 'exports': {}}})

    def test_names_are_never_used_twice(self):
        self.assertEqual(('volume-v.0001', 1), self.chain.new_layer('v'))
        names = self.stack('v', 3)
        self.assertEqual(4, self.chain.new_layer('v')[1])
        self.chain.commit({'volume:v': None, f'layer:{names[1]}': None,
                           f'layer:{names[2]}': None,
                           f'trash:{names[2]}': {}})
        self.assertEqual(4, self.chain.new_layer('v')[1])

    def test_a_single_layer_stays(self):
        self.stack('v', 1)
        self.assertIsNone(self.chain.next_step('v'))

    def test_layers_without_a_purpose_merge(self):
        one, two, three = self.stack('v', 3)
        self.assertEqual(chain.Step('merge', three, two, None),
                         self.chain.next_step('v'))
        self.snap('s', 'v', two)
        self.assertEqual(chain.Step('merge', two, one, three),
                         self.chain.next_step('v'))

    def test_a_snapshot_keeps_its_layer(self):
        one, two = self.stack('v', 2)
        self.snap('s', 'v', one)
        self.assertIsNone(self.chain.next_step('v'))

    def test_a_client_gets_one_pad(self):
        one, two = self.stack('v', 2)
        self.chain.update('v', attachments={'a': attachment()})
        self.assertEqual(chain.Step('push', two, one, None),
                         self.chain.next_step('v'))
        self.chain.update('v', pad=two)
        self.assertIsNone(self.chain.next_step('v'))

    def test_a_reader_pins_its_layer(self):
        one, two = self.stack('v', 2)
        self.chain.update('v', attachments={'b': attachment(one)})
        self.assertIsNone(self.chain.next_step('v'))
        self.assertFalse(chain.exported(self.chain.volume('v')))

    def test_what_a_clone_stands_on_is_not_touched(self):
        one, two, three = self.stack('v', 3)
        self.snap('s', 'v', two)
        self.stack('c', 1, parent=two, family='v')
        self.assertIsNone(self.chain.next_step('v'))
        self.assertIsNone(self.chain.next_step('c'))
        self.assertEqual('v', self.chain.family('c'))
        self.assertEqual(['v', 'c'], self.chain.users(one))

    def test_a_clone_takes_over_when_its_source_is_gone(self):
        one, two = self.stack('v', 2)
        top, = self.stack('c', 1, parent=one, family='v')
        self.chain.commit(self.chain.collected({'volume:v': None}))
        self.assertEqual([two], self.chain.trash())
        self.assertEqual(chain.Step('merge', top, one, None),
                         self.chain.next_step('c'))

    def test_two_children_forbid_a_merge(self):
        one, two, three = self.stack('v', 3)
        self.chain.commit({'layer:volume-v.0009': {'parent': two}})
        self.snap('s', 'v', 'volume-v.0009')
        self.assertIsNone(self.chain.next_step('v'))

    def test_merged_moves_snapshots_and_children(self):
        one, two, three = self.stack('v', 3)
        self.snap('s', 'v', two)
        step = self.chain.next_step('v')
        self.chain.commit(self.chain.merged('v', step._asdict()))
        self.assertEqual(one, self.chain.snapshots('v')['s']['layer'])
        self.assertEqual([three, one], self.chain.down(three))
        self.assertEqual([two], self.chain.trash())

    def test_merging_the_active_layer_makes_the_lower_one_active(self):
        one, two = self.stack('v', 2)
        self.chain.commit(self.chain.merged(
            'v', self.chain.next_step('v')._asdict()))
        self.assertEqual(one, self.chain.volume('v')['active'])

    def test_only_what_nobody_needs_is_collected(self):
        one, two, three = self.stack('v', 3)
        self.stack('w', 2)
        self.snap('s', 'v', one)
        changes = self.chain.collected({'volume:v': None})
        self.assertEqual(
            {'volume:v', f'layer:{two}', f'layer:{three}', f'trash:{two}',
             f'trash:{three}'}, set(changes))
        # Asking changed nothing.
        self.assertEqual([three, two, one], self.chain.down(three))

    def test_an_open_intent_keeps_its_layer(self):
        one, = self.stack('v', 1)
        self.chain.commit({'layer:volume-v.0002': {'parent': one}})
        self.chain.update('v', op={'kind': 'push', 'new': 'volume-v.0002'})
        self.assertEqual({}, self.chain.collected({}))

    def test_facts_are_copies_and_come_back_from_the_book(self):
        self.stack('v', 1)
        self.chain.volume('v')['attachments']['a'] = attachment()
        self.assertEqual({}, self.chain.volume('v')['attachments'])
        again = chain.Chain(self.book)
        self.assertEqual(self.chain.volume('v'), again.volume('v'))
        self.assertRaises(KeyError, again.volume, 'w')
