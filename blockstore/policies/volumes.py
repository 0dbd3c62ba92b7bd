"""Who may do what with volumes."""

from oslo_policy import policy

from blockstore.policies import base

_ACTION = '/volumes/{volume_id}/action'
_METADATA = '/volumes/{volume_id}/metadata'
_ACTIONS = 'volume_extension:volume_actions:'
_ADMIN_ACTIONS = 'volume_extension:volume_admin_actions:'

RULES = [
    base.rule('volume:create', base.MEMBER, 'Create a volume.',
              'POST', '/volumes'),
    base.rule('volume:get', base.READER_OR_SERVICE, 'Show a volume.',
              'GET', '/volumes/{volume_id}'),
    base.rule('volume:get_all', base.READER,
              'List volumes, or sum them up.', 'GET', '/volumes'),
    base.rule('volume:update', base.MEMBER, 'Change a volume.',
              'PUT', '/volumes/{volume_id}'),
    base.rule('volume:delete', base.MEMBER, 'Delete a volume.',
              'DELETE', '/volumes/{volume_id}'),
    base.rule('volume:force_delete', base.ADMIN,
              'Delete a volume whatever its status is.',
              'DELETE', '/volumes/{volume_id}?force=true'),
    base.rule('volume:get_volume_metadata', base.READER,
              'Show the metadata of a volume.', 'GET', _METADATA),
    base.rule('volume:create_volume_metadata', base.MEMBER,
              'Add metadata to a volume.', 'POST', _METADATA),
    base.rule('volume:update_volume_metadata', base.MEMBER,
              'Replace the metadata of a volume.', 'PUT', _METADATA),
    base.rule('volume:delete_volume_metadata', base.MEMBER,
              'Delete a key of the metadata of a volume.',
              'DELETE', _METADATA + '/{key}'),
    base.rule('volume_extension:volume_encryption_metadata',
              base.READER_OR_SERVICE, 'Show how a volume is encrypted.',
              'GET', '/volumes/{volume_id}/encryption'),
    base.rule('volume_extension:volume_host_attribute', base.ADMIN,
              'See the host of a volume.', 'GET', '/volumes/{volume_id}'),
    base.rule('volume_extension:volume_tenant_attribute', base.READER,
              'See the project of a volume.', 'GET', '/volumes/{volume_id}'),
    base.rule('volume_extension:volume_mig_status_attribute', base.ADMIN,
              'See the migration status of a volume.',
              'GET', '/volumes/{volume_id}'),
    base.rule('volume:attached_host', base.SERVICE,
              'See the hosts that a volume is attached to.',
              'GET', '/volumes/{volume_id}'),
    base.rule('volume:extend', base.MEMBER, 'Extend a volume (os-extend).',
              'POST', _ACTION),
    base.rule('volume:extend_attached_volume', base.MEMBER,
              'Extend a volume in use (os-extend).', 'POST', _ACTION),
    base.rule('volume:revert_to_snapshot', base.MEMBER,
              'Take a volume back to its latest snapshot (revert).',
              'POST', _ACTION),
    base.rule('volume:update_readonly_flag', base.MEMBER,
              'Mark a volume as read-only (os-update_readonly_flag).',
              'POST', _ACTION),
    base.rule(_ACTIONS + 'set_bootable', base.MEMBER,
              'Mark whether a machine can boot from a volume '
              '(os-set_bootable).', 'POST', _ACTION),
    *(base.rule(_ACTIONS + name, base.MEMBER_OR_SERVICE, f'{does} ({action}).',
                'POST', _ACTION)
      for name, action, does in (
          ('attach', 'os-attach', 'Note that a volume is attached'),
          ('detach', 'os-detach', 'Note that a volume is detached'),
          ('reserve', 'os-reserve', 'Reserve a volume'),
          ('unreserve', 'os-unreserve', 'Take a reservation back'),
          ('begin_detaching', 'os-begin_detaching', 'Begin to detach'),
          ('roll_detaching', 'os-roll_detaching', 'Stop detaching'),
          ('initialize_connection', 'os-initialize_connection',
           'Open a connection'),
          ('terminate_connection', 'os-terminate_connection',
           'Close a connection'))),
    *(base.rule(_ADMIN_ACTIONS + name, base.ADMIN, f'{does} ({action}).',
                'POST', _ACTION)
      for name, action, does in (
          ('reset_status', 'os-reset_status', 'Set the status of a volume'),
          ('force_delete', 'os-force_delete',
           'Delete a volume whatever its status is'),
          ('force_detach', 'os-force_detach',
           'Detach a volume from a client that is gone'))),
]


def list_rules() -> list[policy.DocumentedRuleDefault]:
    """Return the rules of volumes."""
    return RULES
