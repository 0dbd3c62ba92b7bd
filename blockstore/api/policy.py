"""Asks oslo.policy whether a caller may do something.

Roles imply each other as in Keystone's defaults: who has ``admin`` has
``member``, who has ``member`` has ``reader``.  The answers for one set of
roles are kept for a moment, for a policy file is read again only so often.
"""

from collections.abc import Callable
from collections.abc import Mapping
import threading
import time
from typing import Any

from oslo_config import cfg
from oslo_policy import policy

from blockstore import conf as blockstore_conf
from blockstore import exceptions
from blockstore import policies
from blockstore.context import RequestContext
from blockstore.policies import base

IMPLIED = {'admin': ('member',), 'member': ('reader',)}
CACHE_SECONDS = 1.0
_CACHE_SIZE = 10000


def with_implied(roles: list[str]) -> list[str]:
    """Return roles together with those that they imply."""
    found = list(dict.fromkeys(roles))
    for role in found:
        found.extend(implied for implied in IMPLIED.get(role, ())
                     if implied not in found)
    return found


class Enforcer:
    """oslo.policy with our rules and a short memory."""

    def __init__(self, conf: cfg.ConfigOpts,
                 overrides: Mapping[str, str] | None = None) -> None:
        self._policy = policy.Enforcer(conf)
        self._policy.suppress_default_change_warnings = True
        self._policy.register_defaults(policies.list_rules())
        self._policy.load_rules()
        self._for_services = policies.for_services()
        if overrides:
            self._policy.set_rules(policy.Rules.from_dict(dict(overrides)),
                                   overwrite=False, use_conf=True)
        self._lock = threading.Lock()
        self._answers: dict[Any, bool] = {}
        self._forget_at = 0.0

    def knows(self, rule: str) -> bool:
        """Tell whether there is such a rule."""
        return rule in self._policy.registered_rules

    def is_admin(self, roles: list[str]) -> bool:
        """Tell whether roles make an administrator."""
        return self._remember(
            tuple(roles), lambda: self._policy.enforce(
                base.CONTEXT_IS_ADMIN, {}, {'roles': roles}))

    def reaches(self, context: RequestContext, rule: str) -> bool:
        """Tell whether a service may do this in any project."""
        return rule in self._for_services and self.allows(
            context, base.SERVICE_API)

    def allows(self, context: RequestContext, rule: str) -> bool:
        """Tell whether a caller may do what a rule is about."""
        key = (rule, context.project_id, context.user_id, context.is_admin,
               context.system_scope, context.domain_id,
               tuple(context.roles), tuple(context.service_roles))
        return self._remember(key, lambda: self._ask(context, rule))

    def require(self, context: RequestContext, rule: str) -> None:
        """Raise Forbidden unless a caller may do what a rule is about."""
        if not self.allows(context, rule):
            raise exceptions.Forbidden(
                f'policy does not allow {rule}',
                remedy='ask an administrator, or for another role')

    def _remember(self, key: Any, ask: Callable[[], Any]) -> bool:
        """Return the answer of a moment ago, else ask."""
        now = time.monotonic()
        if now >= self._forget_at or len(self._answers) > _CACHE_SIZE:
            with self._lock:
                self._answers = {}
                self._forget_at = now + CACHE_SECONDS
        answers = self._answers
        answer = answers.get(key)
        if answer is None:
            answer = answers[key] = bool(ask())
        return answer

    def _ask(self, context: RequestContext, rule: str) -> bool:
        credentials = {
            'roles': context.roles, 'is_admin': context.is_admin,
            'user_id': context.user_id, 'project_id': context.project_id,
            'system_scope': context.system_scope,
            'domain_id': context.domain_id,
            'service_roles': context.service_roles}
        target = {'project_id': context.project_id,
                  'user_id': context.user_id}
        return bool(self._policy.enforce(rule, target, credentials))


def get_enforcer() -> policy.Enforcer:
    """Return an enforcer for oslo.policy's command-line tools."""
    blockstore_conf.CONF([], project='blockstore')
    enforcer = policy.Enforcer(blockstore_conf.CONF)
    enforcer.register_defaults(policies.list_rules())
    return enforcer
