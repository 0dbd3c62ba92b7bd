"""Tests, by intent; each folder says what it is for.

As in the daemons, eventlet is not to be found: a library that would try to
import it goes on without.
"""

import sys
import typing

sys.modules.setdefault('eventlet', typing.cast(typing.Any, None))
