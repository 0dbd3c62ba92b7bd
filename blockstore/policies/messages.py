"""Who may do what with user messages."""

from oslo_policy import policy

from blockstore.policies import base

_ONE = '/messages/{message_id}'

RULES = [
    base.rule('message:get_all', base.READER, 'List messages.',
              'GET', '/messages'),
    base.rule('message:get', base.READER, 'Show a message.', 'GET', _ONE),
    base.rule('message:delete', base.MEMBER, 'Delete a message.',
              'DELETE', _ONE),
]


def list_rules() -> list[policy.DocumentedRuleDefault]:
    """Return the rules of messages."""
    return RULES
