"""Let the clock of a process jump: Python loads this when it starts.

``BLOCKSTORE_CLOCK`` names a file that holds how many seconds the clock is
wrong.  It is read at each look at the clock.  The monotonic clock goes on, as
it does in a kernel whose clock is set.
"""

import os
import pathlib
import time

from oslo_utils import timeutils

_FILE = pathlib.Path(os.environ['BLOCKSTORE_CLOCK'])
_true_time = time.time
_true_utcnow = timeutils.utcnow


def _wrong() -> float:
    return float(_FILE.read_text(encoding='ascii') or 0)


def _time() -> float:
    return _true_time() + _wrong()


def _time_ns() -> int:
    return int(_time() * 1e9)


def _utcnow(with_timezone=False):
    import datetime
    return _true_utcnow(with_timezone) + datetime.timedelta(seconds=_wrong())


time.time = _time
time.time_ns = _time_ns
timeutils.utcnow = _utcnow
