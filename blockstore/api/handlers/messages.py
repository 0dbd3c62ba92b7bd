"""User messages, over HTTP."""

from typing import Any

from blockstore.api import paging
from blockstore.api.microversions import Version
from blockstore.api.request import Request
from blockstore.api.views import messages as view
from blockstore.db.listing import ListQuery

PAGED = Version(3, 5)
_KEYS = ('resource_uuid', 'resource_type', 'event_id', 'request_id',
         'message_level')
MESSAGES = paging.Collection(
    name='messages', resource='message', links_name='messages_links',
    sort=paging.sort_keys('id', 'created_at', *_KEYS,
                          guaranteed_until='expires_at'),
    filters={name: paging.Filter(name) for name in _KEYS})


def index(req: Request) -> dict[str, Any]:
    """GET /messages."""
    if req.microversion < PAGED:
        rows = req.services.messages.list(
            req.context, ListQuery(limit=req.app_conf.api.max_limit))
        return {'messages': [view.detail(row, req.links) for row in rows]}
    query = paging.read(req, MESSAGES)
    rows = req.services.messages.list(req.context, query)
    return paging.answer(req, MESSAGES, query, rows,
                         [view.detail(row, req.links) for row in rows])


def show(req: Request, message_id: str) -> dict[str, Any]:
    """GET /messages/{id}."""
    row = req.services.messages.get(req.context, message_id)
    return {'message': view.detail(row, req.links)}


def delete(req: Request, message_id: str) -> None:
    """DELETE /messages/{id}."""
    req.services.messages.delete(req.context, message_id)
