"""Requests to a service of a test, over real HTTP, as its administrator.

>>> rest.send(8776, PROJECT, 'GET', 'volumes')
Answer(status=200, json={'volumes': []})
"""

import http.client
import json
import socket
import typing
import urllib.error
import urllib.request

_SECONDS = 120.0


class Broken(ConnectionError):
    """Raised when no answer came: the service has died, or is not up."""


class Answer(typing.NamedTuple):
    """An HTTP answer: its status and its body, which is None if empty."""

    status: int
    json: typing.Any
    headers: typing.Mapping[str, str]


def send(port: int, project: str, method: str, path: str,
         body: typing.Any = None, *, token: str | None = None,
         version: str = '3.71') -> Answer:
    """Send one request to 127.0.0.1; any status is an answer.

    :param path: what comes behind ``/v3/PROJECT/``, or all of it if it
        begins with a slash.
    :param token: by default that of an administrator.
    :raises Broken: no answer came.
    """
    if not path.startswith('/'):
        path = f'/v3/{project}/{path}'
    request = urllib.request.Request(
        f'http://127.0.0.1:{port}{path}', method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={'Content-Type': 'application/json',
                 'X-Auth-Token': token or f'admin:{project}',
                 'OpenStack-API-Version': f'volume {version}'})
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            return _answer(answer.status, answer)
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error.code, error)
    except (OSError, http.client.HTTPException) as error:
        raise Broken(f'{method} {path}: {error}') from error


def _answer(status: int, answer: typing.Any) -> Answer:
    data = answer.read()
    return Answer(status, json.loads(data) if data else None, answer.headers)


def readiness(port: int) -> dict[str, str]:
    """Return what a daemon says of its parts: ``ok``, or what else.

    :param port: that of the API, or its ``[observability] port``.
    """
    url = f'http://127.0.0.1:{port}/health/ready'
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:
            return dict(json.load(answer)['parts'])
    except urllib.error.HTTPError as error:
        with error:
            return dict(json.load(error)['parts'])


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return int(probe.getsockname()[1])
