"""Names and passwords by HTTP Basic, for a server without Keystone.

The users are in a file (:mod:`blockstore.api.auth.user_file`).  Clients use
keystoneauth's plug-in ``http_basic``.  Basic sends the password along with
every request: beyond this host it needs TLS, by a proxy before the service.
"""

import base64
import binascii
import os

from oslo_config import cfg
from oslo_log import log as logging

from blockstore import exceptions
from blockstore.api import faults
from blockstore.api import policy
from blockstore.api import response
from blockstore.api.auth import identity
from blockstore.api.auth import passwords
from blockstore.api.auth import user_file

LOG = logging.getLogger(__name__)

CHALLENGE = 'Basic realm="blockstore", charset="UTF-8"'


def check(conf: cfg.ConfigOpts) -> None:
    """Refuse a file of users that cannot be read.

    :raises exceptions.Invalid: saying how to make one.
    """
    path = conf.auth.http_basic_user_file
    if not os.access(path, os.R_OK):
        raise exceptions.Invalid(
            f'[auth] strategy = http_basic, but {path} cannot be read',
            remedy='make the first user: blockstore-manage user set NAME '
                   '--role admin; the service must be allowed to read it')


class Middleware:
    """WSGI middleware: makes the context from a name and a password."""

    def __init__(self, app: response.App, conf: cfg.ConfigOpts,
                 enforcer: policy.Enforcer) -> None:
        self._app = app
        self._enforcer = enforcer
        self._users = user_file.UserFile.from_conf(conf)
        self._passwords = passwords.Passwords(conf.auth.http_basic_cache_time)

    def __call__(self, environ: response.Environ,
                 start_response: response.StartResponse) -> list[bytes]:
        if identity.is_public(environ):
            return self._app(environ, start_response)
        try:
            user = self._authenticate(environ)
        except Exception as error:  # noqa: BLE001
            # This stands before the router, the boundary of all else.
            return faults.respond(error).send(start_response)
        identity.identify(
            environ, self._enforcer, user_id=user.name, user_name=user.name,
            project_id=user.project_id,
            roles=policy.with_implied(list(user.roles)))
        return self._app(environ, start_response)

    def _authenticate(self, environ: response.Environ) -> user_file.User:
        """Return who asks, or raise Unauthorized or Unavailable."""
        name, password = _credentials(
            environ.get('HTTP_AUTHORIZATION', ''))
        user = self._users.users().get(name)
        if not self._passwords.is_right(user, password) or user is None:
            # A name that nobody has may be a password typed too early.
            LOG.warning('Refused a wrong password of %s, from %s',
                        f'user {user.name}' if user else 'an unknown user',
                        environ.get('REMOTE_ADDR', 'an unknown address'))
            raise _unauthorized('the name or the password is wrong')
        return user


def _credentials(header: str) -> tuple[str, bytes]:
    scheme, _, encoded = header.strip().partition(' ')
    if scheme.lower() != 'basic':
        raise _unauthorized('the request does not say who asks')
    try:
        name, colon, password = base64.b64decode(
            encoded.strip(), validate=True).partition(b':')
        if colon:
            return name.decode(), password
    except (binascii.Error, ValueError):
        pass
    raise _unauthorized('the header Authorization cannot be read')


def _unauthorized(message: str) -> faults.Unauthorized:
    return faults.Unauthorized(
        message, challenge=CHALLENGE,
        remedy='send the name and the password by HTTP Basic')
