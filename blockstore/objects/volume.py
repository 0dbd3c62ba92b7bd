"""A volume as drivers see it."""

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
