"""An outbox holds nobody up, and tells what it has lost."""

import threading
import time

from oslotest import base

from blockstore import metrics
from blockstore.conf import CONF
from blockstore.conf import register
from blockstore.notifications import publisher
from blockstore.rpc import outbox


class OutboxTest(base.BaseTestCase):

    def setUp(self) -> None:
        super().setUp()
        self.lost: list[tuple[str, Exception | None]] = []
        self.outbox = outbox.Outbox(
            'test', 2, lambda *what: self.lost.append(what))

    def deadline(self) -> float:
        return time.monotonic() + 30

    def test_in_order(self) -> None:
        sent: list[int] = []
        for number in range(2):
            self.outbox.put('x', lambda one=number: sent.append(one))
        self.assertEqual(0, self.outbox.drain(self.deadline()))
        self.assertEqual([0, 1], sent)

    def test_what_fails_is_lost_and_the_rest_goes_on(self) -> None:
        error, sent = OSError('the broker is away'), []

        def refuse() -> None:
            raise error

        self.outbox.put('bad', refuse)
        self.outbox.put('good', lambda: sent.append(1))
        self.assertEqual(0, self.outbox.drain(self.deadline()))
        self.assertEqual(([('bad', error)], [1]), (self.lost, sent))

    def test_a_broker_that_hangs_holds_nobody_up(self) -> None:
        gate, begun = threading.Event(), threading.Event()
        self.addCleanup(gate.set)

        def hang() -> None:
            begun.set()
            gate.wait()

        self.outbox.put('hangs', hang)
        self.assertTrue(begun.wait(30))
        for _ in range(4):
            self.outbox.put('more', gate.wait)
        self.assertEqual([('more', None)] * 2, self.lost)
        self.assertEqual(3, self.outbox.drain(time.monotonic()))


class LostNotificationTest(base.BaseTestCase):

    def failed(self, reason: str) -> float:
        return metrics.REGISTRY.get_sample_value(
            'blockstore_notifications_failed_total',
            {'reason': reason}) or 0.0

    def test_what_a_broker_refuses_is_counted(self) -> None:
        register(CONF)
        told = publisher.Publisher(CONF)
        before = self.failed('failed')

        def refuse() -> None:
            raise OSError('the broker is away')

        told._outbox.put('volume.create.end', refuse)
        told.stop(time.monotonic() + 30)
        self.assertEqual(before + 1, self.failed('failed'))
