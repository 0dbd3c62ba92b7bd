"""Manage, unmanage, and list what stands on back ends.

Each has two URLs: ``/os-volume-manage`` and ``/os-snapshot-manage`` at every
version, ``/manageable_volumes`` and ``/manageable_snapshots`` from 3.8 on.
"""

import json
from typing import Any

from oslo_utils import uuidutils

from blockstore.api import faults
from blockstore.api import microversions
from blockstore.api import paging
from blockstore.api import response
from blockstore.api.handlers import common
from blockstore.api.request import Request
from blockstore.api.views import manageable as view
from blockstore.api.views import snapshots as snapshot_view
from blockstore.api.views import volumes as volume_view
from blockstore.services.manageable import Page
from blockstore.services.manageable import SnapshotSpec
from blockstore.services.manageable import VolumeSpec

_PREFIX = 'volume-'
_KEYS = paging.sort_keys('reference', 'size')


def manage_volume(req: Request) -> Any:
    """POST /manageable_volumes; with ``dry_run=true`` only tells."""
    content = req.body_json['volume']
    names = common.names(content)
    spec = VolumeSpec(
        host=_host(content), reference=content['ref'],
        name=names.get('display_name'),
        description=names.get('display_description'),
        volume_type=content.get('volume_type'),
        availability_zone=content.get('availability_zone'),
        bootable=common.flag(content, 'bootable'),
        metadata=content.get('metadata') or {})
    if req.flag('dry_run'):
        return response.Response(200, view.trial(
            req.services.manageables.try_volume(req.context, spec)))
    row = req.services.manageables.manage_volume(req.context, spec)
    look = volume_view.details(
        req.links, microversions.MIN, is_admin=bool(req.context.is_admin),
        attached_host=False)
    return {'volume': look(row)}


def manage_snapshot(req: Request) -> Any:
    """POST /manageable_snapshots; with ``dry_run=true`` only tells."""
    content = req.body_json['snapshot']
    names = common.names(content)
    spec = SnapshotSpec(
        volume_id=_volume_id(content['volume_id']),
        reference=content['ref'], host=content.get('host'),
        name=names.get('display_name'),
        description=names.get('display_description'),
        metadata=content.get('metadata') or {})
    if req.flag('dry_run'):
        return response.Response(200, view.trial(
            req.services.manageables.try_snapshot(req.context, spec)))
    row = req.services.manageables.manage_snapshot(req.context, spec)
    return {'snapshot': snapshot_view.snapshot(row, microversions.MIN)}


def unmanage_volume(req: Request, volume_id: str) -> None:
    """os-unmanage."""
    req.services.manageables.unmanage_volume(req.context, volume_id)


def unmanage_snapshot(req: Request, snapshot_id: str) -> None:
    """os-unmanage, at either URL."""
    req.services.manageables.unmanage_snapshot(req.context, snapshot_id)


def volumes(req: Request) -> dict[str, Any]:
    """GET /manageable_volumes."""
    return _list(req, 'volumes', detailed=False)


def volumes_detail(req: Request) -> dict[str, Any]:
    """GET /manageable_volumes/detail."""
    return _list(req, 'volumes', detailed=True)


def snapshots(req: Request) -> dict[str, Any]:
    """GET /manageable_snapshots."""
    return _list(req, 'snapshots', detailed=False)


def snapshots_detail(req: Request) -> dict[str, Any]:
    """GET /manageable_snapshots/detail."""
    return _list(req, 'snapshots', detailed=True)


def _list(req: Request, noun: str, detailed: bool) -> dict[str, Any]:
    params = req.query()
    found = req.services.manageables.list(
        req.context, noun, _host(params), _page(req, params))
    return {f'manageable-{noun}': [view.entry(one, detailed)
                                   for one in found]}


def _page(req: Request, params: dict[str, str]) -> Page:
    sort = paging.sort(req, _KEYS, params, default='reference')
    limit = paging.integer(params, 'limit', paging.MAX_INT)
    most: int = req.app_conf.api.max_limit
    return Page(
        marker=_marker(params.get('marker')),
        limit=most if limit is None else min(limit, most),
        offset=paging.integer(params, 'offset', paging.MAX_OFFSET) or 0,
        sort_keys=tuple(key for key, _ in sort),
        sort_dirs=tuple(direction for _, direction in sort))


def _marker(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        marker = json.loads(text)
    except (ValueError, RecursionError):
        marker = None
    if not isinstance(marker, dict):
        raise faults.BadRequest(
            'marker is no JSON object',
            remedy='use the reference of an entry as marker')
    return marker


def _host(content: dict[str, Any]) -> str:
    """Return the one host that is named; there are no clusters."""
    host, cluster = content.get('host'), content.get('cluster')
    if (host is None) == (cluster is None):
        raise faults.BadRequest('one of host and cluster is required, '
                                'not both',
                                remedy='name the host: host@backend#pool')
    if host is None:
        raise faults.BadRequest(
            f'there is no cluster {str(cluster)[:64]!r}',
            remedy='name the host: host@backend#pool')
    return str(host)


def _volume_id(text: str) -> str:
    """Return the id in a volume's id or its name on the back end."""
    id_ = text.removeprefix(_PREFIX)
    if not uuidutils.is_uuid_like(id_):
        raise faults.BadRequest(
            f'volume_id: {text[:64]!r} is neither the id of a volume nor '
            f'its name on the back end', remedy='use the id')
    return id_
