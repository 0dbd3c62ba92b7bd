"""The entry points: one module for each process.

Importing this package keeps eventlet out of the process, even where it is
installed: some libraries would import it just because it is there.  It also
has the garbage collector look less often: as Python sets it, it would take
a sixth of a daemon's start, in which nothing is thrown away.
"""

import gc
import sys

sys.modules['eventlet'] = None  # type: ignore[assignment]
gc.set_threshold(20_000, 20, 20)
