"""An answer, from a handler's dict to the bytes on the wire."""

from collections.abc import Callable
import dataclasses
import http
import json
from typing import Any

StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Environ = dict[str, Any]
App = Callable[[Environ, StartResponse], list[bytes]]

_LINES = {status.value: f'{status.value} {status.phrase}'
          for status in http.HTTPStatus}


@dataclasses.dataclass(slots=True)
class Response:
    """What a handler returns when a dict is not enough.

    :param body: what becomes JSON; None for no body.
    """

    code: int
    body: dict[str, Any] | None = None
    headers: list[tuple[str, str]] = dataclasses.field(default_factory=list)

    def send(self, start_response: StartResponse) -> list[bytes]:
        """Answer through a WSGI server."""
        headers = self.headers
        if self.body is None:
            raw = b''
            if self.code != http.HTTPStatus.NO_CONTENT:
                headers.append(('Content-Length', '0'))
        else:
            raw = dumps(self.body)
            headers.append(('Content-Type', 'application/json'))
            headers.append(('Content-Length', str(len(raw))))
        start_response(_LINES[self.code], headers)
        return [raw]


def dumps(body: dict[str, Any]) -> bytes:
    """Return the JSON of a body, as it goes over the wire."""
    return json.dumps(body).encode()
