"""An operation as other services see it."""

from blockstore.objects import base


@base.Registry.register
class OperationInfo(base.BlockstoreObject):
    """A piece of work.  Version history: 1.0 first version."""

    VERSION = '1.0'
    fields = {
        'id': base.String(),
        'kind': base.String(),
        'state': base.String(),
        'resource_type': base.String(),
        'resource_id': base.String(),
        'project_id': base.String(),
        'request_id': base.optional(),
        'attempt': base.Integer(),
        'step': base.optional(),
        'bytes_total': base.optional_number(),
        'bytes_done': base.optional_number(),
        'bytes_skipped': base.optional_number(),
        'error_code': base.optional(),
        'error_message': base.optional(),
        'created_at': base.time(),
        'finished_at': base.time(),
    }
