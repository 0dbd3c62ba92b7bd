"""A volume as drivers see it, and as other services see it."""

import typing

from blockstore.objects import base


@base.Registry.register
class Volume(base.BlockstoreObject):
    """A volume; ``size`` in GiB.  Version history: 1.0 first version."""

    VERSION = '1.0'
    fields = {
        'id': base.String(),
        'project_id': base.String(),
        'size': base.Integer(),
        'host': base.optional(),
        'volume_type_id': base.optional(),
        'provider_id': base.optional(),
        'provider_location': base.optional(),
        'provider_auth': base.optional(),
    }

    id: str

    @property
    def name(self) -> str:
        """Name on the back end."""
        return f'volume-{self.id}'


@base.Registry.register
class VolumeInfo(base.BlockstoreObject):
    """A volume, without secrets.  Version history:

    * 1.0 - first version
    * 1.1 - attachments: the ids of its attachments
    """

    VERSION = '1.1'
    ADDED = {'attachments': '1.1'}
    fields = {
        'id': base.String(),
        'project_id': base.String(),
        'user_id': base.optional(),
        'name': base.optional(),
        'description': base.optional(),
        'size': base.Integer(),
        'status': base.String(),
        'status_reason': base.optional(),
        'attach_status': base.String(),
        'backup_id': base.optional(),
        'host': base.optional(),
        'availability_zone': base.optional(),
        'volume_type_id': base.optional(),
        'volume_type': base.optional(),
        'snapshot_id': base.optional(),
        'source_volid': base.optional(),
        'bootable': base.Boolean(),
        'multiattach': base.Boolean(),
        'metadata': base.Strings(),
        'attachments': base.Names(),
        'created_at': base.time(),
        'updated_at': base.time(),
    }

    @classmethod
    def of(cls, row: typing.Any) -> 'VolumeInfo':
        """Make it from a row with its maps and its type's name."""
        return cls.from_row(row, name=row.display_name,
                            description=row.display_description,
                            volume_type=row.type_name,
                            metadata=row.metadata_map,
                            attachments=[one.id for one in row.attachments])
