"""The entry points: one module for each process.

Importing this package keeps eventlet out of the process, even where it is
installed: some libraries would import it just because it is there.
"""

import sys

sys.modules['eventlet'] = None  # type: ignore[assignment]
