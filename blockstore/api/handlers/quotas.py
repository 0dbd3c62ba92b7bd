"""Quota sets, quota classes and limits, over HTTP."""

from typing import Any

from blockstore.api.microversions import Version
from blockstore.api.request import Request
from blockstore.api.views import quotas as view

_NOT_LIMITS = frozenset({'id', 'tenant_id'})
OTHER_PROJECT = Version(3, 39)


def show(req: Request, project_id: str) -> dict[str, Any]:
    """GET /os-quota-sets/{project_id}."""
    standings = req.services.quotas.show(req.context, project_id)
    return view.quota_set(standings, project_id, usage=req.flag('usage'))


def defaults(req: Request, project_id: str) -> dict[str, Any]:
    """GET /os-quota-sets/{project_id}/defaults."""
    standings = req.services.quotas.defaults(req.context)
    return view.quota_set(standings, project_id)


def update(req: Request, project_id: str) -> dict[str, Any]:
    """PUT /os-quota-sets/{project_id}."""
    standings = req.services.quotas.update(
        req.context, project_id, _limits(req.body_json['quota_set']))
    return view.quota_set(standings)


def delete(req: Request, project_id: str) -> None:
    """DELETE /os-quota-sets/{project_id}."""
    req.services.quotas.delete(req.context, project_id)


def show_class(req: Request, class_name: str) -> dict[str, Any]:
    """GET /os-quota-class-sets/{class_name}."""
    return view.quota_class(
        req.services.quotas.show_class(req.context, class_name), class_name)


def update_class(req: Request, class_name: str) -> dict[str, Any]:
    """PUT /os-quota-class-sets/{class_name}."""
    return view.quota_class(req.services.quotas.update_class(
        req.context, class_name, _limits(req.body_json['quota_class_set'])))


def limits(req: Request) -> dict[str, Any]:
    """GET /limits: of the caller's project, or of another one."""
    project_id = req.context.project_id
    if req.microversion >= OTHER_PROJECT and req.context.is_admin:
        query = req.query()
        project_id = (query.get('project_id') or query.get('tenant_id')
                      or project_id)
    return view.limits(req.services.quotas.show(req.context, project_id))


def _limits(body: dict[str, Any]) -> dict[str, int]:
    return {name: int(value) for name, value in body.items()
            if name not in _NOT_LIMITS}
