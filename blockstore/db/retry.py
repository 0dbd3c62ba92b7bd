"""Do it once more when the database has undone it.

Two transactions that wait for each other, two nodes of a Galera cluster that
changed the same row, a connection that was cut: the server rolls one side
back, and who was rolled back may simply begin again.  That is safe only for
the whole of what was done since, and only while none of it has been
committed; :func:`whole` sees to both.

>>> @retry.whole
... def take(self, id_):
...     with self.database.write() as tx:
...         …
"""

from collections.abc import Callable
import functools
import random
import time
import typing

from oslo_log import log as logging

from blockstore.db import engine
from blockstore.db import failures

LOG = logging.getLogger(__name__)

_P = typing.ParamSpec('_P')
_R = typing.TypeVar('_R')

# Longest pauses before the next try, in seconds: two seconds in all.
_PAUSES = (0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.3, 0.6, 0.9)


def whole(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Make a function begin again when the database has undone it.

    It begins again as long as this thread has committed nothing since its
    beginning: not after a commit whose outcome is unknown, and not within a
    transaction of its caller.  Of several that are nested the outermost one
    that still can begins again.
    """
    @functools.wraps(function)
    def again(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        here = engine.here
        begun = here.commits
        if here.writing or here.begun == begun:
            return function(*args, **kwargs)
        outer, here.begun = here.begun, begun
        try:
            for longest in _PAUSES:
                try:
                    return function(*args, **kwargs)
                except failures.ERRORS as error:
                    if here.commits != begun or (
                            not failures.is_repeatable(error)):
                        raise
                    LOG.info('%s begins again: %s',
                             getattr(function, '__qualname__', function),
                             error)
                _pause(longest)
            return function(*args, **kwargs)
        finally:
            here.begun = outer
    return again


def _pause(longest: float) -> None:
    """Wait, but not as long as the other one does."""
    time.sleep(random.uniform(longest / 2, longest))  # noqa: S311 # nosec
