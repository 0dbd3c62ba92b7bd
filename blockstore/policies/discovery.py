"""Who may see what the service offers."""

from oslo_policy import policy

from blockstore.policies import base

RULES = [
    base.rule('volume:availability_zone_list', base.READER,
              'List the availability zones.', 'GET',
              '/os-availability-zone'),
    base.rule('volume:extensions', base.READER,
              'List the extensions of the API.', 'GET', '/extensions'),
    base.rule('volume:resource_filters', base.READER,
              'List what lists can be filtered by.', 'GET',
              '/resource_filters'),
]


def list_rules() -> list[policy.DocumentedRuleDefault]:
    """Return the rules of discovery."""
    return RULES
