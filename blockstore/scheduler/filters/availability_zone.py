"""The filter that asks for an availability zone."""

from blockstore.scheduler import base


class AvailabilityZoneFilter(base.Filter):
    """Lets pass what is in the zone asked for, if one is."""

    def refusal(self, request: base.Request, backend: base.Backend) -> str:
        """Return which zone is wanted and which it is."""
        wanted = request.availability_zone
        if not wanted or wanted == backend.availability_zone:
            return ''
        return (f'zone {wanted} is wanted and it is in '
                f'{backend.availability_zone}')
