"""How services look."""

from typing import Any

from blockstore.api.microversions import Version
from blockstore.api.views.common import time

WITH_CLUSTER = Version(3, 7)
WITH_BACKEND_STATE = Version(3, 49)
VOLUME = 'cinder-volume'


def detail(daemon: Any, version: Version) -> dict[str, Any]:
    """Show a service."""
    row = daemon.row
    shown = {'binary': row.binary,
             'host': row.host,
             'zone': row.availability_zone,
             'status': status(row.disabled),
             'state': 'up' if daemon.up else 'down',
             'updated_at': time(row.updated_at),
             'disabled_reason': row.disabled_reason}
    if row.binary == VOLUME:
        shown.update(replication_status='disabled', active_backend_id=None,
                     frozen=False)
    if version >= WITH_CLUSTER:
        shown['cluster'] = None
    if version >= WITH_BACKEND_STATE and row.binary == VOLUME:
        shown['backend_state'] = row.backend_state or 'up'
    return shown


def status(disabled: bool) -> str:
    """Name the position of a service's switch."""
    return 'disabled' if disabled else 'enabled'
