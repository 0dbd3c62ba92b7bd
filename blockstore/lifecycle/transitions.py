"""The one function that changes a status.

A move is a conditional UPDATE: it happens if the row still has one of the
expected statuses and every further condition holds, and not otherwise.  A
caller that loses a race gets the same answer as one that came too late.

>>> transitions.move(tx, SNAPSHOTS, models.Snapshot, id,
...                  SnapshotStatus.AVAILABLE, progress='100%')
"""

from collections.abc import Iterable
import typing

from blockstore import errors
from blockstore import exceptions
from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Transaction
from blockstore.lifecycle.machine import Machine

_CODES = {'volume': errors.VOLUME_BAD_STATUS,
          'snapshot': errors.SNAPSHOT_BAD_STATUS,
          'backup': errors.BACKUP_BAD_STATUS}


def try_move(tx: Transaction, machine: Machine, model: type[models.Base],
             id_: str, target: str, *conditions: rows.Condition,
             sources: Iterable[str] | None = None, reason: str = '',
             **values: typing.Any) -> bool:
    """Move a row to a status if it may; tell whether it was moved.

    :param sources: narrows the statuses to leave; the machine's own otherwise.
    :param reason: stored beside the status; the machine's own otherwise.
    :param values: further columns to set in the same statement.
    """
    allowed = machine.sources(target)
    wanted = allowed if sources is None else frozenset(
        str(source) for source in sources)
    if not wanted <= allowed:
        raise ValueError(f'{machine.noun}: no move from '
                         f'{sorted(wanted - allowed)} to {target}')
    if not reason:
        reason = next(move.reason for move in machine.moves
                      if move.target == target and move.source in wanted)
    return rows.move_status(tx, model, id_, wanted, target,
                            {**values, 'status_reason': reason[:255]},
                            *conditions)


def move(tx: Transaction, machine: Machine, model: type[models.Base],
         id_: str, target: str, *conditions: rows.Condition,
         sources: Iterable[str] | None = None, reason: str = '',
         **values: typing.Any) -> None:
    """Move a row to a status, or raise InvalidStatus."""
    if try_move(tx, machine, model, id_, target, *conditions, sources=sources,
                reason=reason, **values):
        return
    row = typing.cast(typing.Any, rows.get(tx, model, id_))
    if row is None:
        raise exceptions.NotFound(f'{machine.noun} {id_} is gone')
    wanted = sorted(sources if sources is not None
                    else machine.sources(target))
    raise exceptions.InvalidStatus(
        f'{machine.noun} {id_} is {row.status} and cannot become {target}',
        code=_CODES[machine.noun],
        blockers=[f'status {row.status}'],
        remedy=('ask an administrator to reset its status or to delete it '
                'by force' if row.status.startswith('error') else
                'wait until its status is one of ' + ', '.join(wanted)))


def reset(tx: Transaction, model: type[models.Base], id_: str, target: str,
          **values: typing.Any) -> bool:
    """Set any status at an administrator's word, outside the tables."""
    row = typing.cast(typing.Any, rows.get(tx, model, id_))
    if row is None:
        return False
    return rows.move_status(tx, model, id_, [row.status], target, {
        **values, 'status_reason': 'set by an administrator'})
