"""Which crossings the crash harness strikes, and how they are called."""

import testtools

from blockstore.tests.crash import crossings
from blockstore.tests.crash.crossings import Crossing


def chunk(when, turn):
    return Crossing('store-chunk', 'store', 'put', when, turn)


def commit(when, turn, role='volume-operation'):
    return Crossing(role, 'commit', 'transaction', when, turn)


class CrossingTest(testtools.TestCase):

    def test_name(self):
        one = Crossing('backup-operation', 'driver', 'qsd.book', 'before', 3)
        self.assertEqual('backup-operation driver.qsd.book before 3',
                         str(one))
        self.assertEqual(one, Crossing.parse(str(one)))

    def test_roles(self):
        for name, role in (('volume-operation_3', 'volume-operation'),
                           ('waitress-0', 'waitress'),
                           ('ThreadPoolExecutor-4_0', 'ThreadPoolExecutor'),
                           ('Thread-12 (run)', 'Thread'),
                           ('MainThread', 'MainThread')):
            self.assertEqual(role, crossings.role_of(name))

    def test_before_an_effect_is_after_the_one_before(self):
        recorded = [commit('before', 1), commit('after', 1),
                    commit('before', 2), commit('after', 2)]
        self.assertEqual([recorded[0], recorded[1], recorded[3]],
                         crossings.worth_striking(recorded))

    def test_only_of_the_same_thread(self):
        recorded = [commit('after', 1), commit('before', 1, 'waitress')]
        self.assertEqual(recorded, crossings.worth_striking(recorded))

    def test_of_many_chunks_the_ends_and_the_middle(self):
        recorded = [chunk('after', turn) for turn in range(1, 8)]
        self.assertEqual([chunk('after', turn) for turn in (1, 4, 7)],
                         crossings.worth_striking(recorded))

    def test_of_a_process_among_others(self):
        one = commit('after', 3)
        other = one.of('volume')
        self.assertEqual('volume/volume-operation commit.transaction after 3',
                         str(other))
        self.assertEqual(('volume', one), (other.process, other.inside))
        self.assertEqual(other, Crossing.parse(str(other)))

    def test_a_few(self):
        recorded = [
            *(commit('after', turn, 'volume/volume-operation')
              for turn in range(1, 6)),
            commit('after', 1, 'scheduler/scheduler-operation'),
            *(commit('after', turn, 'api/Dummy') for turn in range(1, 4))]
        self.assertEqual([recorded[2], recorded[4], recorded[5],
                          recorded[7]], crossings.few(recorded))

    def test_every_commit_counts(self):
        recorded = [commit('after', turn) for turn in range(1, 8)]
        self.assertEqual(recorded, crossings.worth_striking(recorded))
