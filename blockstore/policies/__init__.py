"""Who may do what: the default rules, one module a noun."""

import importlib
import itertools

from oslo_policy import policy

from blockstore.policies import base

NOUNS = ('base', 'attachments', 'backups', 'daemons', 'discovery',
         'manageable', 'messages', 'operations', 'pools', 'quotas',
         'snapshots', 'types', 'volumes')


def list_rules() -> list[policy.RuleDefault]:
    """Return every rule with its default."""
    modules = [importlib.import_module(f'blockstore.policies.{noun}')
               for noun in NOUNS]
    return list(itertools.chain.from_iterable(
        module.list_rules() for module in modules))


def for_services() -> frozenset[str]:
    """Name the rules of what services do in their own name."""
    return frozenset(rule.name for rule in list_rules()
                     if rule.check_str in base.FOR_SERVICES)
