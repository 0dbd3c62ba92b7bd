"""Who may see operations."""

from oslo_policy import policy

from blockstore.policies import base

RULES = [
    base.rule('operation:get_all', base.READER, 'List operations.',
              'GET', '/operations'),
    base.rule('operation:get', base.READER, 'Show an operation.',
              'GET', '/operations/{operation_id}'),
    base.rule('operation:read_sensitive', base.ADMIN,
              'See which process works on an operation.',
              'GET', '/operations/{operation_id}'),
]


def list_rules() -> list[policy.DocumentedRuleDefault]:
    """Return the rules of operations."""
    return RULES
