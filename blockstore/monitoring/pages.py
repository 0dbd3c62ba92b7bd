"""The pages that a watcher reads: ``/metrics`` and ``/health/…``.

``/health/live`` and ``/health/ready`` answer 200 or 503 and say of each part
``ok``, or what else it is; the reason is in the log.  ``/metrics`` is for
Prometheus.

>>> pages = Pages(registry, health)
>>> pages.answer('/health/ready')
Page(status='200 OK', …)
"""

from collections.abc import Iterable
import ipaddress
import json
import typing

import prometheus_client as prometheus

from blockstore.monitoring.health import Answers
from blockstore.monitoring.health import Health
from blockstore.monitoring.health import OK

METRICS, LIVE, READY = '/metrics', '/health/live', '/health/ready'
_PROXIED = ('HTTP_FORWARDED', 'HTTP_X_FORWARDED_FOR')
Environ = dict[str, typing.Any]
Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


class Page(typing.NamedTuple):
    """An answer to a GET."""

    status: str
    content_type: str
    body: bytes


class Pages:
    """The WSGI application of the pages, and of nothing else.

    :param app: answers whatever is no such page; None: 404 does.
    :param allowed: the networks that may read ``/metrics``; None: all.
    """

    def __init__(self, registries: Iterable[prometheus.CollectorRegistry],
                 health: Health, app: typing.Any = None,
                 allowed: Iterable[str] | None = None) -> None:
        self._registries = tuple(registries)
        self._health = health
        self._app = app
        self._allowed: Networks | None = None if allowed is None else tuple(
            ipaddress.ip_network(network) for network in allowed)

    def __call__(self, environ: Environ, start_response: typing.Any,
                 ) -> typing.Any:
        path = environ.get('PATH_INFO', '')
        if path not in (METRICS, LIVE, READY) and self._app is not None:
            return self._app(environ, start_response)
        if environ['REQUEST_METHOD'] not in ('GET', 'HEAD'):
            page = _text('405 Method Not Allowed', 'only GET\n')
        elif path == METRICS and not self._may_read(environ):
            page = _text('403 Forbidden', 'not from here; see '
                         '[observability] metrics_allowed\n')
        else:
            page = self.answer(path)
        start_response(page.status, [
            ('Content-Type', page.content_type),
            ('Content-Length', str(len(page.body))),
            ('Cache-Control', 'no-store')])
        return [] if environ['REQUEST_METHOD'] == 'HEAD' else [page.body]

    def answer(self, path: str) -> Page:
        """Make the page of a path."""
        if path == LIVE:
            return _health(self._health.live())
        if path == READY:
            return _health(self._health.ready())
        if path == METRICS:
            return Page('200 OK', prometheus.CONTENT_TYPE_LATEST, b''.join(
                prometheus.generate_latest(registry)
                for registry in self._registries))
        return _text('404 Not Found', 'there is no such page\n')

    def _may_read(self, environ: Environ) -> bool:
        if self._allowed is None:
            return True
        if any(environ.get(name) for name in _PROXIED):
            return False
        try:
            address = ipaddress.ip_address(environ.get('REMOTE_ADDR', ''))
        except ValueError:
            return False
        return any(address in network for network in self._allowed)


def _health(answers: Answers) -> Page:
    well = all(answer == OK for answer in answers.values())
    return Page('200 OK' if well else '503 Service Unavailable',
                'application/json',
                json.dumps({'ok': well, 'parts': answers}).encode())


def _text(status: str, words: str) -> Page:
    return Page(status, 'text/plain', words.encode())
