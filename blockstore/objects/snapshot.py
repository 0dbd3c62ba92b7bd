"""A snapshot as drivers see it, and as other services see it."""

import typing

from blockstore.objects import base


@base.Registry.register
class Snapshot(base.BlockstoreObject):
    """A snapshot; sizes in GiB.  Version history: 1.0 first version."""

    VERSION = '1.0'
    fields = {
        'id': base.String(),
        'project_id': base.String(),
        'volume_id': base.String(),
        'volume_size': base.Integer(),
        'provider_id': base.optional(),
        'provider_location': base.optional(),
        'provider_auth': base.optional(),
    }

    id: str
    volume_id: str

    @property
    def name(self) -> str:
        """Name on the back end."""
        return f'snapshot-{self.id}'

    @property
    def volume_name(self) -> str:
        """Name of the parent volume on the back end."""
        return f'volume-{self.volume_id}'


@base.Registry.register
class SnapshotInfo(base.BlockstoreObject):
    """A snapshot, without secrets.  Version history: 1.0 first version."""

    VERSION = '1.0'
    fields = {
        'id': base.String(),
        'project_id': base.String(),
        'user_id': base.optional(),
        'volume_id': base.String(),
        'name': base.optional(),
        'description': base.optional(),
        'size': base.Integer(),
        'status': base.String(),
        'status_reason': base.optional(),
        'progress': base.optional(),
        'metadata': base.Strings(),
        'created_at': base.time(),
        'updated_at': base.time(),
    }

    @classmethod
    def of(cls, row: typing.Any) -> 'SnapshotInfo':
        """Make it from a row with its metadata."""
        return cls.from_row(row, name=row.display_name,
                            description=row.display_description,
                            size=row.volume_size, metadata=row.metadata_map)
