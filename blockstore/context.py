"""Who asks, for which project, under which request id.

One context is made for each HTTP request (or by a daemon for its own work),
travels with every RPC message and is put into the thread that works under
it, so that every log line carries the request id.  It carries no token: what
crosses RPC is no secret.

>>> context = RequestContext(user_id='u', project_id='p', roles=['member'])
>>> context.is_admin, context.elevated().is_admin
(False, True)
"""

from collections.abc import Sequence
from typing import Any

from oslo_context import context

ADMIN_ROLE = 'admin'


class RequestContext(context.RequestContext):
    """The security context and the request id of one piece of work.

    :param is_admin: what the API's policy decided; None derives it from
        the role ``admin``.
    :param operation_id: the operation that the work is done for, if any; as
        ``resource_uuid``, it is there for the log.
    :ivar any_project: whether the caller, a service, may see the resource
        that it names, whatever its project; set for one request at most.
    :param overwrite: put this context into the current thread.
    """

    FROM_DICT_EXTRA_KEYS = ['service_roles', 'service_user_id',
                            'service_project_id', 'operation_id']

    def __init__(self, user_id: str | None = None,
                 project_id: str | None = None, *,
                 roles: Sequence[str] | None = None,
                 is_admin: bool | None = None,
                 service_roles: Sequence[str] | None = None,
                 operation_id: str | None = None,
                 overwrite: bool = True, **kwargs: Any) -> None:
        super().__init__(
            user_id=user_id, project_id=project_id,
            roles=list(roles or ()), is_admin=is_admin,
            service_roles=list(service_roles or ()),
            overwrite=overwrite, **kwargs)
        self.operation_id = operation_id
        self.any_project = False

    def check_is_admin(self) -> bool:
        """Tell whether a role makes the caller an administrator."""
        return ADMIN_ROLE in self.roles

    def to_dict(self) -> dict[str, Any]:
        """Give what another process needs to know, without any token."""
        values = super().to_dict()
        values['auth_token'] = None
        values['user_id'] = self.user_id
        values['user_name'] = self.user_name
        values['project_name'] = self.project_name
        for key in self.FROM_DICT_EXTRA_KEYS:
            values[key] = getattr(self, key)
        return values

    def elevated(self) -> 'RequestContext':
        """Give a copy with an administrator's rights, same request id.

        The thread's own context stays what it is.
        """
        values = self.to_dict()
        values['is_admin'] = True
        values['roles'] = list(dict.fromkeys([*self.roles, ADMIN_ROLE]))
        return RequestContext.from_dict(values, overwrite=False)


def for_service(project_id: str | None = None,
                user_id: str | None = None,
                request_id: str | None = None) -> RequestContext:
    """Make an administrator's context for a daemon's own work.

    :param request_id: the request that the work goes on for, if any.
    """
    return RequestContext(user_id=user_id, project_id=project_id,
                          roles=[ADMIN_ROLE], is_admin=True,
                          request_id=request_id)
