"""What every strategy ends with: the context of the caller, or a refusal."""

from collections.abc import Sequence
from typing import Any

from blockstore import context
from blockstore.api import policy
from blockstore.api import request
from blockstore.api import response
from blockstore.api import router
from blockstore.api import routes

#: What anybody may ask for: clients look for versions before they log in.
PUBLIC_PATHS = frozenset(row.path for row in routes.ROOTS)


def is_public(environ: response.Environ) -> bool:
    """Tell whether a request needs no caller."""
    return environ.get('PATH_INFO') in PUBLIC_PATHS


def identify(environ: response.Environ, enforcer: policy.Enforcer, *,
             roles: Sequence[str], **who: Any) -> None:
    """Put the caller's context into a request.

    :param who: the other attributes of the context.
    """
    environ[request.CONTEXT_KEY] = context.RequestContext(
        roles=roles, is_admin=enforcer.is_admin(list(roles)),
        request_id=environ.get(router.REQUEST_ID_KEY),
        global_request_id=environ.get(router.GLOBAL_REQUEST_ID_KEY), **who)
