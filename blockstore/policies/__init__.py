"""Who may do what: the default rules, one module a noun."""

import importlib
import itertools

from oslo_policy import policy

NOUNS = ('base', 'attachments', 'backups', 'daemons', 'discovery', 'messages',
         'operations', 'pools', 'quotas', 'snapshots', 'types', 'volumes')


def list_rules() -> list[policy.RuleDefault]:
    """Return every rule with its default."""
    modules = [importlib.import_module(f'blockstore.policies.{noun}')
               for noun in NOUNS]
    return list(itertools.chain.from_iterable(
        module.list_rules() for module in modules))
