"""How operations look."""

from typing import Any

from blockstore.api import links
from blockstore.api.views.common import time


def detail(row: Any, links_: links.Links, *, sensitive: bool,
           ) -> dict[str, Any]:
    """Show an operation.

    :param sensitive: with the process that works on it.
    """
    shown = {'id': row.id,
             'kind': row.kind,
             'state': row.state,
             'resource_type': row.resource_type,
             'resource_id': row.resource_id,
             'project_id': row.project_id,
             'request_id': row.request_id,
             'parent_id': row.parent_id,
             'attempt': row.attempt,
             'step': row.step,
             'progress': _progress(row),
             'error': _error(row),
             'cancel_requested': bool(row.cancel_requested),
             'created_at': time(row.created_at),
             'updated_at': time(row.updated_at),
             'finished_at': time(row.finished_at),
             'links': links_.of('operations', row.id)}
    if sensitive:
        shown.update(topic=row.topic, host=row.host,
                     lease_owner=row.lease_owner,
                     lease_expires_at=time(row.lease_expires_at))
    return shown


def _progress(row: Any) -> dict[str, Any] | None:
    """Show how many bytes of how many are done; None if none are moved."""
    if row.bytes_total is None:
        return None
    done = row.bytes_done or 0
    return {'bytes_total': row.bytes_total, 'bytes_done': done,
            'bytes_skipped': row.bytes_skipped or 0,
            'percent': (100 if not row.bytes_total
                        else min(100, 100 * done // row.bytes_total))}


def _error(row: Any) -> dict[str, Any] | None:
    if not row.error_code:
        return None
    return {'code': row.error_code, 'message': row.error_message}
