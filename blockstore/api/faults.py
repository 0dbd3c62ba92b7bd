"""From an exception to the answer: the one place that knows HTTP statuses.

The services raise families (:mod:`blockstore.exceptions`); :func:`describe`
turns any exception into a :class:`Fault`, whose body is
``{faultName: {code, message, error_code, blockers, remedy}}``.  What nobody
raised on purpose becomes a 500 that tells nothing of the inside, and
:func:`respond` logs it.
"""

from collections.abc import Mapping
from collections.abc import Sequence
import dataclasses
from typing import Any

from oslo_log import log as logging

from blockstore import errors
from blockstore import exceptions
from blockstore.api import response
from blockstore.db import failures

LOG = logging.getLogger(__name__)

NAMES = {400: 'badRequest', 401: 'unauthorized', 403: 'forbidden',
         404: 'itemNotFound', 405: 'badMethod', 409: 'conflictingRequest',
         413: 'overLimit', 415: 'badMediaType', 429: 'overLimit',
         501: 'notImplemented', 503: 'serviceUnavailable'}
OTHER_NAME = 'computeFault'


class HTTPError(exceptions.BlockstoreError):
    """Raised by the API layer itself; parent of those below."""

    status = 500


class BadRequest(HTTPError):
    """Raised when a request breaks the rules of the API."""

    status = 400
    default_code = errors.REQUEST_INVALID


class Unauthorized(HTTPError):
    """Raised when a request does not say who asks.

    :param challenge: how it could, for the header ``WWW-Authenticate``.
    """

    status = 401
    default_code = errors.REQUEST_UNAUTHORIZED

    def __init__(self, message: str, *, challenge: str = '',
                 remedy: str = '') -> None:
        super().__init__(message, remedy=remedy)
        self.challenge = challenge


class NoSuchPage(HTTPError):
    """Raised when a URL, or an action, means nothing at this version."""

    status = 404
    default_code = errors.NOT_FOUND


class NotAcceptable(HTTPError):
    """Raised when a microversion is outside of what is served."""

    status = 406
    default_code = errors.REQUEST_INVALID


class PreconditionFailed(HTTPError):
    """Raised when an entity tag does not match any more."""

    status = 412
    default_code = errors.STATE_CHANGED


class TooLarge(HTTPError):
    """Raised when a body is longer than the service reads."""

    status = 413
    default_code = errors.REQUEST_INVALID


class BadMediaType(HTTPError):
    """Raised when a body is not JSON."""

    status = 415
    default_code = errors.REQUEST_INVALID


# The first family that fits decides, so children stand before parents.
FAMILIES: tuple[tuple[type[exceptions.BlockstoreError], int], ...] = (
    (exceptions.Invalid, 400),
    (exceptions.NotFound, 404),
    (exceptions.Forbidden, 403),
    (exceptions.Conflict, 409),
    (exceptions.QuotaExceeded, 413),
    (exceptions.ProjectBusy, 429),
    (exceptions.ServiceBusy, 503),
    (exceptions.Unavailable, 503),
    (exceptions.NoValidBackend, 503),
    (exceptions.ManageExistingInvalidReference, 400),
    (exceptions.ManageExistingAlreadyManaged, 400),
    (exceptions.VolumeIsBusy, 409),
    (exceptions.SnapshotIsBusy, 409),
)
# When those may ask again who are refused for what is busy or away now.
_AGAIN_SECONDS = '10'
INTERNAL_MESSAGE = 'The service has failed. Tell the operator the request id.'


@dataclasses.dataclass(frozen=True)
class Fault:
    """An answer that says what went wrong."""

    status: int
    message: str
    error_code: str
    blockers: Sequence[str] = ()
    remedy: str = ''
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        fault: dict[str, Any] = {
            'code': self.status, 'message': self.message,
            'error_code': self.error_code,
            'blockers': list(self.blockers), 'remedy': self.remedy}
        if 'Retry-After' in self.headers:
            fault['retryAfter'] = self.headers['Retry-After']
        return {NAMES.get(self.status, OTHER_NAME): fault}


def describe(error: Exception) -> Fault:
    """Return the answer for an exception; a surprise is a bare 500."""
    if failures.is_passing(error):
        # It was repeated already, where that was safe.
        return Fault(503, 'The database could not do this now.',
                     errors.DATABASE_BUSY, remedy='Repeat the request.',
                     headers={'Retry-After': '1'})
    if not isinstance(error, exceptions.BlockstoreError):
        return Fault(500, INTERNAL_MESSAGE, errors.INTERNAL)
    status = _status(error)
    if status == 500 and error.code == errors.INTERNAL:
        return Fault(500, INTERNAL_MESSAGE, errors.INTERNAL)
    headers = {}
    if isinstance(error, exceptions.QuotaExceeded):
        headers['Retry-After'] = '0'
    elif isinstance(error, exceptions.ProjectBusy | exceptions.ServiceBusy
                    | exceptions.Unavailable):
        headers['Retry-After'] = _AGAIN_SECONDS
    if isinstance(error, Unauthorized) and error.challenge:
        headers['WWW-Authenticate'] = error.challenge
    return Fault(status, error.message, error.code, error.blockers,
                 error.remedy, headers)


def respond(error: Exception) -> response.Response:
    """Return the answer for an exception, ready to be sent; log it."""
    fault = describe(error)
    if is_surprise(error):
        LOG.error('A request has failed', exc_info=error)
    else:
        LOG.debug('Refused with %s %s: %s', fault.status, fault.error_code,
                  fault.message)
    return response.Response(fault.status, fault.body(),
                             list(fault.headers.items()))


def is_surprise(error: Exception) -> bool:
    """Tell whether the service, not the caller, is to blame."""
    return (not isinstance(error, exceptions.BlockstoreError)
            or _status(error) == 500)


def _status(error: exceptions.BlockstoreError) -> int:
    if isinstance(error, HTTPError):
        return error.status
    for family, status in FAMILIES:
        if isinstance(error, family):
            return status
    return 500
