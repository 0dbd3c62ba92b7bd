"""The services that run, over HTTP."""

from typing import Any

from blockstore.api.request import Request
from blockstore.api.views import daemons as view


def index(req: Request) -> dict[str, Any]:
    """GET /os-services."""
    query = req.query()
    found = req.services.daemons.list(
        req.context, query.get('host'), query.get('binary'))
    return {'services': [view.detail(daemon, req.microversion)
                         for daemon in found]}


def enable(req: Request) -> dict[str, Any]:
    """PUT /os-services/enable."""
    host, binary = _named(req)
    req.services.daemons.enable(req.context, host, binary)
    return _switched(host, binary, disabled=False)


def disable(req: Request) -> dict[str, Any]:
    """PUT /os-services/disable."""
    host, binary = _named(req)
    req.services.daemons.disable(req.context, host, binary)
    return _switched(host, binary, disabled=True)


def disable_with_reason(req: Request) -> dict[str, Any]:
    """PUT /os-services/disable-log-reason."""
    host, binary = _named(req)
    reason = req.body_json['disabled_reason'].strip()
    req.services.daemons.disable(req.context, host, binary, reason)
    return {**_switched(host, binary, disabled=True),
            'disabled_reason': reason}


def _named(req: Request) -> tuple[str, str]:
    body = req.body_json
    return body['host'], body.get('binary') or body['service']


def _switched(host: str, binary: str, *, disabled: bool) -> dict[str, Any]:
    return {'host': host, 'service': binary, 'binary': binary,
            'disabled': disabled, 'status': view.status(disabled)}
