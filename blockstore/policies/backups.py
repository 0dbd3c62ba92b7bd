"""Who may do what with backups."""

from oslo_policy import policy

from blockstore.policies import base

_ONE = '/backups/{backup_id}'
_ADMIN_ACTIONS = 'volume_extension:backup_admin_actions:'

RULES = [
    base.rule('backup:get_all', base.READER, 'List backups.',
              'GET', '/backups'),
    base.rule('backup:get', base.READER, 'Show a backup.', 'GET', _ONE),
    base.rule('backup:create', base.MEMBER, 'Create a backup.',
              'POST', '/backups'),
    base.rule('backup:update', base.MEMBER, 'Change a backup.',
              'PUT', _ONE),
    base.rule('backup:delete', base.MEMBER, 'Delete a backup.',
              'DELETE', _ONE),
    base.rule('backup:restore', base.MEMBER, 'Restore a backup.',
              'POST', _ONE + '/restore'),
    base.rule('backup:backup_project_attribute', base.ADMIN,
              'See the project and the user of a backup.', 'GET', _ONE),
    base.rule(_ADMIN_ACTIONS + 'reset_status', base.ADMIN,
              'Set the status of a backup (os-reset_status).',
              'POST', _ONE + '/action'),
    base.rule(_ADMIN_ACTIONS + 'force_delete', base.ADMIN,
              'Delete a backup whatever its status is (os-force_delete).',
              'POST', _ONE + '/action'),
]


def list_rules() -> list[policy.DocumentedRuleDefault]:
    """Return the rules of backups."""
    return RULES
