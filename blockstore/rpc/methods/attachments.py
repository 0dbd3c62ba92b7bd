"""What a volume service may be asked about attachments."""

from blockstore import errors
from blockstore import validation
from blockstore.rpc.methods import base

_SINCE = '1.2'
_ID = base.required('attachment_id', validation.UUID, 'Which attachment.')
_ANSWER = '``AttachmentInfo``'
_CONNECTING = (errors.NOT_FOUND, errors.VOLUME_BAD_STATUS,
               errors.VOLUME_ATTACHED, errors.VOLUME_READ_ONLY,
               errors.ATTACHMENT_BAD_STATUS, errors.CONNECTION_NOT_FETCHED,
               errors.DRIVER_FAILED, errors.DRIVER_NOT_READY,
               errors.OPERATION_TIMED_OUT, errors.OPERATION_CANCELLED)

ATTACHMENTS = (
    base.Method(
        'create_attachment', 'Promise a volume of this back end to a client. '
        'Nothing is connected yet.',
        (base.required('volume_id', validation.UUID, 'Which volume.'),
         base.optional('instance_uuid', validation.UUID,
                       'The server that will use it.'),
         base.optional('mode', {'type': 'string', 'enum': ['rw', 'ro']},
                       'How; as the volume says otherwise.'),
         base.optional('attachment_id', validation.UUID,
                       'The id that it shall have, a new UUID: the same call '
                       'with the same id may come again.')),
        _ANSWER,
        (errors.NOT_FOUND, errors.BELONGS_TO_BACKUP,
         errors.VOLUME_BAD_STATUS, errors.VOLUME_ATTACHED,
         errors.VOLUME_BACKING_UP, errors.VOLUME_READ_ONLY,
         errors.VOLUME_NOT_PLACED, errors.CAPABILITY_MISSING,
         errors.OPERATION_TAKEN),
        _SINCE),
    base.Method(
        'update_attachment', 'Open the way in for the client, and answer when '
        'it is open. May come again.',
        (_ID, base.required(
            'connector', {'type': 'object', 'minProperties': 1},
            'Who will connect: ``host``, ``mode`` and what the back end '
            'needs, as os-brick tells it.')),
        _ANSWER + ' with ``connection_info``: ``driver_volume_type`` and '
        '``data``', _CONNECTING, _SINCE),
    base.Method(
        'complete_attachment', 'Say that the client is connected.', (_ID,),
        _ANSWER, (errors.NOT_FOUND, errors.ATTACHMENT_BAD_STATUS), _SINCE),
    base.Method(
        'delete_attachment', 'Close the way in, and forget the attachment. '
        'Answers when it is closed; gone is fine.', (_ID,), 'nothing',
        (errors.DRIVER_FAILED, errors.DRIVER_NOT_READY, errors.VOLUME_BUSY,
         errors.OPERATION_TIMED_OUT, errors.OPERATION_CANCELLED), _SINCE),
    base.Method('get_attachment', 'Show an attachment, with the way in.',
                (_ID,), _ANSWER, (errors.NOT_FOUND,), _SINCE),
)
