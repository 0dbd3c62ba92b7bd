"""Who may do what with attachments."""

from oslo_policy import policy

from blockstore.policies import base

_ONE = '/attachments/{attachment_id}'

RULES = [
    base.rule('volume:attachment_get', base.READER,
              'List or show attachments.', 'GET', '/attachments'),
    base.rule('volume:attachment_create', base.MEMBER,
              'Create an attachment.', 'POST', '/attachments'),
    base.rule('volume:attachment_update', base.MEMBER,
              'Connect an attachment.', 'PUT', _ONE),
    base.rule('volume:attachment_delete', base.MEMBER,
              'Delete an attachment.', 'DELETE', _ONE),
    base.rule('volume:attachment_complete', base.MEMBER,
              'Mark an attachment as connected (os-complete).',
              'POST', _ONE + '/action'),
]


def list_rules() -> list[policy.DocumentedRuleDefault]:
    """Return the rules of attachments."""
    return RULES
