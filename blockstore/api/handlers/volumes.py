"""Volumes: create, show, list, change, delete."""

from typing import Any

from blockstore.api import faults
from blockstore.api import paging
from blockstore.api.handlers import common
from blockstore.api.microversions import Version
from blockstore.api.paging import Filter
from blockstore.api.request import boolean
from blockstore.api.request import Request
from blockstore.api.views import volumes as view
from blockstore.services.volume_creation import VolumeSpec

GROUPS = Version(3, 13)
FORCE_DELETE = Version(3, 23)
SUMMARY_METADATA = Version(3, 36)
FROM_BACKUP = Version(3, 47)

COLLECTION = paging.Collection(
    name='volumes', resource='volume', links_name='volumes_links',
    countable=True,
    sort=paging.sort_keys(
        'id', 'display_name', 'size', 'status', 'created_at', 'updated_at',
        'host', 'availability_zone', 'bootable', 'user_id', 'project_id',
        'volume_type_id', 'migration_status', 'attach_status',
        name='display_name'),
    filters={
        'name': Filter('display_name'),
        'display_name': Filter('display_name'),
        'description': Filter('display_description'),
        'display_description': Filter('display_description'),
        'id': Filter('id'),
        'status': Filter('status'),
        'metadata': Filter('metadata', 'metadata'),
        'bootable': Filter('bootable', 'boolean'),
        'multiattach': Filter('multiattach', 'boolean'),
        'migration_status': Filter('migration_status'),
        'attach_status': Filter('attach_status'),
        'availability_zone': Filter('availability_zone'),
        'size': Filter('size', 'integer'),
        'host': Filter('host'),
        'project_id': Filter('project_id'),
        'tenant_id': Filter('project_id'),
        'user_id': Filter('user_id'),
        'snapshot_id': Filter('snapshot_id'),
        'source_volid': Filter('source_volid'),
        'volume_type_id': Filter('volume_type_id'),
        'group_id': Filter('group_id', since=Version(3, 10)),
        'created_at': Filter('created_at', 'time', Version(3, 60)),
        'updated_at': Filter('updated_at', 'time', Version(3, 60)),
        'consumes_quota': Filter('use_quota', 'boolean', Version(3, 65)),
    })


def look(req: Request) -> view.Look:
    """Return the function that shows a volume to this request."""
    return view.details(
        req.links, req.microversion, is_admin=bool(req.context.is_admin),
        attached_host=req.can('volume:attached_host'))


def _look_further(req: Request) -> view.Look:
    extension = 'volume_extension:volume_'
    return view.extended(
        look(req), host=req.can(extension + 'host_attribute'),
        tenant=req.can(extension + 'tenant_attribute'),
        migration=req.can(extension + 'mig_status_attribute'))


def index(req: Request) -> dict[str, Any]:
    """GET /volumes: the short list."""
    return _list(req, view.summaries(req.links), '')


def detail(req: Request) -> dict[str, Any]:
    """GET /volumes/detail: the long list."""
    return _list(req, _look_further(req), 'volumes/detail')


def _list(req: Request, shown: view.Look, path: str) -> dict[str, Any]:
    query = paging.read(req, COLLECTION)
    rows = req.services.volumes.list(req.context, query, full=bool(path))
    return paging.answer(
        req, COLLECTION, query, rows, [shown(row) for row in rows],
        lambda: req.services.volumes.count(req.context, query), path)


def summary(req: Request) -> dict[str, Any]:
    """GET /volumes/summary: how many there are, and their size in GiB."""
    text = req.query().get('all_tenants')
    everybody = bool(req.context.is_admin and text is not None
                     and boolean(text, 'all_tenants'))
    number, size = req.services.volumes.summary(req.context, everybody)
    shown: dict[str, Any] = {'total_count': number, 'total_size': size}
    if req.microversion >= SUMMARY_METADATA:
        shown['metadata'] = req.services.volumes.summary_metadata(
            req.context, everybody)
    return {'volume-summary': shown}


def show(req: Request, volume_id: str) -> dict[str, Any]:
    """GET /volumes/{id}."""
    row = req.services.volumes.get(req.context, volume_id)
    return {'volume': _look_further(req)(row)}


def create(req: Request) -> dict[str, Any]:
    """POST /volumes."""
    content = req.body_json['volume']
    _check_sources(req, content)
    names = common.names(content)
    size = content.get('size')
    backup_id = content.get('backup_id')
    row = req.services.volumes.create(req.context, VolumeSpec(
        size=None if size is None else int(size),
        name=names.get('display_name'),
        description=names.get('display_description'),
        volume_type=content.get('volume_type'),
        metadata=content.get('metadata') or {},
        snapshot_id=content.get('snapshot_id'),
        source_volid=content.get('source_volid'),
        backup_id=backup_id if req.microversion >= FROM_BACKUP else None,
        availability_zone=content.get('availability_zone'),
        scheduler_hints=req.body_json.get('OS-SCH-HNT:scheduler_hints')
        or {}))
    return {'volume': look(req)(row)}


def _check_sources(req: Request, content: dict[str, Any]) -> None:
    """Refuse what names something that this service does not have."""
    if content.get('imageRef') or content.get('image_id'):
        raise faults.BadRequest(
            'there is no image service to make a volume from',
            remedy='use a volume, a snapshot or a backup as the source')
    if common.flag(content, 'multiattach'):
        raise faults.BadRequest(
            'multiattach is not asked for in the request',
            remedy='use a volume type with multiattach="<is> True"')
    group = content.get('consistencygroup_id')
    if req.microversion >= GROUPS:
        group = group or content.get('group_id')
    if group:
        raise faults.NoSuchPage(f'group {group[:64]} could not be found')


def update(req: Request, volume_id: str) -> dict[str, Any]:
    """PUT /volumes/{id}."""
    content = req.body_json['volume']
    changes = common.names(content)
    if content.get('metadata') is not None:
        changes['metadata'] = content['metadata']
    row = req.services.volumes.update(req.context, volume_id, changes)
    return {'volume': look(req)(row)}


def delete(req: Request, volume_id: str) -> None:
    """DELETE /volumes/{id}."""
    cascade = req.flag('cascade')
    force = req.microversion >= FORCE_DELETE and req.flag('force')
    if force:
        req.require('volume:force_delete')
    req.services.volumes.delete(req.context, volume_id, cascade=cascade,
                                force=force)


def show_encryption(req: Request, volume_id: str) -> dict[str, Any]:
    """GET /volumes/{id}/encryption: Nova asks for it before it attaches."""
    row = req.services.volumes.get(req.context, volume_id)
    return {'encryption_key_id': row.encryption_key_id}


def show_encryption_key(req: Request, volume_id: str, key: str,
                        ) -> dict[str, Any]:
    """GET /volumes/{id}/encryption/{key}."""
    shown = show_encryption(req, volume_id)
    if key not in shown:
        raise faults.NoSuchPage(f'there is no encryption key {key[:64]!r}')
    return {key: shown[key]}
