"""Operations, over HTTP: how far a request is, or why it failed."""

from typing import Any

from blockstore.api import paging
from blockstore.api.request import Request
from blockstore.api.views import operations as view

_KEYS = ('kind', 'state', 'resource_id', 'resource_type', 'request_id',
         'parent_id')
OPERATIONS = paging.Collection(
    name='operations', resource='operation', links_name='operations_links',
    sort=paging.sort_keys('id', 'created_at', 'updated_at', 'finished_at',
                          'kind', 'state'),
    filters={name: paging.Filter(name) for name in _KEYS}, countable=True)


def index(req: Request) -> dict[str, Any]:
    """GET /operations."""
    query = paging.read(req, OPERATIONS)
    rows = req.services.operations.list(req.context, query)
    return paging.answer(
        req, OPERATIONS, query, rows, [_view(req, row) for row in rows],
        count=lambda: req.services.operations.count(req.context, query))


def show(req: Request, operation_id: str) -> dict[str, Any]:
    """GET /operations/{id}."""
    row = req.services.operations.get(req.context, operation_id)
    return {'operation': _view(req, row)}


def _view(req: Request, row: Any) -> dict[str, Any]:
    return view.detail(row, req.links,
                       sensitive=req.can('operation:read_sensitive'))
