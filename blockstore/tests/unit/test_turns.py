"""Projects take turns, whoever asks and however much one has queued."""

from oslo_utils import uuidutils
from oslotest import base

from blockstore import context
from blockstore.db import engine
from blockstore.db import migration
from blockstore.db import operations as db
from blockstore.lifecycle import operations

KIND = 'snapshot.create'


class TurnsMixin:
    """Claims what is due, as one or more workers would."""

    database: engine.Database

    def prepare(self):
        migration.sync(self.database)

    def add(self, project, *, kind=KIND, host=None, resource=None,
            topic='volume'):
        with self.database.write() as tx:
            return operations.start(
                tx, context.for_service(), kind,
                resource or uuidutils.generate_uuid(), topic=topic,
                host=host, project_id=project)

    def look(self, *hosts, kinds=None, limit=50):
        with self.database.read() as tx:
            return db.due(tx, 'volume', hosts, limit, kinds)

    def claim(self, id_, *hosts, owner='one'):
        with self.database.write() as tx:
            return db.claim(tx, id_, 'volume', hosts, owner, 60.0)

    def finish(self, id_, owner='one'):
        with self.database.write() as tx:
            self.assertTrue(db.finish(tx, id_, owner, db.DONE, {}))

    def project(self, id_):
        with self.database.read() as tx:
            return db.get(tx, id_).project_id

    def turns(self, number, *owners):
        """Let workers take and end operations in turn; tell whose."""
        order = ''
        for turn in range(number):
            owner = (owners or ('one',))[turn % max(1, len(owners))]
            id_ = self.look()[0].id
            self.assertTrue(self.claim(id_, owner=owner))
            self.finish(id_, owner)
            order += self.project(id_)
        return order

    def test_one_is_next_after_many(self):
        self.prepare()
        for _ in range(50):
            self.add('a')
        # One place, and it is taken by the first of them.
        running = self.look()[0].id
        self.claim(running)
        lonely = self.add('b')
        self.finish(running)
        self.assertEqual(lonely, self.look()[0].id)

    def test_round_robin(self):
        self.prepare()
        for project in 'aaaaabbbbbccc':
            self.add(project)
        self.assertEqual('abcabcabcabab', self.turns(13))
        self.assertEqual([], self.look())

    def test_round_robin_of_several_workers(self):
        self.prepare()
        for project in 'aaaabbbb':
            self.add(project)
        self.assertEqual('abababab', self.turns(8, 'one', 'two', 'three'))

    def test_kinds_have_turns_of_their_own(self):
        self.prepare()
        for project in 'aab':
            self.add(project)
        self.add('a', kind='volume.delete')
        self.turns(1)
        due = self.look()
        self.assertEqual({(KIND, 'a'), (KIND, 'b'), ('volume.delete', 'a')},
                         {(one.kind, self.project(one.id)) for one in due})
        self.assertEqual(['volume.delete'], [
            one.kind for one in self.look(kinds=('volume.delete',))])

    def test_order_of_a_resource_stays(self):
        self.prepare()
        first = self.add('a', resource='r')
        second = self.add('b', resource='r')
        self.assertEqual([first], [one.id for one in self.look()])
        self.claim(first)
        self.assertEqual([], self.look())
        self.finish(first)
        self.assertEqual([second], [one.id for one in self.look()])

    def test_what_was_left_comes_first(self):
        self.prepare()
        self.add('a')
        left = self.add('a')
        self.claim(left)
        with self.database.write() as tx:
            db.release(tx, left, 'one')
        due, = self.look()
        self.assertEqual((left, KIND, True), due)

    def test_hosts(self):
        self.prepare()
        self.add('a', host='elsewhere')
        self.add('a', topic='backup')
        here = self.add('a', host='here')
        anywhere = self.add('b')
        self.assertEqual([here, anywhere], [
            one.id for one in self.look('here')])
        self.assertEqual([(anywhere, KIND, False)], self.look())
        self.assertEqual([here], [one.id for one in self.look(
            'here', limit=1)])

    def test_tells_whether_there_is_more(self):
        self.prepare()
        first = self.add('a')
        self.assertFalse(self.look()[0].more)
        self.add('a')
        self.assertTrue(self.look()[0].more)
        self.claim(first)
        self.assertFalse(self.look()[0].more)


class SqliteTurnsTest(TurnsMixin, base.BaseTestCase):
    """The embedded database."""

    def setUp(self):
        super().setUp()
        self.database = engine.Database('sqlite://')
        self.addCleanup(self.database.dispose)
