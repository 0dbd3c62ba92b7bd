"""The places where a process may die, numbered.

Each commit, RPC, driver call and store call crosses a boundary before and
after its effect.  In production nobody listens and a crossing costs one
comparison.  The crash harness (``tests/crash``) subscribes, counts the
crossings of an operation and kills the process at each of them in turn.

>>> boundaries.cross('driver', 'create_snapshot', 'before')
"""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib

Listener = Callable[[str, str, str], None]

_listener: Listener | None = None


def listen(listener: Listener | None) -> None:
    """Subscribe the one listener of this process, or none.

    :param listener: called with the kind (``commit``, ``rpc``, ``driver`` or
        ``store``), the name of the effect, and ``before`` or ``after``.
    """
    global _listener
    _listener = listener


def cross(kind: str, name: str, when: str) -> None:
    """Tell the listener that this thread stands before or after an effect."""
    if _listener is not None:
        _listener(kind, name, when)


@contextlib.contextmanager
def around(kind: str, name: str) -> Iterator[None]:
    """Cross the boundaries before and after a successful effect."""
    cross(kind, name, 'before')
    yield
    cross(kind, name, 'after')
