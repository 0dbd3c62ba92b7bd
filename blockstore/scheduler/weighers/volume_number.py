"""The weigher that looks at the number of volumes."""

from blockstore.scheduler import base


class VolumeNumberWeigher(base.Weigher):
    """Weighs how many volumes are there."""

    multiplier_option = 'volume_number_weight_multiplier'

    def weigh(self, request: base.Request, backend: base.Backend) -> float:
        """Return the number of volumes."""
        return float(backend.placed.number)
