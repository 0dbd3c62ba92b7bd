"""How objects look that stand on back ends."""

from collections.abc import Mapping
from typing import Any

from blockstore import exceptions
from blockstore.services.manageable import Trial

_SUMMARY = ('reference', 'size', 'safe_to_manage')
_DETAIL = (*_SUMMARY, 'reason_not_safe', 'cinder_id', 'extra_info')
_OF_SNAPSHOTS = 'source_reference'


def entry(found: Mapping[str, Any], detailed: bool) -> dict[str, Any]:
    """Show one line of a list."""
    keys = _DETAIL if detailed else _SUMMARY
    shown = {key: found.get(key) for key in keys}
    if _OF_SNAPSHOTS in found:
        shown[_OF_SNAPSHOTS] = found[_OF_SNAPSHOTS]
    return shown


def trial(found: Trial) -> dict[str, Any]:
    """Show what managing would come to."""
    return {'dry_run': {
        'manageable': not found.errors,
        'size': found.size,
        'blockers': [_blocker(one) for one in found.errors],
        'quota': {name: {'limit': demand.limit, 'in_use': demand.in_use,
                         'asked': demand.asked}
                  for name, demand in found.demands.items()}}}


def _blocker(error: exceptions.BlockstoreError) -> dict[str, Any]:
    return {'error_code': error.code, 'message': error.message,
            'blockers': list(error.blockers), 'remedy': error.remedy}
