"""The roles that rules are built of: admin, member, reader and service.

A rule of a noun names one of these; an operator changes it in policy.yaml.
The target of every check has the caller's own ``project_id``: what belongs
to another project is not found at all (the queries see to that), so a rule
only says which roles may do what.  Two roles see further: ``admin`` every
project, and ``service`` (another service of the cloud, in its own name) every
project's volumes and attachments, for the calls in :data:`FOR_SERVICES`
alone.

Every rule is for tokens of a project.  Those of the system or of a domain
have no project whose things there could be, and are refused.
"""

from oslo_policy import policy

CONTEXT_IS_ADMIN = 'context_is_admin'
ADMIN = 'rule:admin_api'
MEMBER = 'rule:admin_or_project_member'
READER = 'rule:admin_or_project_reader'
SERVICE = 'rule:admin_or_service'
BESIDE_A_USER = 'rule:service_token'
MEMBER_OR_SERVICE = 'rule:project_member_or_service'
READER_OR_SERVICE = 'rule:project_reader_or_service'
#: The defaults of what a service may do in its own name, in any project.
FOR_SERVICES = (MEMBER_OR_SERVICE, READER_OR_SERVICE)
SERVICE_API = 'service_api'

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
    policy.RuleDefault(
        SERVICE_API, 'role:service',
        description='Another service of the cloud, in its own name.'),
    policy.RuleDefault(
        'service_token', 'rule:service_api or service_roles:service',
        description='Another service of the cloud, in its own name or with '
                    'its token beside that of a user.'),
    policy.RuleDefault(
        'project_member_or_service',
        'rule:admin_or_project_member or rule:service_api',
        description='An administrator, a member of the project, or another '
                    'service of the cloud for any project.'),
    policy.RuleDefault(
        'project_reader_or_service',
        'rule:admin_or_project_reader or rule:service_api',
        description='An administrator, a reader of the project, or another '
                    'service of the cloud for any project.'),
]


def rule(name: str, check: str, description: str, method: str, path: str,
         ) -> policy.DocumentedRuleDefault:
    """Describe the rule of one operation."""
    return policy.DocumentedRuleDefault(
        name, check, description, [{'method': method, 'path': path}],
        scope_types=['project'])


def list_rules() -> list[policy.RuleDefault]:
    """Return the rules that others are built of."""
    return RULES
