"""The roles that rules are built of: admin, member, reader and service.

A rule of a noun names one of these; an operator changes it in policy.yaml.
The target of every check has the caller's own ``project_id``: what belongs
to another project is not found at all (the queries see to that), so a rule
only says which roles may do what.
"""

from oslo_policy import policy

CONTEXT_IS_ADMIN = 'context_is_admin'
ADMIN = 'rule:admin_api'
MEMBER = 'rule:admin_or_project_member'
READER = 'rule:admin_or_project_reader'
SERVICE = 'rule:admin_or_service'
ANYBODY = ''

RULES = [
    policy.RuleDefault(
        CONTEXT_IS_ADMIN, 'role:admin',
        description='Who counts as an administrator.'),
    policy.RuleDefault(
        'admin_api', 'is_admin:True',
        description='An administrator.'),
    policy.RuleDefault(
        'admin_or_project_member',
        'rule:admin_api or (role:member and project_id:%(project_id)s)',
        description='An administrator, or a member of the project.'),
    policy.RuleDefault(
        'admin_or_project_reader',
        'rule:admin_api or (role:reader and project_id:%(project_id)s)',
        description='An administrator, or a reader of the project.'),
    policy.RuleDefault(
        'admin_or_service', 'rule:admin_api or role:service or '
        'service_roles:service',
        description='An administrator, or another service of the cloud.'),
]


def rule(name: str, check: str, description: str, method: str, path: str,
         ) -> policy.DocumentedRuleDefault:
    """Describe the rule of one operation."""
    return policy.DocumentedRuleDefault(
        name, check, description, [{'method': method, 'path': path}])


def list_rules() -> list[policy.RuleDefault]:
    """Return the rules that others are built of."""
    return RULES
