"""Backups: create, show, list, change, restore, delete, and actions."""

from typing import Any

from blockstore.api import paging
from blockstore.api.handlers import common
from blockstore.api.microversions import Version
from blockstore.api.paging import Filter
from blockstore.api.request import Request
from blockstore.api.views import backups as view
from blockstore.db.listing import ListQuery
from blockstore.services.backups import BackupSpec

COLLECTION = paging.Collection(
    name='backups', resource='backup', links_name='backups_links',
    countable=True,
    sort={**paging.sort_keys('id', 'display_name', 'status', 'created_at',
                             'updated_at', 'volume_id', 'size', 'container',
                             'snapshot_id', 'project_id', 'user_id',
                             'availability_zone', 'data_timestamp'),
          'name': ('display_name', Version(3, 37))},
    filters={
        'name': Filter('display_name'),
        'display_name': Filter('display_name'),
        'description': Filter('display_description'),
        'id': Filter('id'),
        'status': Filter('status'),
        'volume_id': Filter('volume_id'),
        'snapshot_id': Filter('snapshot_id'),
        'container': Filter('container'),
        'host': Filter('host'),
        'project_id': Filter('project_id'),
        'tenant_id': Filter('project_id'),
        'user_id': Filter('user_id'),
        'availability_zone': Filter('availability_zone'),
        'parent_id': Filter('parent_id'),
    })


def index(req: Request) -> dict[str, Any]:
    """GET /backups: the short list."""
    query = paging.read(req, COLLECTION)
    rows = req.services.backups.list(req.context, query)
    items = [view.summary(row, req.links) for row in rows]
    return paging.answer(req, COLLECTION, query, rows, items,
                         _counter(req, query))


def detail(req: Request) -> dict[str, Any]:
    """GET /backups/detail: the long list."""
    query = paging.read(req, COLLECTION)
    rows = req.services.backups.list(req.context, query)
    owner = _sees_owner(req)
    items = [view.detail(row, req.links, req.microversion, owner=owner)
             for row in rows]
    return paging.answer(req, COLLECTION, query, rows, items,
                         _counter(req, query), 'backups/detail')


def _counter(req: Request, query: ListQuery) -> Any:
    return lambda: req.services.backups.count(req.context, query)


def _sees_owner(req: Request) -> bool:
    return req.can('backup:backup_project_attribute')


def show(req: Request, backup_id: str) -> dict[str, Any]:
    """GET /backups/{id}."""
    row = req.services.backups.get(req.context, backup_id)
    return {'backup': view.detail(row, req.links, req.microversion,
                                  owner=_sees_owner(req))}


def create(req: Request) -> dict[str, Any]:
    """POST /backups, of a volume that may be in use (R-114 to R-120)."""
    content = req.body_json['backup']
    names = common.names(content)
    row = req.services.backups.create(req.context, BackupSpec(
        volume_id=content['volume_id'],
        name=names.get('display_name'),
        description=names.get('display_description'),
        container=content.get('container'),
        incremental=common.flag(content, 'incremental'),
        force=common.flag(content, 'force'),
        snapshot_id=content.get('snapshot_id'),
        metadata=content.get('metadata') or {},
        availability_zone=content.get('availability_zone')))
    return {'backup': view.summary(row, req.links)}


def update(req: Request, backup_id: str) -> dict[str, Any]:
    """PUT /backups/{id} (3.9)."""
    content = req.body_json['backup']
    changes = common.names(content)
    if content.get('metadata') is not None:
        changes['metadata'] = content['metadata']
    row = req.services.backups.update(req.context, backup_id, changes)
    return {'backup': view.summary(row, req.links)}


def delete(req: Request, backup_id: str) -> None:
    """DELETE /backups/{id}."""
    req.services.backups.delete(req.context, backup_id)


def restore(req: Request, backup_id: str) -> dict[str, Any]:
    """POST /backups/{id}/restore; answers at once, whatever the size."""
    content = req.body_json['restore'] or {}
    name = content.get('name')
    return view.restored(req.services.backups.restore(
        req.context, backup_id, content.get('volume_id'),
        name.strip() if name else None))


def reset_status(req: Request, backup_id: str) -> None:
    """os-reset_status."""
    req.services.backups.reset_status(
        req.context, backup_id, req.body_json['os-reset_status']['status'])


def force_delete(req: Request, backup_id: str) -> None:
    """os-force_delete."""
    req.services.backups.delete(req.context, backup_id, force=True)
