"""Who may do what with attachments."""

from oslo_policy import policy

from blockstore.policies import base

_ONE = '/attachments/{attachment_id}'

RULES = [
    base.rule('volume:attachment_get', base.READER_OR_SERVICE,
              'List or show attachments.', 'GET', '/attachments'),
    base.rule('volume:attachment_create', base.MEMBER_OR_SERVICE,
              'Create an attachment.', 'POST', '/attachments'),
    base.rule('volume:attachment_update', base.MEMBER_OR_SERVICE,
              'Connect an attachment.', 'PUT', _ONE),
    base.rule('volume:attachment_delete', base.MEMBER_OR_SERVICE,
              'Delete an attachment.', 'DELETE', _ONE),
    base.rule('volume:attachment_complete', base.MEMBER_OR_SERVICE,
              'Mark an attachment as connected (os-complete).',
              'POST', _ONE + '/action'),
    policy.DocumentedRuleDefault(
        'volume:disconnect_server', base.BESIDE_A_USER,
        'Take a volume away from a server that uses it. Users do that '
        'through the compute service, which sends its token along; only '
        'under [auth] strategy = keystone.',
        [{'method': 'DELETE', 'path': _ONE},
         {'method': 'POST', 'path': '/volumes/{volume_id}/action'}],
        scope_types=['project']),
]


def list_rules() -> list[policy.DocumentedRuleDefault]:
    """Return the rules of attachments."""
    return RULES
