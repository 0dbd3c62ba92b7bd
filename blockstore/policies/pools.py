"""Who may see what back ends have."""

from oslo_policy import policy

from blockstore.policies import base

RULES = [
    base.rule('scheduler_extension:scheduler_stats:get_pools', base.ADMIN,
              'List the pools.', 'GET', '/scheduler-stats/get_pools'),
    base.rule('volume_extension:capabilities', base.ADMIN,
              'Show what a back end is able to do.',
              'GET', '/capabilities/{host}'),
]


def list_rules() -> list[policy.DocumentedRuleDefault]:
    """Return the rules of pools."""
    return RULES
