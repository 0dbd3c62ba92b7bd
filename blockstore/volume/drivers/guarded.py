"""What the manager puts around every driver.

* Each call crosses the crash boundaries ``driver`` before and after.
* Nothing but :mod:`blockstore.exceptions` and the database's errors come
  out: whatever else a driver or a library below it raises becomes a
  DriverError that names the call, and its traceback is in the log.

Answers that are iterated over are guarded until their end.
"""

from collections.abc import Callable
from collections.abc import Iterator
import contextlib
import time
import typing

from oslo_db import exception as db_exception
from oslo_log import log as logging

from blockstore import exceptions
from blockstore.lifecycle import boundaries
from blockstore.volume.drivers import wrapper

LOG = logging.getLogger(__name__)


class GuardedDriver(wrapper.Wrapper):
    """A driver whose calls are boundaries and whose errors are ours."""

    def _call(self, name: str, effect: Callable[[], typing.Any],
              ) -> typing.Any:
        began = time.monotonic()
        LOG.debug('%s: %s begins', self.host, name)
        with self._guarding(name), boundaries.around('driver', name):
            answer = effect()
        LOG.debug('%s: %s took %.1f ms', self.host, name,
                  (time.monotonic() - began) * 1000)
        if isinstance(answer, Iterator):
            return self._iterate(name, answer)
        return answer

    def _iterate(self, name: str, answer: Iterator[typing.Any],
                 ) -> Iterator[typing.Any]:
        with self._guarding(name):
            yield from answer

    @contextlib.contextmanager
    def _guarding(self, name: str) -> Iterator[None]:
        try:
            yield
        except (exceptions.BlockstoreError, db_exception.DBError):
            # A driver keeps its facts in the database: when that is away,
            # the operation is taken up again and has not failed.
            raise
        except Exception as error:
            # The boundary to code that others wrote: a driver's library may
            # raise anything, and the caller can only handle our families.
            LOG.exception('%s: %s raised what it should not', self.host,
                          name)
            raise exceptions.DriverError(
                f'{name} on {self.host} failed: {type(error).__name__}: '
                f'{error}', remedy='see the log of the volume service',
                ) from error
