"""Who may do what with snapshots."""

from oslo_policy import policy

from blockstore.policies import base

_ONE = '/snapshots/{snapshot_id}'
_METADATA = _ONE + '/metadata'
_ADMIN_ACTIONS = 'volume_extension:snapshot_admin_actions:'

RULES = [
    base.rule('volume:get_all_snapshots', base.READER, 'List snapshots.',
              'GET', '/snapshots'),
    base.rule('volume:get_snapshot', base.READER, 'Show a snapshot.',
              'GET', _ONE),
    base.rule('volume:create_snapshot', base.MEMBER, 'Create a snapshot.',
              'POST', '/snapshots'),
    base.rule('volume:update_snapshot', base.MEMBER, 'Change a snapshot.',
              'PUT', _ONE),
    base.rule('volume:delete_snapshot', base.MEMBER, 'Delete a snapshot.',
              'DELETE', _ONE),
    base.rule('volume:get_snapshot_metadata', base.READER,
              'Show the metadata of a snapshot.', 'GET', _METADATA),
    base.rule('volume:update_snapshot_metadata', base.MEMBER,
              'Change the metadata of a snapshot.', 'PUT', _METADATA),
    base.rule('volume:delete_snapshot_metadata', base.MEMBER,
              'Delete a key of the metadata of a snapshot.',
              'DELETE', _METADATA + '/{key}'),
    base.rule('volume_extension:extended_snapshot_attributes', base.READER,
              'See the project and the progress of a snapshot.',
              'GET', _ONE),
    base.rule(_ADMIN_ACTIONS + 'reset_status', base.ADMIN,
              'Set the status of a snapshot (os-reset_status).',
              'POST', _ONE + '/action'),
    base.rule(_ADMIN_ACTIONS + 'force_delete', base.ADMIN,
              'Delete a snapshot whatever its status is (os-force_delete).',
              'POST', _ONE + '/action'),
]


def list_rules() -> list[policy.DocumentedRuleDefault]:
    """Return the rules of snapshots."""
    return RULES
