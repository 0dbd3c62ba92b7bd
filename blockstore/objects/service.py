"""What services tell of themselves: pools, room, versions."""

from blockstore.objects import base


@base.Registry.register
class PoolInfo(base.BlockstoreObject):
    """A pool of a back end.  Version history: 1.0 first version."""

    VERSION = '1.0'
    fields = {
        'name': base.String(),
        'host': base.String(),
        'availability_zone': base.optional(),
        'capabilities': base.facts(),
    }


@base.Registry.register
class CapacityInfo(base.BlockstoreObject):
    """Whether there is room.  Version history: 1.0 first version."""

    VERSION = '1.0'
    fields = {
        'fits': base.Boolean(),
        'pool': base.optional(),
        'reason': base.optional(),
    }


@base.Registry.register
class VersionsInfo(base.BlockstoreObject):
    """What a service speaks.  Version history: 1.0 first version."""

    VERSION = '1.0'
    fields = {
        'rpc': base.String(),
        'objects': base.String(),
    }
