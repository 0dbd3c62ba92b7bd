"""A worker that lost an operation reaches nothing of it any more."""

from oslo_utils import uuidutils

from blockstore import context
from blockstore import exceptions
from blockstore.db import models
from blockstore.db import rows
from blockstore.rpc.clients import Clients
from blockstore.tests.functional import base
from blockstore.tests.functional import leases


class FencedTest(leases.LeaseTest):
    """One operation, a volume and a snapshot; and who is late."""

    def setUp(self):
        super().setUp()
        self.volume = self.make_volume()
        self.snapshot = self.make_snapshot(self.volume['id'])
        self.client = Clients(self.transport, base.CONF).volume
        self.operation_id = self.start(uuidutils.generate_uuid())
        self.late = self.claim(self.operation_id, 'late')

    def connector(self, claim, mode='ro'):
        return {'host': 'here', 'attachment_id': 'b', 'mode': mode,
                'purpose': 'backup',
                'operation': {'id': claim.id, 'owner': claim.owner}}

    def calls(self, claim):
        """Return all ways to open and to close, by one owner."""
        ctx, connector = context.for_service(), self.connector(claim)
        volume = (ctx, 'test@memory', self.volume['id'], connector)
        snapshot = (ctx, 'test@memory', self.snapshot['id'], connector)
        return [lambda: self.client.initialize_connection(*volume),
                lambda: self.client.initialize_connection_snapshot(*snapshot),
                lambda: self.client.terminate_connection(*volume),
                lambda: self.client.terminate_connection_snapshot(*snapshot)]

    def exports(self):
        return [one for one in self.driver.list_objects()
                if one.kind == 'export']

    def take_over(self):
        self.expire(self.operation_id)
        return self.claim(self.operation_id, 'successor')


class CallTest(FencedTest):
    """RPC calls that come after the operation was taken over."""

    def test_late_calls(self):
        successor = self.take_over()
        for call in self.calls(self.late):
            self.assertRaises(exceptions.LeaseLost, call)
        self.assertEqual([], self.exports())
        for call in self.calls(successor)[:2]:
            call()
        opened = self.exports()
        self.assertEqual(2, len(opened))
        # Nor does it close what its successor reads from.
        for call in self.calls(self.late)[2:]:
            self.assertRaises(exceptions.LeaseLost, call)
        self.assertEqual(opened, self.exports())
        for call in self.calls(successor)[2:]:
            call()
        self.assertEqual([], self.exports())

    def test_calls_for_what_is_over(self):
        successor = self.take_over()
        with self.database.write() as tx:
            successor.finish(tx)
        for call in (*self.calls(self.late), *self.calls(successor)):
            self.assertRaises(exceptions.LeaseLost, call)
        self.assertEqual([], self.exports())

    def test_it_ends_while_the_connection_is_opened(self):
        for name in ('initialize_connection',
                     'initialize_connection_snapshot'):
            with self.subTest(name):
                self.end_during(name)

    def end_during(self, name):
        driver = self.volume_manager.driver
        original = getattr(driver, name)
        claim = self.claim(self.start(uuidutils.generate_uuid()), 'slow')

        def slow(*args, **kwargs):
            info = original(*args, **kwargs)
            with self.database.write() as tx:
                claim.finish(tx)
            return info

        self.patch(driver, name, slow)
        number = 'snapshot' in name
        self.assertRaises(exceptions.LeaseLost, self.calls(claim)[number])
        self.assertEqual([], self.exports())


class WriteTest(FencedTest):
    """Transactions of the one that lost it."""

    def test_is_undone(self):
        self.take_over()

        def write():
            with self.late.write() as tx:
                rows.update(tx, models.Volume, self.volume['id'],
                            {'display_name': 'of the late one'})

        self.assertRaises(exceptions.LeaseLost, write)
        self.assertRaises(exceptions.LeaseLost, self.late.confirm)
        self.assertRaises(exceptions.LeaseLost, self.late.fence)
        self.assertNotEqual('of the late one',
                            self.show('volumes', self.volume['id'])['name'])

    def test_is_kept(self):
        with self.late.write() as tx:
            rows.update(tx, models.Volume, self.volume['id'],
                        {'display_name': 'of the owner'})
        self.late.confirm()
        self.assertEqual('of the owner',
                         self.show('volumes', self.volume['id'])['name'])
