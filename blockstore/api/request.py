"""A request as handlers see it: who asks, at which version, with what body.

Everything that a caller sends is read through this class, so that bytes that
are no text, text that no database stores, or a body that is no JSON are
answered with a 4xx here and never reach a service.
"""

from collections.abc import Mapping
import json
import math
from typing import Any
from typing import TYPE_CHECKING
from urllib import parse

from oslo_config import cfg
import webob.request

from blockstore.api import faults
from blockstore.api.microversions import Version
from blockstore.context import RequestContext

if TYPE_CHECKING:
    from blockstore.api import policy
    from blockstore.api import rows
    from blockstore.api.links import Links

CONTEXT_KEY = 'blockstore.context'

TRUE_STRINGS = ('true', 'True', 'TRUE', '1', 'ON', 'On', 'on', 'YES', 'Yes',
                'yes', 'y', 't')
FALSE_STRINGS = ('false', 'False', 'FALSE', '0', 'OFF', 'Off', 'off', 'NO',
                 'No', 'no', 'n', 'f')
_MAX_DEPTH = 64


def boolean(value: Any, name: str) -> bool:
    """Read a boolean or one of the strings that stand for one.

    :param name: what the value is called, for the message.
    :raises faults.BadRequest: the value is neither.
    """
    if value is True or value in TRUE_STRINGS:
        return True
    if value is False or value in FALSE_STRINGS:
        return False
    raise faults.BadRequest(f'{name}: {str(value)[:64]!r} is no boolean')


class Request(webob.request.BaseRequest):  # type: ignore[misc]
    """One HTTP request under way.

    ``app_conf``, ``services``, ``enforcer``, ``links``, ``row`` and
    ``microversion`` are set by the router before a handler sees it.
    ``project_in_url`` is the project id that the URL names, or None.
    """

    app_conf: cfg.ConfigOpts
    services: Any
    enforcer: 'policy.Enforcer'
    links: 'Links'
    row: 'rows.Row'
    microversion: Version
    project_in_url: str | None
    body_json: Any

    @property
    def context(self) -> RequestContext:
        """Who asks."""
        context: RequestContext = self.environ[CONTEXT_KEY]
        return context

    def query(self) -> dict[str, str]:
        """Return the parameters of the URL; the last of equal names wins."""
        text = self.environ.get('QUERY_STRING', '')
        if not text:
            return {}
        try:
            pairs = parse.parse_qsl(text, keep_blank_values=True,
                                    errors='strict', max_num_fields=256)
        except ValueError:
            raise faults.BadRequest(
                'the parameters of the URL cannot be read') from None
        for pair in pairs:
            for part in pair:
                _check_text(part)
        return dict(pairs)

    def flag(self, name: str) -> bool:
        """Return a boolean parameter of the URL, False when it is missing."""
        value = self.query().get(name)
        return value is not None and boolean(value, name)

    def can(self, rule: str) -> bool:
        """Tell whether policy allows the caller something further."""
        return self.enforcer.allows(self.context, rule)

    def require(self, rule: str) -> None:
        """Raise a 403 unless policy allows the caller something further."""
        self.enforcer.require(self.context, rule)

    def read_json(self, limit: int) -> Any:
        """Return the body as JSON gives it; None when there is none.

        :param limit: bytes that are read at most.
        :raises faults.HTTPError: 413, 415 or 400.
        """
        raw = self._read_body(limit)
        content_type = self.environ.get('CONTENT_TYPE', '')
        if not raw or not content_type:
            return None
        media_type = content_type.partition(';')[0].strip().lower()
        if media_type != 'application/json':
            raise faults.BadMediaType(
                f'content type {media_type[:64]!r} is not supported',
                remedy='send application/json')
        try:
            value = json.loads(raw.decode(), parse_float=_finite,
                               parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise faults.BadRequest('the body is no valid JSON') from None
        if b'\\u' in raw or raw.count(b'[') + raw.count(b'{') > _MAX_DEPTH:
            _check_value(value, 0)
        return value

    def _read_body(self, limit: int) -> bytes:
        length = self.environ.get('CONTENT_LENGTH') or ''
        if length.isdigit():
            if int(length) > limit:
                raise faults.TooLarge(f'the body is over {limit} bytes')
            raw: bytes = self.environ['wsgi.input'].read(int(length))
            return raw
        if not self.environ.get('wsgi.input_terminated'):
            return b''
        raw = self.environ['wsgi.input'].read(limit + 1)
        if len(raw) > limit:
            raise faults.TooLarge(f'the body is over {limit} bytes')
        return raw


def check_path(path: str) -> None:
    """Refuse a path that is no text."""
    _check_text(path)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _check_text(text: str) -> None:
    """Refuse what databases do not store: NUL and halves of characters."""
    if text.isascii():
        bad = '\x00' in text
    else:
        bad = '\x00' in text or any(
            '\ud800' <= char <= '\udfff' for char in text)
    if bad:
        raise faults.BadRequest('the request has characters that are no text')


def _check_value(value: Any, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise faults.BadRequest('the body is nested too deeply')
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _check_text(key)
            _check_value(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_value(item, depth + 1)
