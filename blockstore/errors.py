"""Stable error codes: what a user, a script or a runbook may rely on.

A code names one reason for a refusal or a failure.  Do not change a string
that was ever released; add a new one.  The HTTP status that goes with a
refusal is decided in :mod:`blockstore.api.faults` alone.
"""

REQUEST_INVALID = 'blockstore.request.invalid'
REQUEST_UNAUTHORIZED = 'blockstore.request.unauthorized'
REQUEST_FORBIDDEN = 'blockstore.request.forbidden'
REQUEST_WRONG_SCOPE = 'blockstore.request.wrong_scope'
AUTH_UNAVAILABLE = 'blockstore.auth.unavailable'
NOT_FOUND = 'blockstore.resource.not_found'
BELONGS_TO_BACKUP = 'blockstore.resource.belongs_to_backup'
STATE_CHANGED = 'blockstore.resource.state_changed'

VOLUME_BAD_STATUS = 'blockstore.volume.bad_status'
VOLUME_ATTACHED = 'blockstore.volume.attached'
VOLUME_BACKING_UP = 'blockstore.volume.backing_up'
VOLUME_BUSY = 'blockstore.volume.busy'
VOLUME_HAS_SNAPSHOTS = 'blockstore.volume.has_snapshots'
VOLUME_TOO_SMALL = 'blockstore.volume.too_small'
VOLUME_NOT_PLACED = 'blockstore.volume.not_placed'
VOLUME_READ_ONLY = 'blockstore.volume.read_only'

SNAPSHOT_BAD_STATUS = 'blockstore.snapshot.bad_status'
SNAPSHOT_BUSY = 'blockstore.snapshot.busy'
SNAPSHOT_HAS_DEPENDENTS = 'blockstore.snapshot.has_dependents'
SNAPSHOT_NOT_LATEST = 'blockstore.snapshot.not_latest'

BACKUP_BAD_STATUS = 'blockstore.backup.bad_status'
BACKUP_NEEDS_FORCE = 'blockstore.backup.needs_force'
BACKUP_NO_PARENT = 'blockstore.backup.no_parent'
BACKUP_BUILT_ON = 'blockstore.backup.built_on'
BACKUP_NO_SERVICE = 'blockstore.backup.no_service'
BACKUP_DAMAGED = 'blockstore.backup.damaged'
BACKUP_CANCELLED = 'blockstore.backup.cancelled'

MANAGE_INVALID_REFERENCE = 'blockstore.manage.invalid_reference'
MANAGE_ALREADY_MANAGED = 'blockstore.manage.already_managed'

ATTACHMENT_BAD_STATUS = 'blockstore.attachment.bad_status'
CONNECTION_NOT_FETCHED = 'blockstore.connection.not_fetched'
ATTACHMENT_OF_SERVER = 'blockstore.attachment.of_server'
TYPE_IN_USE = 'blockstore.type.in_use'
TYPE_DEFAULT_MISSING = 'blockstore.type.default_missing'
ALREADY_EXISTS = 'blockstore.resource.exists'
QUOTA_EXCEEDED = 'blockstore.quota.exceeded'

CAPABILITY_MISSING = 'blockstore.driver.capability_missing'
DRIVER_FAILED = 'blockstore.driver.failed'
DRIVER_FULL = 'blockstore.driver.full'
DRIVER_NOT_READY = 'blockstore.driver.not_ready'
STORE_FAILED = 'blockstore.store.failed'
STORE_FULL = 'blockstore.store.full'
NO_VALID_BACKEND = 'blockstore.scheduler.no_valid_backend'
OPERATION_TIMED_OUT = 'blockstore.operation.timed_out'
OPERATION_ATTEMPTS = 'blockstore.operation.too_many_attempts'
OPERATION_CANCELLED = 'blockstore.operation.cancelled'
PROJECT_BUSY = 'blockstore.operation.project_busy'
SERVICE_BUSY = 'blockstore.operation.service_busy'
LEASE_LOST = 'blockstore.operation.lease_lost'
RPC_VERSION = 'blockstore.rpc.version'
OPERATION_TAKEN = 'blockstore.operation.id_taken'
DATABASE_BUSY = 'blockstore.database.busy'
DATABASE_OUTDATED = 'blockstore.database.outdated'
DATABASE_TOO_NEW = 'blockstore.database.too_new'
INTERNAL = 'blockstore.internal'
