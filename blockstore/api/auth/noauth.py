"""Believes what a request says about its caller: for one trusted host.

``X-Auth-Token: user:project`` is a member of that project, ``admin:project``
an administrator; ``user:project:role1,role2`` names the roles.  A request
without a token comes from the administrator, for the project in the URL; so
does one whose token has no colon and thus names nobody (keystoneauth's
``none`` plug-in, which clients use here, always sends the word ``notused``).
As everybody who reaches the port can say anything, :func:`check_exposure`
keeps it on the loopback address.  A request must come from there too
(whatever server has the port: another WSGI server does not ask us where to
listen), and must have called us by a loopback name (so that a web page
cannot, under a name of its own).
"""

from collections.abc import Sequence
import ipaddress
from urllib import parse

from oslo_config import cfg

from blockstore import exceptions
from blockstore.api import faults
from blockstore.api import policy
from blockstore.api import response
from blockstore.api import router
from blockstore.api.auth import identity

ADMIN = 'admin'
MEMBER = 'member'


def is_loopback(host: str) -> bool:
    """Tell whether only this host can reach an address."""
    if host.lower() in ('localhost', 'ip6-localhost'):
        return True
    try:
        address = ipaddress.ip_address(host.strip('[]'))
    except ValueError:
        return False
    # How a socket for both protocols shows a caller of the older one.
    mapped = getattr(address, 'ipv4_mapped', None)
    return (mapped or address).is_loopback


def check(conf: cfg.ConfigOpts) -> None:
    """Refuse settings with which everybody could get in."""
    check_exposure(conf)


def check_exposure(conf: cfg.ConfigOpts) -> None:
    """Refuse to listen where others could be administrators by saying so.

    :raises exceptions.Invalid: the address is not loopback, and the
        operator has not allowed that.
    """
    if conf.auth.strategy != 'noauth' or conf.auth.noauth_allow_remote:
        return
    if not is_loopback(conf.api.host):
        raise exceptions.Invalid(
            f'[api] host = {conf.api.host} can be reached by others, and '
            'with [auth] strategy = noauth each of them is administrator',
            remedy='listen on 127.0.0.1, or set [auth] noauth_allow_remote')


class Middleware:
    """WSGI middleware: makes the context from the token's words."""

    def __init__(self, app: response.App, conf: cfg.ConfigOpts,
                 enforcer: policy.Enforcer) -> None:
        self._app = app
        self._enforcer = enforcer
        self._project: str = conf.auth.noauth_project
        self._any_host: bool = conf.auth.noauth_allow_remote
        endpoint = parse.urlsplit(conf.api.public_endpoint or '').hostname
        self._own_hosts = {conf.api.host, endpoint}

    def __call__(self, environ: response.Environ,
                 start_response: response.StartResponse) -> list[bytes]:
        if not self._any_host and not _is_from_here(environ):
            return faults.respond(exceptions.Forbidden(
                'this service is for callers on its own host',
                remedy='use another [auth] strategy')).send(start_response)
        if not self._any_host and not self._is_own_name(environ):
            return faults.respond(exceptions.Forbidden(
                'this service has another name',
                remedy='call it by its address, or set [api] '
                       'public_endpoint')).send(start_response)
        token = environ.get('HTTP_X_AUTH_TOKEN', '')
        user, project, roles = read_token(token)
        if user:
            self._identify(environ, user, project, roles)
        return self._app(environ, start_response)

    def _is_own_name(self, environ: response.Environ) -> bool:
        host = environ.get('HTTP_HOST')
        if not host:
            return True
        name = host if host.endswith(']') else host.rpartition(':')[0] or host
        return name in self._own_hosts or is_loopback(name)

    def _identify(self, environ: response.Environ, user: str,
                  project: str | None, roles: Sequence[str]) -> None:
        if project is None:
            environ[router.OPEN_PROJECT_KEY] = True
        every_role = policy.with_implied(list(roles))
        identity.identify(environ, self._enforcer, roles=every_role,
                          user_id=user, project_id=project or self._project)


def _is_from_here(environ: response.Environ) -> bool:
    """Tell whether a request was sent on this host.

    One that came over a socket of the file system has no address.
    """
    address = environ.get('REMOTE_ADDR')
    return not address or is_loopback(address)


def read_token(token: str) -> tuple[str, str | None, list[str]]:
    """Return the user, the project (None: any) and the roles of a token.

    An empty user means that the token says nothing that can be believed.
    """
    user, colon, rest = token.partition(':')
    if not colon:
        return ADMIN, None, [ADMIN]
    if len(token) > 255 or not token.isascii() or not token.isprintable():
        return '', None, []
    project, _, named = rest.partition(':')
    roles = [role for role in named.split(',') if role]
    if not roles:
        roles = [ADMIN if user == ADMIN else MEMBER]
    return user, project or None, roles
