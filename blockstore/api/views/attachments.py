"""How attachments look."""

from typing import Any

from blockstore.api.views.common import time


def summary(row: Any) -> dict[str, Any]:
    """Show an attachment in short."""
    return {'id': row.id,
            'status': row.attach_status,
            'instance': row.instance_uuid,
            'volume_id': row.volume_id}


def detail(row: Any, way_in: bool) -> dict[str, Any]:
    """Show all of an attachment.

    Clients rely on an empty string where there is no time, and on the word
    ``null`` where there is no mode.

    :param way_in: with what is needed to reach the volume's bytes.
    """
    return {**summary(row),
            'attached_at': time(row.attach_time) or '',
            'detached_at': time(row.detach_time) or '',
            'attach_mode': row.attach_mode or 'null',
            'connection_info': _flat(row) if way_in else {}}


def _flat(row: Any) -> dict[str, Any]:
    info = dict(row.connection_info or {})
    if not info:
        return {}
    flat = {**info.pop('data', {}), **info}
    flat['attachment_id'] = row.id
    return flat
