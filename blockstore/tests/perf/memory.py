"""The memory of a backup and a restore does not grow with the volume.

Each is run in a process of its own, whose peak the kernel notes.  That the
whole service stays within its bounds is measured by ``tools/bench``.
"""

import resource
import subprocess
import sys

import fixtures
from oslotest import base

from blockstore.tests.perf import data
from blockstore.tests.perf import store

GIB = 1024
MOST_MIB = 256
DATA_MIB = 96
#: Chunk buffers come and go; a map of a hundred times the size would not fit.
SPREAD_MIB = 24


def child(directory: str, gib: int) -> None:
    """Back a sparse volume up and restore it; print the peak in MiB."""
    store.round_trip(directory, gib * GIB * data.MIB, DATA_MIB)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(peak // 1024)


class MemoryTest(base.BaseTestCase):

    def peak(self, gib):
        directory = self.useFixture(fixtures.TempDir()).path
        done = subprocess.run(
            [sys.executable, '-W', 'ignore', '-m', __name__, directory,
             str(gib)], capture_output=True, check=True, text=True)
        return int(done.stdout.split()[-1])

    def test_one_gib_and_a_hundred(self):
        small, large = self.peak(1), self.peak(100)
        self.assertLess(max(small, large), MOST_MIB)
        self.assertLess(large - small, SPREAD_MIB)


if __name__ == '__main__':
    child(sys.argv[1], int(sys.argv[2]))
