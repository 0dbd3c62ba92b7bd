"""The filter that asks for room."""

from blockstore.scheduler import base
from blockstore.scheduler import capacity


class CapacityFilter(base.Filter):
    """Lets pass what has room, thin or thick, beside the reserve."""

    def refusal(self, request: base.Request, backend: base.Backend) -> str:
        """Return how much is wanted and how much is left."""
        wanted = request.extra_specs.get('provisioning:type')
        if not capacity.supports(request, backend):
            return f'it has no {wanted} provisioning'
        found = capacity.of(request, backend)
        if request.size <= found.room:
            return ''
        kind = (f'thin, promised {found.promised:g} of '
                f'{found.total:g} GiB, at most {found.ratio:g} times'
                if found.thin else 'thick')
        return (f'{request.size} GiB are wanted and there is room for '
                f'{max(0.0, found.room):g} GiB ({kind}, reserved '
                f'{found.reserved:g} GiB)')
