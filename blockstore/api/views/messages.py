"""How user messages look."""

from typing import Any

from blockstore.api import links
from blockstore.api.views.common import time


def detail(row: Any, links_: links.Links) -> dict[str, Any]:
    """Show a message."""
    shown = {'id': row.id,
             'event_id': row.event_id,
             'user_message': row.user_message,
             'message_level': row.message_level,
             'created_at': time(row.created_at),
             'guaranteed_until': time(row.expires_at),
             'request_id': row.request_id,
             'links': links_.of('messages', row.id)}
    if row.resource_type:
        shown['resource_type'] = row.resource_type
    if row.resource_uuid:
        shown['resource_uuid'] = row.resource_uuid
    return shown
