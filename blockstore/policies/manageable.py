"""Who may take over what stands on back ends, and let it go."""

from oslo_policy import policy

from blockstore.policies import base

_VOLUMES = 'volume_extension:'
_SNAPSHOTS = 'snapshot_extension:'

RULES = [
    base.rule(_VOLUMES + 'volume_manage', base.ADMIN,
              'Manage a volume that stands on a back end.',
              'POST', '/manageable_volumes'),
    base.rule(_VOLUMES + 'volume_unmanage', base.ADMIN,
              'Let a volume go; its bytes stay (os-unmanage).',
              'POST', '/volumes/{volume_id}/action'),
    base.rule(_VOLUMES + 'list_manageable', base.ADMIN,
              'List the volumes that stand on a back end.',
              'GET', '/manageable_volumes'),
    base.rule(_SNAPSHOTS + 'snapshot_manage', base.ADMIN,
              'Manage a snapshot that stands on a back end.',
              'POST', '/manageable_snapshots'),
    base.rule(_SNAPSHOTS + 'snapshot_unmanage', base.ADMIN,
              'Let a snapshot go; its bytes stay (os-unmanage).',
              'POST', '/snapshots/{snapshot_id}/action'),
    base.rule(_SNAPSHOTS + 'list_manageable', base.ADMIN,
              'List the snapshots that stand on a back end.',
              'GET', '/manageable_snapshots'),
]


def list_rules() -> list[policy.DocumentedRuleDefault]:
    """Return the rules of manage and unmanage."""
    return RULES
