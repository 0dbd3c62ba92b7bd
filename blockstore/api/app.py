"""The pipeline: every layer that a request passes, in order.

Outermost first: the health check (needs no caller), what counts and times
each answer, the headers of a proxy
(only when ``[oslo_middleware] enable_proxy_headers_parsing`` is set), the
request id, who asks, and the router.  Sizes are bounded where a body is read
(:mod:`blockstore.api.request`), faults are made in the router.
"""

import re
from typing import Any

from oslo_config import cfg
from oslo_context import context as oslo_context
from oslo_middleware import healthcheck
from oslo_middleware import http_proxy_to_wsgi

from blockstore.api import measure
from blockstore.api import policy
from blockstore.api import response
from blockstore.api import router
from blockstore.api import routes
from blockstore.api.auth import strategies

HEALTH_PATH = '/healthcheck'
_REQUEST_ID = re.compile(
    'req-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}')


class HealthCheck:
    """Answers ``/healthcheck`` and passes the rest on."""

    def __init__(self, app: response.App, conf: cfg.ConfigOpts) -> None:
        self._app = app
        self._check = healthcheck.Healthcheck(None, conf)

    def __call__(self, environ: response.Environ,
                 start_response: response.StartResponse) -> Any:
        if environ.get('PATH_INFO') == HEALTH_PATH:
            return self._check(environ, start_response)
        return self._app(environ, start_response)


class RequestId:
    """Gives every request an id, and tells it in the answer."""

    def __init__(self, app: response.App) -> None:
        self._app = app

    def __call__(self, environ: response.Environ,
                 start_response: response.StartResponse) -> list[bytes]:
        request_id = oslo_context.generate_request_id()
        environ[router.REQUEST_ID_KEY] = request_id
        given = environ.get('HTTP_X_OPENSTACK_REQUEST_ID', '')
        if _REQUEST_ID.fullmatch(given):
            environ[router.GLOBAL_REQUEST_ID_KEY] = given

        def start(status: str, headers: list[tuple[str, str]]) -> Any:
            headers.append(('x-compute-request-id', request_id))
            headers.append(('x-openstack-request-id', request_id))
            return start_response(status, headers)

        return self._app(environ, start)


def make_app(conf: cfg.ConfigOpts, services: Any,
             enforcer: policy.Enforcer | None = None) -> response.App:
    """Compose the WSGI application.

    :param conf: with blockstore's options registered.
    :param services: an object with one attribute a noun (``volumes`` …).
    :param enforcer: policy; None makes one from the configuration.
    """
    enforcer = enforcer or policy.Enforcer(conf)
    app: Any = router.Router(conf, routes.ROOTS, routes.TABLE, services,
                             enforcer)
    app = strategies.wrap(app, conf, enforcer)
    app = RequestId(app)
    conf.register_opts(http_proxy_to_wsgi.OPTS, group='oslo_middleware')
    if conf.oslo_middleware.enable_proxy_headers_parsing:
        app = http_proxy_to_wsgi.HTTPProxyToWSGI(app, conf)
    return HealthCheck(measure.Measure(app), conf)
