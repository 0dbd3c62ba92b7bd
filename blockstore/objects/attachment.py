"""An attachment as other services see it."""

import typing

from blockstore.objects import base


@base.Registry.register
class AttachmentInfo(base.BlockstoreObject):
    """One connection of a volume.  Version history: 1.0 first version.

    ``connection_info`` opens the way to the volume's bytes: keep it secret.
    """

    VERSION = '1.0'
    fields = {
        'id': base.String(),
        'volume_id': base.String(),
        'project_id': base.String(),
        'instance_uuid': base.optional(),
        'attached_host': base.optional(),
        'mountpoint': base.optional(),
        'attach_status': base.String(),
        'attach_mode': base.optional(),
        'attach_time': base.time(),
        'connection_info': base.facts(),
    }

    volume_id: str
    instance_uuid: str | None

    @classmethod
    def of(cls, row: typing.Any) -> 'AttachmentInfo':
        """Make it from a row."""
        return cls.from_row(row, connection_info=row.connection_info or {})
