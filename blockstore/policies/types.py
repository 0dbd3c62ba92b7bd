"""Who may do what with volume types."""

from oslo_policy import policy

from blockstore.policies import base

_ONE = '/types/{type_id}'
_SPECS = _ONE + '/extra_specs'
_SPEC = 'volume_extension:types_extra_specs:'
_DEFAULT = '/default-types/{project_id}'
_ACCESS = 'volume_extension:volume_type_access'

RULES = [
    base.rule('volume_extension:type_get_all', base.READER,
              'List volume types.', 'GET', '/types'),
    base.rule('volume_extension:type_get', base.READER,
              'Show a volume type.', 'GET', _ONE),
    base.rule('volume_extension:type_create', base.ADMIN,
              'Create a volume type.', 'POST', '/types'),
    base.rule('volume_extension:type_update', base.ADMIN,
              'Change a volume type.', 'PUT', _ONE),
    base.rule('volume_extension:type_delete', base.ADMIN,
              'Delete a volume type.', 'DELETE', _ONE),
    base.rule('volume_extension:access_types_qos_specs_id', base.ADMIN,
              'See the QoS specs of a volume type.', 'GET', _ONE),
    base.rule('volume_extension:volume_type_encryption:get', base.ADMIN,
              'Show how volumes of a type are encrypted.',
              'GET', _ONE + '/encryption'),
    base.rule(_SPEC + 'index', base.READER,
              'List the extra specs of a volume type.', 'GET', _SPECS),
    base.rule(_SPEC + 'show', base.READER,
              'Show an extra spec.', 'GET', _SPECS + '/{key}'),
    base.rule(_SPEC + 'read_sensitive', base.ADMIN,
              'See extra specs that are not meant for users.',
              'GET', _SPECS),
    base.rule(_SPEC + 'create', base.ADMIN,
              'Add extra specs.', 'POST', _SPECS),
    base.rule(_SPEC + 'update', base.ADMIN,
              'Change an extra spec.', 'PUT', _SPECS + '/{key}'),
    base.rule(_SPEC + 'delete', base.ADMIN,
              'Delete an extra spec.', 'DELETE', _SPECS + '/{key}'),
    base.rule(_ACCESS, base.MEMBER,
              'See whether a volume type is public.', 'GET', _ONE),
    base.rule(_ACCESS + ':get_all_for_type', base.ADMIN,
              'List the projects that may use a volume type.',
              'GET', _ONE + '/os-volume-type-access'),
    base.rule('volume_extension:add_project_access', base.ADMIN,
              'Let a project use a volume type (addProjectAccess).',
              'POST', _ONE + '/action'),
    base.rule('volume_extension:default_get_all', base.ADMIN,
              'List the default volume types of projects.',
              'GET', '/default-types'),
    base.rule('volume_extension:default_get', base.ADMIN,
              'Show the default volume type of a project.',
              'GET', _DEFAULT),
    base.rule('volume_extension:default_set_or_update', base.ADMIN,
              'Set the default volume type of a project.', 'PUT', _DEFAULT),
    base.rule('volume_extension:default_unset', base.ADMIN,
              'Remove the default volume type of a project.',
              'DELETE', _DEFAULT),
    base.rule('volume_extension:remove_project_access', base.ADMIN,
              'Let a project no longer use a volume type '
              '(removeProjectAccess).', 'POST', _ONE + '/action'),
]


def list_rules() -> list[policy.DocumentedRuleDefault]:
    """Return the rules of volume types."""
    return RULES
