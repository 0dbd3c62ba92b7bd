"""What can be done with a volume: ``POST /volumes/{id}/action``."""

from typing import Any

from blockstore.api import faults
from blockstore.api.handlers import common
from blockstore.api.microversions import Version
from blockstore.api.request import boolean
from blockstore.api.request import Request

EXTEND_IN_USE = Version(3, 42)


def reserve(req: Request, volume_id: str) -> None:
    """os-reserve."""
    req.services.volumes.reserve(req.context, volume_id)


def unreserve(req: Request, volume_id: str) -> None:
    """os-unreserve."""
    req.services.volumes.unreserve(req.context, volume_id)


def begin_detaching(req: Request, volume_id: str) -> None:
    """os-begin_detaching."""
    req.services.volumes.begin_detaching(req.context, volume_id)


def roll_detaching(req: Request, volume_id: str) -> None:
    """os-roll_detaching."""
    req.services.volumes.roll_detaching(req.context, volume_id)


def attach(req: Request, volume_id: str) -> None:
    """os-attach."""
    content = req.body_json['os-attach']
    instance, host = content.get('instance_uuid'), content.get('host_name')
    if not instance and not host:
        raise faults.BadRequest('instance_uuid or host_name is required')
    req.services.volumes.attach(
        req.context, volume_id, content['mountpoint'], instance, host,
        content.get('mode'))


def detach(req: Request, volume_id: str) -> None:
    """os-detach."""
    content = req.body_json['os-detach'] or {}
    req.services.volumes.detach(req.context, volume_id,
                                content.get('attachment_id'),
                                common.may_disconnect_servers(req))


def force_detach(req: Request, volume_id: str) -> None:
    """os-force_detach."""
    content = req.body_json['os-force_detach'] or {}
    req.services.volumes.force_detach(
        req.context, volume_id, content.get('attachment_id'),
        _connector(content))


def initialize_connection(req: Request, volume_id: str) -> dict[str, Any]:
    """os-initialize_connection."""
    connector = req.body_json['os-initialize_connection']['connector']
    return {'connection_info': req.services.volumes.initialize_connection(
        req.context, volume_id, connector)}


def terminate_connection(req: Request, volume_id: str) -> None:
    """os-terminate_connection."""
    req.services.volumes.terminate_connection(
        req.context, volume_id,
        _connector(req.body_json['os-terminate_connection']),
        common.may_disconnect_servers(req))


def _connector(content: dict[str, Any]) -> dict[str, Any] | None:
    """Return the connector; a string, as old clients send, says nothing."""
    connector = content.get('connector')
    return connector if isinstance(connector, dict) else None


def extend(req: Request, volume_id: str) -> None:
    """os-extend; a volume in use from 3.42 on."""
    allow_in_use = (req.microversion >= EXTEND_IN_USE
                    and req.can('volume:extend_attached_volume'))
    req.services.volumes.extend(
        req.context, volume_id, int(req.body_json['os-extend']['new_size']),
        allow_in_use)


def reset_status(req: Request, volume_id: str) -> None:
    """os-reset_status."""
    content = req.body_json['os-reset_status']
    if not any(content.values()):
        raise faults.BadRequest('no status is given')
    req.services.volumes.reset_status(
        req.context, volume_id, content.get('status'),
        content.get('attach_status'), content.get('migration_status'))


def force_delete(req: Request, volume_id: str) -> None:
    """os-force_delete."""
    req.services.volumes.delete(req.context, volume_id, force=True)


def revert(req: Request, volume_id: str) -> None:
    """revert, to the latest snapshot (3.40)."""
    snapshot_id = req.body_json['revert'].get('snapshot_id')
    if not snapshot_id:
        raise faults.BadRequest('snapshot_id is required',
                                remedy='name the latest snapshot')
    req.services.volumes.revert(req.context, volume_id, snapshot_id)


def set_bootable(req: Request, volume_id: str) -> None:
    """os-set_bootable."""
    req.services.volumes.set_bootable(
        req.context, volume_id,
        common.flag(req.body_json['os-set_bootable'], 'bootable'))


def set_readonly(req: Request, volume_id: str) -> None:
    """os-update_readonly_flag."""
    flag = req.body_json['os-update_readonly_flag']['readonly']
    req.services.volumes.set_readonly(req.context, volume_id,
                                      boolean(flag, 'readonly'))
