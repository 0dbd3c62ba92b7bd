"""How volume types look."""

from collections.abc import Mapping
from typing import Any

# What an extra spec tells users of a volume's abilities.
USER_VISIBLE = frozenset({'RESKEY:availability_zones', 'multiattach',
                          'replication_enabled'})


def detail(row: Any, extra_specs: Mapping[str, str], *, sensitive: bool,
           access: bool, qos: bool) -> dict[str, Any]:
    """Show a volume type.

    :param sensitive: with all extra specs, not only those for users.
    :param access: with who may use it.
    :param qos: with its QoS specs.
    """
    shown = {'id': row.id,
             'name': row.name,
             'description': row.description,
             'is_public': bool(row.is_public),
             'extra_specs': specs(extra_specs, sensitive=sensitive)}
    if access:
        shown['os-volume-type-access:is_public'] = bool(row.is_public)
    if qos:
        shown['qos_specs_id'] = row.qos_specs_id
    return shown


def specs(extra_specs: Mapping[str, str], *, sensitive: bool,
          ) -> dict[str, str]:
    """Show the extra specs that a caller may see."""
    return {key: value for key, value in extra_specs.items()
            if sensitive or key in USER_VISIBLE}
