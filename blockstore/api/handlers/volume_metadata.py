"""The metadata of a volume."""

import hashlib
from typing import Any

from blockstore.api import faults
from blockstore.api import response
from blockstore.api.handlers import common
from blockstore.api.microversions import Version
from blockstore.api.request import Request

TAGGED = Version(3, 15)


def index(req: Request, volume_id: str) -> response.Response:
    """GET: all keys; from 3.15 on with a tag of what they are."""
    values = req.services.volumes.metadata.get(req.context, volume_id)
    body = {'metadata': values}
    headers = []
    if req.microversion >= TAGGED:
        headers.append(('Etag', _tag(body)))
    return response.Response(200, body, headers)


def merge(req: Request, volume_id: str) -> dict[str, Any]:
    """POST: add or change keys."""
    return {'metadata': req.services.volumes.metadata.merge(
        req.context, volume_id, req.body_json['metadata'])}


def replace(req: Request, volume_id: str) -> dict[str, Any]:
    """PUT: these keys and no others, if they are still what they were."""
    wanted = req.environ.get('HTTP_IF_MATCH')
    if req.microversion < TAGGED:
        wanted = None

    def check(values: dict[str, str]) -> None:
        tag = _tag({'metadata': values})
        if wanted is not None and wanted.strip().strip('"') not in (tag, '*'):
            raise faults.PreconditionFailed(
                f'the metadata of volume {volume_id} has changed',
                remedy='read it again')

    return {'metadata': req.services.volumes.metadata.replace(
        req.context, volume_id, req.body_json['metadata'],
        None if wanted is None else check)}


def show(req: Request, volume_id: str, key: str) -> dict[str, Any]:
    """GET one key."""
    return common.one_key(
        req.services.volumes.metadata.get(req.context, volume_id), key)


def update(req: Request, volume_id: str, key: str) -> dict[str, Any]:
    """PUT one key."""
    values = common.changed_key(req, key)
    req.services.volumes.metadata.merge(req.context, volume_id, values)
    return {'meta': values}


def delete(req: Request, volume_id: str, key: str) -> None:
    """DELETE one key."""
    req.services.volumes.metadata.delete_key(req.context, volume_id, key)


def _tag(body: dict[str, Any]) -> str:
    return hashlib.md5(response.dumps(body),
                       usedforsecurity=False).hexdigest()
