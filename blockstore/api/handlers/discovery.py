"""Zones, extensions and filters, over HTTP."""

from typing import Any

from blockstore import exceptions
from blockstore.api.request import Request
from blockstore.api.views import discovery as view


def zones(req: Request) -> dict[str, Any]:
    """GET /os-availability-zone."""
    return {'availabilityZoneInfo': view.zones(
        req.services.zones.list(req.context))}


def extensions(req: Request) -> dict[str, Any]:
    """GET /extensions."""
    return {'extensions': [view.extension(alias)
                           for alias in view.EXTENSIONS]}


def show_extension(req: Request, alias: str) -> dict[str, Any]:
    """GET /extensions/{alias}."""
    if alias not in view.EXTENSIONS:
        raise exceptions.NotFound(f'there is no extension {alias}')
    return {'extension': view.extension(alias)}


def resource_filters(req: Request) -> dict[str, Any]:
    """GET /resource_filters."""
    return {'resource_filters': view.resource_filters(
        req.app_conf.api.resource_filters, req.query().get('resource'))}
