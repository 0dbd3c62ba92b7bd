"""Attachments (3.27): how Nova and others connect to volumes."""

from typing import Any

from blockstore.api import paging
from blockstore.api.handlers import common
from blockstore.api.paging import Filter
from blockstore.api.request import Request
from blockstore.api.views import attachments as view

COLLECTION = paging.Collection(
    name='attachments', resource='attachment',
    links_name='attachments_links',
    sort=paging.sort_keys('id', 'created_at', 'updated_at', 'attach_status',
                          'volume_id', 'instance_uuid', 'attach_time',
                          'attached_host', status='attach_status'),
    filters={
        'id': Filter('id'),
        'volume_id': Filter('volume_id'),
        'status': Filter('attach_status'),
        'attach_status': Filter('attach_status'),
        'instance_id': Filter('instance_uuid'),
        'instance_uuid': Filter('instance_uuid'),
        'attached_host': Filter('attached_host'),
        'project_id': Filter('project_id'),
        'tenant_id': Filter('project_id'),
    })


def index(req: Request) -> dict[str, Any]:
    """GET /attachments: the short list."""
    query = paging.read(req, COLLECTION)
    rows = req.services.attachments.list(req.context, query)
    return paging.answer(req, COLLECTION, query, rows,
                         [view.summary(row) for row in rows])


def detail(req: Request) -> dict[str, Any]:
    """GET /attachments/detail: the long list."""
    query = paging.read(req, COLLECTION)
    rows = req.services.attachments.list(req.context, query)
    way_in = _may_connect(req)
    return paging.answer(req, COLLECTION, query, rows,
                         [view.detail(row, way_in) for row in rows],
                         path='attachments/detail')


def show(req: Request, attachment_id: str) -> dict[str, Any]:
    """GET /attachments/{id}."""
    row = req.services.attachments.get(req.context, attachment_id)
    return {'attachment': view.detail(row, _may_connect(req))}


def _may_connect(req: Request) -> bool:
    """Tell whether the caller may reach a volume's bytes: no reader may."""
    return req.can('volume:attachment_update')


def create(req: Request) -> dict[str, Any]:
    """POST /attachments."""
    content = req.body_json['attachment']
    row = req.services.attachments.create(
        req.context, content['volume_uuid'], content.get('instance_uuid'),
        content.get('connector') or None, content.get('mode'))
    return {'attachment': view.detail(row, way_in=True)}


def update(req: Request, attachment_id: str) -> dict[str, Any]:
    """PUT /attachments/{id}: connect."""
    connector = req.body_json['attachment']['connector']
    row = req.services.attachments.update(
        req.context, attachment_id, connector)
    return {'attachment': view.detail(row, way_in=True)}


def delete(req: Request, attachment_id: str) -> dict[str, Any]:
    """DELETE /attachments/{id}; answers with what is left."""
    rows = req.services.attachments.delete(
        req.context, attachment_id, common.may_disconnect_servers(req))
    return {'attachments': [view.summary(row) for row in rows]}


def complete(req: Request, attachment_id: str) -> None:
    """os-complete (3.44)."""
    req.services.attachments.complete(req.context, attachment_id)
