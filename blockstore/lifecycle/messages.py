"""User messages: what a project is told of a failure after the 202.

What was done and what went wrong are data: a code that never changes (it is
part of the event id) and words for people.  Codes up to 099 are those that
clients of the block storage API know; ours begin at 101.

>>> messages.add(tx, context, backup.project_id, Action.BACKUP_CREATE,
...              Detail.BACKUP_SERVICE_DOWN, 'backup', backup.id)
"""

from collections.abc import Sequence
import datetime
import enum

from oslo_utils import timeutils
from oslo_utils import uuidutils

from blockstore.context import RequestContext
from blockstore.db import messages as db
from blockstore.db.engine import Transaction

KEPT_DAYS = 30
_MAX_TEXT = 1024


class _Entry(enum.Enum):
    """A code and its words."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        self.text = text


class Action(_Entry):
    """What was to be done."""

    VOLUME_SCHEDULE = '001', 'Finding a place for the volume'
    VOLUME_ATTACH = '002', 'Attaching the volume'
    ATTACHMENT_UPDATE = '004', 'Updating the attachment'
    VOLUME_EXTEND = '007', 'Extending the volume'
    VOLUME_CREATE = '008', 'Creating the volume'
    SNAPSHOT_CREATE = '009', 'Creating the snapshot'
    SNAPSHOT_DELETE = '010', 'Deleting the snapshot'
    BACKUP_CREATE = '013', 'Creating the backup'
    BACKUP_DELETE = '014', 'Deleting the backup'
    BACKUP_RESTORE = '015', 'Restoring the backup'
    VOLUME_DELETE = '101', 'Deleting the volume'
    VOLUME_REVERT = '102', 'Reverting the volume to a snapshot'
    VOLUME_MANAGE = '103', 'Managing the volume'
    VOLUME_UNMANAGE = '104', 'Unmanaging the volume'
    SNAPSHOT_MANAGE = '105', 'Managing the snapshot'
    SNAPSHOT_UNMANAGE = '106', 'Unmanaging the snapshot'


class Detail(_Entry):
    """What went wrong, and what to do about it."""

    UNKNOWN = ('001', 'something unexpected went wrong. Tell the operator '
               'the request id of this message.')
    DRIVER_NOT_READY = ('002', 'the back end is not ready. Try again later.')
    NO_BACKEND = ('003', 'no back end has the room and the abilities that '
                  'were asked for. Ask for less, for another volume type or '
                  'another availability zone.')
    QUOTA = ('006', 'it would go over the quota of the project. Delete what '
             'is no longer needed, or ask for a higher quota.')
    VOLUME_EXTEND_ERROR = ('010', 'the back end could not extend it. Its '
                           'bytes are safe; ask the operator.')
    VOLUME_CREATE_ERROR = ('012', 'the back end could not create it. Delete '
                           'the volume and try again.')
    SNAPSHOT_CREATE_ERROR = ('013', 'the back end could not create it. '
                             'Delete the snapshot and try again.')
    SNAPSHOT_BUSY = ('015', 'the back end still needs it. Delete first what '
                     'was made from it.')
    SNAPSHOT_DELETE_ERROR = ('016', 'the back end could not delete it. Ask '
                             'the operator.')
    BACKUP_INVALID_STATE = ('017', 'its status or that of the volume had '
                            'changed before it began. Try again.')
    BACKUP_SERVICE_DOWN = ('018', 'no backup service is running. Try again '
                           'later.')
    BACKUP_DEVICE_ERROR = ('019', 'the bytes of the volume could not be '
                           'reached. Try again later.')
    BACKUP_DRIVER_ERROR = ('020', 'the backup store failed. Delete the '
                           'backup and try again.')
    ATTACH_ERROR = ('021', 'the volume could not be attached. Try again '
                    'later.')
    DETACH_ERROR = ('022', 'the volume could not be detached. Ask the '
                    'operator.')
    BACKUP_CLEANUP_ERROR = ('023', 'temporary objects of the backup could '
                            'not be removed. Ask the operator.')
    BACKUP_SCHEDULE_ERROR = ('024', 'no backup service may do it. Ask for '
                             'another availability zone.')
    BACKUP_DELETE_ERROR = ('025', 'the backup store could not delete it. '
                           'Try again later.')
    BACKUP_RESTORE_ERROR = ('026', 'the bytes could not be restored. The '
                            'volume holds a part of them only; restore again '
                            'or delete it.')
    VOLUME_DELETE_ERROR = ('101', 'the back end could not delete it. Ask '
                           'the operator.')
    VOLUME_BUSY = ('102', 'the back end still needs it. Delete first what '
                   'depends on it.')
    VOLUME_REVERT_ERROR = ('103', 'the back end could not revert it. Ask the '
                           'operator.')
    TIMED_OUT = ('104', 'it took too long. Try again later.')
    CANCELLED = ('105', 'it was cancelled.')
    MANAGE_INVALID_REFERENCE = (
        '106', 'the reference names nothing on the back end that can be '
        'taken over so. Nothing was changed. List what can be managed, and '
        'delete this entry.')
    MANAGE_ALREADY_MANAGED = (
        '107', 'something else has the object already. Nothing was changed. '
        'Unmanage it there first, or use that one; delete this entry.')
    MANAGE_ERROR = ('108', 'the back end could not take it over. Its bytes '
                    'are safe; delete this entry and try again.')
    UNMANAGE_ERROR = ('109', 'the back end could not let it go. Its bytes '
                      'are safe; ask the operator.')
    CAPABILITY = ('110', 'the back end cannot do that at all.')


RESOURCE_TYPES = {'volume': 'VOLUME', 'snapshot': 'VOLUME_SNAPSHOT',
                  'backup': 'VOLUME_BACKUP'}


def add(tx: Transaction, context: RequestContext, project_id: str,
        action: Action, detail: Detail, resource_type: str,
        resource_uuid: str, level: str = 'ERROR',
        blockers: Sequence[str] = ()) -> str:
    """Tell a project what went wrong; return the message's id.

    :param resource_type: ``volume``, ``snapshot`` or ``backup``.
    :param blockers: what is in the way, by name.
    """
    blocked = (' In the way: ' + ', '.join(blockers) + '.' if blockers
               else '')
    id_ = uuidutils.generate_uuid()
    kind = RESOURCE_TYPES[resource_type]
    now = timeutils.utcnow()
    db.insert(
        tx, id=id_, project_id=project_id, request_id=context.request_id,
        resource_type=kind, resource_uuid=resource_uuid,
        event_id=event_id(kind, action, detail), message_level=level,
        user_message=(f'{action.text} failed: {detail.text}'
                      f'{blocked}')[:_MAX_TEXT],
        created_at=now, expires_at=now + datetime.timedelta(days=KEPT_DAYS))
    return id_


def event_id(kind: str, action: Action, detail: Detail) -> str:
    """Return the stable name of an event: ``VOLUME_<KIND>_<nnn>_<nnn>``."""
    return f'VOLUME_{kind}_{action.code}_{detail.code}'
