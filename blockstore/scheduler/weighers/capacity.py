"""The weigher that prefers room."""

from blockstore.scheduler import base
from blockstore.scheduler import capacity


class CapacityWeigher(base.Weigher):
    """Weighs how much more may be placed."""

    multiplier_option = 'capacity_weight_multiplier'

    def weigh(self, request: base.Request, backend: base.Backend) -> float:
        """Return the room in GiB."""
        return capacity.of(request, backend).room
