"""The metadata of a snapshot."""

from typing import Any

from blockstore.api.handlers import common
from blockstore.api.request import Request


def index(req: Request, snapshot_id: str) -> dict[str, Any]:
    """GET all keys."""
    return {'metadata': req.services.snapshots.metadata.get(
        req.context, snapshot_id)}


def merge(req: Request, snapshot_id: str) -> dict[str, Any]:
    """POST: add or change keys."""
    return {'metadata': req.services.snapshots.metadata.merge(
        req.context, snapshot_id, req.body_json['metadata'])}


def replace(req: Request, snapshot_id: str) -> dict[str, Any]:
    """PUT: these keys and no others."""
    return {'metadata': req.services.snapshots.metadata.replace(
        req.context, snapshot_id, req.body_json['metadata'])}


def show(req: Request, snapshot_id: str, key: str) -> dict[str, Any]:
    """GET one key."""
    return common.one_key(
        req.services.snapshots.metadata.get(req.context, snapshot_id), key)


def update(req: Request, snapshot_id: str, key: str) -> dict[str, Any]:
    """PUT one key."""
    values = common.changed_key(req, key)
    req.services.snapshots.metadata.merge(req.context, snapshot_id, values)
    return {'meta': values}


def delete(req: Request, snapshot_id: str, key: str) -> None:
    """DELETE one key."""
    req.services.snapshots.metadata.delete_key(
        req.context, snapshot_id, key)
