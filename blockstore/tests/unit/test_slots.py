"""Places of a kind, of a service and of a daemon."""

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
