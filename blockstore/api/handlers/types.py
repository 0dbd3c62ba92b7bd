"""Volume types, their extra specs and their access, over HTTP."""

import dataclasses
from typing import Any

from blockstore import exceptions
from blockstore.api import faults
from blockstore.api import paging
from blockstore.api.microversions import Version
from blockstore.api.request import boolean
from blockstore.api.request import Request
from blockstore.api.views import types as view
from blockstore.db.listing import ListQuery

_PUBLIC = 'os-volume-type-access:is_public'
TYPES = paging.Collection(
    name='volume_types', resource='volume_type',
    links_name='volume_type_links',
    sort=paging.sort_keys('id', 'name', 'created_at', 'updated_at'),
    filters={'is_public': paging.Filter('is_public', 'own'),
             'extra_specs': paging.Filter(
                 'extra_specs', 'metadata', Version(3, 52))})


def index(req: Request) -> dict[str, Any]:
    """GET /types."""
    query = _with_visibility(req, paging.read(req, TYPES))
    found = req.services.types.list(req.context, query)
    return paging.answer(req, TYPES, query, [type_.row for type_ in found],
                         [_view(req, type_) for type_ in found],
                         path='types')


def show(req: Request, type_id: str) -> dict[str, Any]:
    """GET /types/{id}."""
    return _answer(req, req.services.types.get(req.context, type_id))


def show_default(req: Request) -> dict[str, Any]:
    """GET /types/default."""
    return _answer(req, req.services.types.default(req.context))


def create(req: Request) -> dict[str, Any]:
    """POST /types."""
    body = req.body_json['volume_type']
    return _answer(req, req.services.types.create(
        req.context, body['name'].strip(),
        description=body.get('description'),
        is_public=boolean(body.get(_PUBLIC, True), _PUBLIC),
        extra_specs=body.get('extra_specs')))


def update(req: Request, type_id: str) -> dict[str, Any]:
    """PUT /types/{id}."""
    body = req.body_json['volume_type']
    values = {}
    if body.get('name') is not None:
        values['name'] = body['name'].strip()
    if 'description' in body:
        values['description'] = body['description']
    if 'is_public' in body:
        values['is_public'] = boolean(body['is_public'], 'is_public')
    if not values:
        raise faults.BadRequest('there is nothing to change')
    return _answer(req, req.services.types.update(
        req.context, type_id, values))


def delete(req: Request, type_id: str) -> None:
    """DELETE /types/{id}."""
    req.services.types.delete(req.context, type_id)


def encryption(req: Request, type_id: str) -> dict[str, Any]:
    """GET /types/{id}/encryption: no type is encrypted."""
    req.services.types.get(req.context, type_id)
    return {}


# Extra specs.

def specs(req: Request, type_id: str) -> dict[str, Any]:
    """GET /types/{id}/extra_specs."""
    return {'extra_specs': _visible_specs(req, type_id)}


def add_specs(req: Request, type_id: str) -> dict[str, Any]:
    """POST /types/{id}/extra_specs."""
    given = req.body_json['extra_specs']
    req.services.types.set_extra_specs(req.context, type_id, given)
    return {'extra_specs': given}


def show_spec(req: Request, type_id: str, key: str) -> dict[str, Any]:
    """GET /types/{id}/extra_specs/{key}."""
    found = _visible_specs(req, type_id)
    if key not in found:
        raise exceptions.NotFound(
            f'volume type {type_id} has no extra spec {key}')
    return {key: found[key]}


def update_spec(req: Request, type_id: str, key: str) -> dict[str, Any]:
    """PUT /types/{id}/extra_specs/{key}."""
    given: dict[str, Any] = req.body_json
    if key not in given:
        raise faults.BadRequest(
            'the key in the body is not that in the URL')
    req.services.types.set_extra_specs(req.context, type_id, given)
    return given


def delete_spec(req: Request, type_id: str, key: str) -> None:
    """DELETE /types/{id}/extra_specs/{key}."""
    req.services.types.delete_extra_spec(req.context, type_id, key)


# Access.

def projects(req: Request, type_id: str) -> dict[str, Any]:
    """GET /types/{id}/os-volume-type-access."""
    found = req.services.types.projects(req.context, type_id)
    return {'volume_type_access': [
        {'volume_type_id': type_id, 'project_id': project_id}
        for project_id in found]}


def add_project(req: Request, type_id: str) -> None:
    """POST /types/{id}/action, addProjectAccess."""
    req.services.types.add_project(
        req.context, type_id, req.body_json['addProjectAccess']['project'])


def remove_project(req: Request, type_id: str) -> None:
    """POST /types/{id}/action, removeProjectAccess."""
    req.services.types.remove_project(
        req.context, type_id,
        req.body_json['removeProjectAccess']['project'])


# Defaults of projects.

def list_defaults(req: Request) -> dict[str, Any]:
    """GET /default-types."""
    return {'default_types': [
        _default(row.project_id, row.volume_type_id)
        for row in req.services.types.defaults(req.context)]}


def show_project_default(req: Request, project_id: str) -> dict[str, Any]:
    """GET /default-types/{project_id}."""
    row = req.services.types.default_of(req.context, project_id)
    return {'default_type': _default(project_id, row.id)}


def set_default(req: Request, project_id: str) -> dict[str, Any]:
    """PUT /default-types/{project_id}."""
    row = req.services.types.set_default(
        req.context, project_id,
        req.body_json['default_type']['volume_type'].strip())
    return {'default_type': _default(project_id, row.id)}


def unset_default(req: Request, project_id: str) -> None:
    """DELETE /default-types/{project_id}."""
    req.services.types.unset_default(req.context, project_id)


def _default(project_id: str, type_id: str) -> dict[str, str]:
    return {'project_id': project_id, 'volume_type_id': type_id}


def _with_visibility(req: Request, query: ListQuery) -> ListQuery:
    """Add ``is_public``, with which administrators ask for private types.

    Others always get the public types and those that they were given.
    """
    if query.metadata and not _sees_all_specs(req) and not (
            set(query.metadata) <= view.USER_VISIBLE):
        # Nobody finds out by asking what is not shown.
        query = dataclasses.replace(query, limit=0)
    if not req.context.is_admin:
        return query
    value = req.query().get('is_public', 'true')
    if value.lower() == 'none':
        return query
    return dataclasses.replace(query, filters={
        **query.filters, 'is_public': boolean(value, 'is_public')})


def _visible_specs(req: Request, type_id: str) -> dict[str, str]:
    type_ = req.services.types.get(req.context, type_id)
    return view.specs(type_.extra_specs, sensitive=_sees_all_specs(req))


def _sees_all_specs(req: Request) -> bool:
    return req.can('volume_extension:types_extra_specs:read_sensitive')


def _view(req: Request, type_: Any) -> dict[str, Any]:
    return view.detail(
        type_.row, type_.extra_specs, sensitive=_sees_all_specs(req),
        access=req.can('volume_extension:volume_type_access'),
        qos=req.can('volume_extension:access_types_qos_specs_id'))


def _answer(req: Request, type_: Any) -> dict[str, Any]:
    return {'volume_type': _view(req, type_)}
