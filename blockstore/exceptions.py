"""The inner error layer: few families, no HTTP.

Every exception carries a stable ``code`` (:mod:`blockstore.errors`), a
message that says what is wrong, what blocks (``blockers``: short strings such
as ``snapshot 1b2c…``) and what to do next (``remedy``).

>>> raise Conflict('volume v is attached', code=errors.VOLUME_ATTACHED,
...                blockers=['attachment a'], remedy='detach it first')
"""

from collections.abc import Sequence
import errno

from blockstore import errors


class BlockstoreError(Exception):
    """Raised when something the service does has failed; parent of all."""

    default_code = errors.INTERNAL

    def __init__(self, message: str, *, code: str | None = None,
                 blockers: Sequence[str] = (), remedy: str = '') -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.blockers = tuple(blockers)
        self.remedy = remedy


# What a caller did.

class Invalid(BlockstoreError):
    """Raised when a request cannot be understood or has a wrong value."""

    default_code = errors.REQUEST_INVALID


class InvalidStatus(Invalid):
    """Raised when a resource's status does not allow the request."""

    default_code = errors.STATE_CHANGED


class Conflict(BlockstoreError):
    """Raised when a request contradicts something else that exists."""

    default_code = errors.ALREADY_EXISTS


class NotFound(BlockstoreError):
    """Raised when there is no such resource for this caller."""

    default_code = errors.NOT_FOUND


class Forbidden(BlockstoreError):
    """Raised when the caller's roles do not allow the request."""

    default_code = errors.REQUEST_FORBIDDEN


class QuotaExceeded(BlockstoreError):
    """Raised when the request would go over the project's quota."""

    default_code = errors.QUOTA_EXCEEDED


class ProjectBusy(BlockstoreError):
    """Raised when too many operations of the caller's project are open."""

    default_code = errors.PROJECT_BUSY


class ServiceBusy(BlockstoreError):
    """Raised when too many operations of all projects are open."""

    default_code = errors.SERVICE_BUSY


class Unsupported(Invalid):
    """Raised when the back end's driver lacks the capability asked for."""

    default_code = errors.CAPABILITY_MISSING


class Unavailable(BlockstoreError):
    """Raised when no running service can do what was asked for."""

    default_code = errors.DRIVER_NOT_READY


# What a back end did (drivers raise these, names as in Cinder).

class DriverError(BlockstoreError):
    """Raised when a back end failed; parent of what drivers raise."""

    default_code = errors.DRIVER_FAILED


class VolumeBackendAPIException(DriverError):
    """Raised when a back end's own interface answered with a failure."""


class BackendFull(DriverError):
    """Raised when a back end has no room for what is written to it."""

    default_code = errors.DRIVER_FULL


class VolumeIsBusy(DriverError):
    """Raised when a back end refuses to delete a volume that is in use."""

    default_code = errors.VOLUME_BUSY


class SnapshotIsBusy(DriverError):
    """Raised when a back end refuses to delete a snapshot with dependents."""

    default_code = errors.SNAPSHOT_BUSY


class _Unmanageable(DriverError):
    """Parent of what can be wrong with a reference to an object.

    Made of a message, as all others are, or, as authors of drivers know it,
    of what the message says.
    """

    text = ''

    def __init__(self, message: str = '', *, code: str | None = None,
                 blockers: Sequence[str] = (), remedy: str = '',
                 **facts: object) -> None:
        super().__init__(message or self.text.format_map(facts), code=code,
                         blockers=blockers, remedy=remedy)


class ManageExistingInvalidReference(_Unmanageable):
    """Raised when a reference names nothing that can be taken over.

    Keywords: ``existing_ref`` and ``reason``.
    """

    default_code = errors.MANAGE_INVALID_REFERENCE
    text = 'the reference {existing_ref!r} cannot be taken over: {reason}'


class ManageExistingAlreadyManaged(_Unmanageable):
    """Raised when what shall be taken over is managed by another row.

    Keyword: ``volume_ref``, the id of that row or the object's name.
    """

    default_code = errors.MANAGE_ALREADY_MANAGED
    text = '{volume_ref} is managed already'


class InvalidConnector(Invalid):
    """Raised when a connector lacks what the back end needs to attach."""


class ConnectionFailed(DriverError):
    """Raised when the bytes behind a connection cannot be reached."""


# What a backup store did.

class StoreError(BlockstoreError):
    """Raised when a backup store failed; parent of the store's own."""

    default_code = errors.STORE_FAILED


class StoreFull(StoreError):
    """Raised when a backup store has no room for more."""

    default_code = errors.STORE_FULL


class StoreObjectMissing(StoreError):
    """Raised when an object that must be in the store is not there."""


class StoreObjectDamaged(StoreError):
    """Raised when an object's bytes are not those that were stored."""

    default_code = errors.BACKUP_DAMAGED


class StoreObjectExists(StoreError):
    """Raised when a write-once name is taken by other bytes."""


# What happened to an operation.

class LeaseLost(BlockstoreError):
    """Raised when another worker took the operation over: touch nothing."""

    default_code = errors.LEASE_LOST


class HandedOver(BlockstoreError):
    """Raised inside an operation whose worker stops: another goes on."""


class TryLater(BlockstoreError):
    """Raised inside an operation to be tried again when its lease is over."""


class Cancelled(BlockstoreError):
    """Raised inside an operation that was asked to stop."""

    default_code = errors.BACKUP_CANCELLED


class NoValidBackend(BlockstoreError):
    """Raised when no back end passes the scheduler's filters."""

    default_code = errors.NO_VALID_BACKEND


#: What a system call says when a disk, or a share of it, is full.
FULL = (errno.ENOSPC, errno.EDQUOT)


def no_room() -> BackendFull:
    """Make the error of a back end without room, in a user's words."""
    return BackendFull(
        'the back end has no room left',
        remedy='delete what is not needed, or have the operator give it more '
               'room; then repeat')


def family(error: BlockstoreError) -> type[BlockstoreError]:
    """Return the nearest class of this module, which every process knows."""
    return next(cls for cls in type(error).__mro__
                if cls.__module__ == __name__)
