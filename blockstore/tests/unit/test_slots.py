"""Places of a kind, of a service and of a daemon."""

import threading

from oslotest import base

from blockstore.lifecycle import slots


class SlotsTest(base.BaseTestCase):
    """Two services in one daemon, with two kinds each."""

    def setUp(self):
        super().setUp()
        self.limits = {'kind': 3, 'service': None, 'daemon': 100}
        self.daemon = slots.Shared(lambda: self.limits['daemon'])
        self.lanes = []
        for _ in range(2):
            service = slots.Shared(lambda: self.limits['service'])
            self.lanes.append([
                slots.Lane(lambda: self.limits['kind'],
                           [service, self.daemon]) for _ in range(2)])

    def fill(self, lane):
        """Enter a lane as often as it goes; tell how often."""
        number = 0
        while lane.enter():
            number += 1
        return number

    def test_of_a_kind(self):
        lane = self.lanes[0][0]
        self.assertEqual(3, self.fill(lane))
        self.assertFalse(lane.room())
        lane.leave()
        self.assertEqual(1, self.fill(lane))

    def test_of_a_service(self):
        self.limits['service'] = 4
        self.assertEqual([3, 1], [self.fill(lane) for lane in self.lanes[0]])
        self.assertEqual(3, self.fill(self.lanes[1][0]))

    def test_of_a_daemon(self):
        self.limits['daemon'] = 5
        self.assertEqual([3, 2, 1, 1], [
            self.fill(lane) for service in self.lanes for lane in service])

    def test_each_kind_has_a_place_of_its_own(self):
        self.limits.update(daemon=1, service=1)
        self.assertEqual([1, 1, 1, 1], [
            self.fill(lane) for service in self.lanes for lane in service])
        self.assertEqual(4, self.daemon.running)

    def test_limits_change_while_it_runs(self):
        lane = self.lanes[0][0]
        self.fill(lane)
        self.limits['kind'] = 5
        self.assertEqual(2, self.fill(lane))
        self.limits['kind'] = 1
        for _ in range(4):
            lane.leave()
        self.assertFalse(lane.room())
        lane.leave()
        self.assertEqual(1, self.fill(lane))


class AsideTest(SlotsTest):
    """Who waits for others lets others work meanwhile."""

    def stay(self) -> None:
        """Say that waiting may go on."""

    def test_the_place_is_another_ones_meanwhile(self):
        lane = self.lanes[0][0]
        self.fill(lane)
        with lane.aside(self.stay):
            self.assertEqual(1, self.fill(lane))
            lane.leave()
        self.assertEqual((3, 0), (lane.running, self.fill(lane)))

    def test_who_comes_back_goes_first(self):
        lane = self.lanes[0][0]
        self.fill(lane)
        back, gate = threading.Event(), threading.Event()

        def work():
            with lane.aside(self.stay):
                gate.wait(60)
            back.set()

        thread = threading.Thread(target=work)
        thread.start()
        while not lane.enter():
            pass
        gate.set()
        while not lane._returning:
            pass
        # There is none, and whoever has not begun gets none before it.
        self.assertFalse(back.is_set() or lane.room() or lane.enter())
        lane.leave()
        thread.join(60)
        self.assertTrue(back.is_set())
        self.assertEqual(3, lane.running)

    def test_no_more_stand_aside_than_may_run(self):
        lane = self.lanes[0][0]
        self.limits['kind'] = 1
        self.fill(lane)
        with lane.aside(self.stay):
            self.assertEqual(1, self.fill(lane))
            with lane.aside(self.stay):
                self.assertEqual((1, 0), (lane.running, self.fill(lane)))
            lane.leave()
        self.assertEqual(1, lane.running)

    def test_who_must_stop_does_not_wait_for_a_place(self):
        lane = self.lanes[0][0]
        self.fill(lane)

        def stop():
            raise ValueError

        def work():
            with lane.aside(stop):
                self.fill(lane)

        self.assertRaises(ValueError, work)
        self.assertEqual(4, lane.running)
