"""A snapshot as drivers see it."""

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
