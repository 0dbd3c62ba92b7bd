"""What the service speaks, for discovery; needs no token."""

from typing import Any

from blockstore.api import links
from blockstore.api import response
from blockstore.api.request import Request
from blockstore.api.views import versions as view


def choices(req: Request) -> dict[str, Any]:
    """GET /: every version of the API."""
    return show(req)


def show(req: Request) -> dict[str, Any]:
    """GET /v3/: the same, as one version among one."""
    return view.versions(links.base_url(req.app_conf, req.environ))


def redirect(req: Request) -> response.Response:
    """GET /v3: show where it is."""
    base = links.base_url(req.app_conf, req.environ)
    return response.Response(302, None, [('Location', f'{base}/v3/')])
