"""Ringing: a cast that may be lost and never holds anybody up.

A doorbell tells a service that an operation is due.  The service looks for
due operations by itself as well, so a lost doorbell costs a few seconds and
nothing else.  Hence a doorbell never fails a request and never waits for a
broker: messages to a broker go through an outbox; messages within the process
are delivered on the spot.
"""

from oslo_log import log as logging

from blockstore import metrics
from blockstore.rpc import outbox

LOG = logging.getLogger(__name__)


class Doorbell:
    """Rings for one transport.

    :param inline: deliver in the caller's thread (nothing can block).
    :param limit: how many doorbells may wait for the broker.
    """

    def __init__(self, *, inline: bool, limit: int) -> None:
        self._outbox = outbox.Outbox('doorbell', limit, _dropped)
        self._ring = self._outbox.send_now if inline else self._outbox.put

    def ring(self, name: str, cast: outbox.Send) -> None:
        """Send a cast, now or soon, or drop it with a warning.

        :param name: what the cast is about, for the log.
        :param cast: sends the message; whatever it raises is logged.
        """
        self._ring(name, cast)


def _dropped(name: str, error: Exception | None) -> None:
    if error is None:
        metrics.DOORBELLS_DROPPED.labels('full').inc()
        LOG.warning('Dropped the doorbell %s: the broker is too slow. The '
                    'service will find the operation by itself.', name)
        return
    metrics.DOORBELLS_DROPPED.labels('failed').inc()
    # While a broker is away this comes often, so the traceback is for those
    # who debug.
    LOG.warning('The doorbell %s was not delivered: %s. The service will '
                'find the operation by itself.', name, error,
                exc_info=(error if LOG.isEnabledFor(logging.DEBUG) else None))
