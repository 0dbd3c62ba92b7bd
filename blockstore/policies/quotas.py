"""Who may do what with quotas."""

from oslo_policy import policy

from blockstore.policies import base

_SET = '/os-quota-sets/{project_id}'
_CLASS = '/os-quota-class-sets/{class_name}'

RULES = [
    base.rule('volume_extension:quotas:show', base.READER,
              'Show the limits and the usage of a project.', 'GET', _SET),
    base.rule('volume_extension:quotas:update', base.ADMIN,
              'Change the limits of a project.', 'PUT', _SET),
    base.rule('volume_extension:quotas:delete', base.ADMIN,
              'Let the defaults hold for a project again.', 'DELETE', _SET),
    base.rule('volume_extension:quota_classes:get', base.ADMIN,
              'Show the limits of a quota class.', 'GET', _CLASS),
    base.rule('volume_extension:quota_classes:update', base.ADMIN,
              'Change the limits of a quota class.', 'PUT', _CLASS),
    base.rule('limits_extension:used_limits', base.READER,
              'Show limits and usage in one.', 'GET', '/limits'),
]


def list_rules() -> list[policy.DocumentedRuleDefault]:
    """Return the rules of quotas."""
    return RULES
