"""Counts and times every answer, by the row of the route table.

Also those of layers that answer before the router does, such as a refusal by
authentication.  What no row stands for has the route ``none``: a client
cannot make series.
"""

import time
from typing import Any

from blockstore import metrics
from blockstore.api import response
from blockstore.api import router
from blockstore.api.rows import Row


class Measure:
    """Passes everything on and looks at the answer."""

    def __init__(self, app: response.App) -> None:
        self._app = app

    def __call__(self, environ: response.Environ,
                 start_response: response.StartResponse) -> Any:
        began = time.monotonic()
        code = '500'

        def start(status: str, headers: list[tuple[str, str]],
                  *rest: Any) -> Any:
            nonlocal code
            code = status[:3]
            return start_response(status, headers, *rest)

        try:
            return self._app(environ, start)
        finally:
            method, route = _names(environ.get(router.ROW_KEY))
            metrics.REQUESTS.labels(method, route, code).inc()
            metrics.REQUEST_SECONDS.labels(method, route).observe(
                time.monotonic() - began)


def _names(row: Row | None) -> tuple[str, str]:
    """Return the method and the template of what a request asked for."""
    if row is None:
        return 'none', 'none'
    action = f' {row.action}' if row.action else ''
    return row.method, f'{row.path}{action}'
