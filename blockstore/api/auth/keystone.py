"""Tokens of OpenStack Identity, validated by keystonemiddleware.

``[keystone_authtoken]`` is what it is in every OpenStack service.  The
application does not run below keystonemiddleware's: that one is asked first,
and only what it has found out is used.  So nothing that the application
raises can become a 401, and what Keystone or the network raise becomes
neither a 401 nor a 500, but a 503: the token may be good.
"""

from typing import Any

from keystoneauth1 import exceptions as keystone_exceptions
from keystonemiddleware import auth_token
from oslo_config import cfg
from oslo_log import log as logging

from blockstore import errors
from blockstore import exceptions
from blockstore.api import faults
from blockstore.api import policy
from blockstore.api import response
from blockstore.api.auth import identity
from blockstore.api.auth import token_cache

LOG = logging.getLogger(__name__)

GROUP = 'keystone_authtoken'
SERVICE_TYPE = 'block-storage'
_CACHE_KEY = 'blockstore.token_cache'
# Without a limit, a Keystone that hangs would take all threads with it.
_SECONDS_TO_ANSWER = 10


def register(conf: cfg.ConfigOpts) -> None:
    """Register the options of ``[keystone_authtoken]``."""
    for group, options in auth_token.list_opts():
        conf.register_opts(options, group=group)


def check(conf: cfg.ConfigOpts) -> None:
    """Refuse a service that could not ask Keystone anything.

    :raises exceptions.Invalid: it has no user of its own.
    """
    register(conf)
    group = conf[GROUP]
    if not (group.auth_type or group.auth_section):
        raise exceptions.Invalid(
            f'[auth] strategy = keystone, but [{GROUP}] has no auth_type',
            remedy=f'give the service a user: [{GROUP}] auth_type = password '
                   'with auth_url, username, password, project_name and '
                   'their domains')


class Middleware:
    """WSGI middleware: makes the context from a token."""

    def __init__(self, app: response.App, conf: cfg.ConfigOpts,
                 enforcer: policy.Enforcer) -> None:
        self._app = app
        self._enforcer = enforcer
        register(conf)
        group = conf[GROUP]
        self._cache = None
        overrides: dict[str, Any] = {
            'oslo_config_config': conf, 'delay_auth_decision': False}
        if not group.memcached_servers:
            self._cache = token_cache.TokenCache(group.token_cache_time)
            overrides['cache'] = _CACHE_KEY
        if group.http_connect_timeout is None:
            overrides['http_connect_timeout'] = _SECONDS_TO_ANSWER
        if group.service_type is None:
            overrides['service_type'] = SERVICE_TYPE
        self._tokens = auth_token.AuthProtocol(_accept, overrides)

    def __call__(self, environ: response.Environ,
                 start_response: response.StartResponse) -> list[bytes]:
        if identity.is_public(environ):
            return self._app(environ, start_response)
        try:
            self._ask(environ)
        except Exception as error:  # noqa: BLE001
            # This stands before the router, the boundary of all else.
            return faults.respond(error).send(start_response)
        self._identify(environ)
        return self._app(environ, start_response)

    def _ask(self, environ: response.Environ) -> None:
        """Let keystonemiddleware look at the tokens of a request."""
        if self._cache is not None:
            environ[_CACHE_KEY] = self._cache
        answers: list[tuple[int, dict[str, str]]] = []

        def start_response(status: str, headers: list[tuple[str, str]],
                           *_: Any) -> None:
            answers.append((int(status.partition(' ')[0]), dict(headers)))

        try:
            self._tokens(environ, start_response)
        except keystone_exceptions.ClientException as error:
            LOG.error('Keystone cannot be asked: %s', error)
            raise _away() from None
        status, headers = answers[0]
        if status == 401:
            raise faults.Unauthorized(
                'the request has no valid token',
                challenge=headers.get('WWW-Authenticate', ''),
                remedy='get a token from Keystone; send it as X-Auth-Token')
        if status != 204:
            raise _away()

    def _identify(self, environ: response.Environ) -> None:
        # The tokens themselves, not the headers made of them: there a comma
        # in the name of a role makes two roles of it, and the scope of a
        # service's token takes the place of the user's.
        tokens = environ['keystone.token_auth']
        user, service = tokens.user, tokens.service
        system = (user.system or {}) if user.system_scoped else {}
        identity.identify(
            environ, self._enforcer, roles=user.role_names,
            user_id=user.user_id, user_name=user.username,
            user_domain_id=user.user_domain_id,
            user_domain_name=user.user_domain_name,
            project_id=user.project_id, project_name=user.project_name,
            project_domain_id=user.project_domain_id,
            project_domain_name=user.project_domain_name,
            domain_id=user.domain_id, domain_name=user.domain_name,
            system_scope='all' if system.get('all') else None,
            service_roles=service.role_names if service else (),
            service_user_id=service.user_id if service else None,
            service_project_id=service.project_id if service else None)


def _away() -> exceptions.Unavailable:
    return exceptions.Unavailable(
        'Keystone cannot be asked about the token now',
        code=errors.AUTH_UNAVAILABLE, remedy='repeat the request later')


def _accept(environ: response.Environ,
            start_response: response.StartResponse) -> list[bytes]:
    """Stand for the application: the tokens of the request are good."""
    start_response('204 No Content', [])
    return []
