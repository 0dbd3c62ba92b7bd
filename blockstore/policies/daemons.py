"""Who may see and switch the services that run."""

from oslo_policy import policy

from blockstore.policies import base

RULES = [
    base.rule('volume_extension:services:index', base.ADMIN,
              'List the services.', 'GET', '/os-services'),
    base.rule('volume_extension:services:update', base.ADMIN,
              'Enable or disable a service.', 'PUT', '/os-services/{action}'),
]


def list_rules() -> list[policy.DocumentedRuleDefault]:
    """Return the rules of services."""
    return RULES
