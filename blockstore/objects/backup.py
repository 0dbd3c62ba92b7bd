"""A backup as other services see it."""

import typing

from blockstore.objects import base


@base.Registry.register
class BackupInfo(base.BlockstoreObject):
    """A backup; ``size`` in GiB.  Version history: 1.0 first version."""

    VERSION = '1.0'
    fields = {
        'id': base.String(),
        'project_id': base.String(),
        'user_id': base.optional(),
        'volume_id': base.String(),
        'snapshot_id': base.optional(),
        'parent_id': base.optional(),
        'restore_volume_id': base.optional(),
        'name': base.optional(),
        'description': base.optional(),
        'size': base.Integer(),
        'status': base.String(),
        'fail_reason': base.optional(),
        'container': base.optional(),
        'availability_zone': base.optional(),
        'metadata': base.Strings(),
        'data_timestamp': base.time(),
        'created_at': base.time(),
        'updated_at': base.time(),
    }

    @classmethod
    def of(cls, row: typing.Any) -> 'BackupInfo':
        """Make it from a row with its metadata."""
        return cls.from_row(row, name=row.display_name,
                            description=row.display_description,
                            metadata=row.metadata_map)
