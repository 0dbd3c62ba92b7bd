"""Snapshots: create, show, list, change, delete, and their actions."""

from typing import Any

from blockstore import exceptions
from blockstore.api import faults
from blockstore.api import paging
from blockstore.api.handlers import common
from blockstore.api.microversions import Version
from blockstore.api.paging import Filter
from blockstore.api.request import Request
from blockstore.api.views import snapshots as view

NO_FORCE = Version(3, 66)

COLLECTION = paging.Collection(
    name='snapshots', resource='snapshot', links_name='snapshots_links',
    countable=True,
    sort={**paging.sort_keys('id', 'display_name', 'status', 'created_at',
                             'updated_at', 'volume_id', 'project_id',
                             'user_id', 'volume_size', size='volume_size'),
          'name': ('display_name', Version(3, 30))},
    filters={
        'name': Filter('display_name'),
        'display_name': Filter('display_name'),
        'description': Filter('display_description'),
        'id': Filter('id'),
        'status': Filter('status'),
        'volume_id': Filter('volume_id'),
        'metadata': Filter('metadata', 'metadata', Version(3, 22)),
        'availability_zone': Filter('availability_zone'),
        'project_id': Filter('project_id'),
        'tenant_id': Filter('project_id'),
        'user_id': Filter('user_id'),
        'consumes_quota': Filter('use_quota', 'boolean', Version(3, 65)),
    })


def index(req: Request) -> dict[str, Any]:
    """GET /snapshots: all but the two further keys."""
    return _list(req, extended=False, path='')


def detail(req: Request) -> dict[str, Any]:
    """GET /snapshots/detail."""
    return _list(req, extended=_extended(req), path='snapshots/detail')


def _list(req: Request, extended: bool, path: str) -> dict[str, Any]:
    query = paging.read(req, COLLECTION)
    rows = req.services.snapshots.list(req.context, query)
    version = req.microversion
    return paging.answer(
        req, COLLECTION, query, rows,
        [view.snapshot(row, version, extended) for row in rows],
        lambda: req.services.snapshots.count(req.context, query), path)


def _extended(req: Request) -> bool:
    return req.can('volume_extension:extended_snapshot_attributes')


def show(req: Request, snapshot_id: str) -> dict[str, Any]:
    """GET /snapshots/{id}."""
    row = req.services.snapshots.get(req.context, snapshot_id)
    return {'snapshot': view.snapshot(row, req.microversion, _extended(req))}


def create(req: Request) -> dict[str, Any]:
    """POST /snapshots; from 3.66 on also of a volume in use, unforced."""
    content = req.body_json['snapshot']
    force = common.flag(content, 'force')
    if req.microversion >= NO_FORCE:
        if content.get('force') is not None and not force:
            raise faults.BadRequest(
                'force=false means nothing since 3.66',
                remedy='leave force out')
        force = True
    volume_id = content['volume_id']
    if volume_id is None:
        raise exceptions.NotFound('volume null could not be found')
    names = common.names(content)
    row = req.services.snapshots.create(
        req.context, volume_id, names.get('display_name'),
        names.get('display_description'), content.get('metadata') or {},
        allow_in_use=force)
    return {'snapshot': view.snapshot(row, req.microversion)}


def update(req: Request, snapshot_id: str) -> dict[str, Any]:
    """PUT /snapshots/{id}."""
    row = req.services.snapshots.update(
        req.context, snapshot_id, common.names(req.body_json['snapshot']))
    return {'snapshot': view.snapshot(row, req.microversion)}


def delete(req: Request, snapshot_id: str) -> None:
    """DELETE /snapshots/{id}."""
    req.services.snapshots.delete(req.context, snapshot_id)


def reset_status(req: Request, snapshot_id: str) -> None:
    """os-reset_status."""
    req.services.snapshots.reset_status(
        req.context, snapshot_id,
        req.body_json['os-reset_status']['status'].lower())


def force_delete(req: Request, snapshot_id: str) -> None:
    """os-force_delete."""
    req.services.snapshots.delete(req.context, snapshot_id, force=True)
