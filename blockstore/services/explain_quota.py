"""A project's quota in plain words: what uses it, and what comes free.

Usage is counted from rows and stored nowhere, so every part of it is a
resource that can be named.

>>> for sentence in explain_quota.explain(tx, conf, project_id):
...     print(sentence)
"""

from collections.abc import Iterator
import typing

from oslo_config import cfg

from blockstore.db import operations as db_operations
from blockstore.db import quota_parts as db
from blockstore.db.engine import Transaction
from blockstore.lifecycle.backups import BackupStatus
from blockstore.lifecycle.quotas import RESOURCES
from blockstore.lifecycle.snapshots import SnapshotStatus
from blockstore.lifecycle.volumes import VolumeStatus
from blockstore.services import quotas

NAMED = 10
_COMING: dict[str, tuple[str, ...]] = {
    'volume': (VolumeStatus.CREATING, VolumeStatus.EXTENDING,
               VolumeStatus.MANAGING),
    'snapshot': (SnapshotStatus.CREATING, SnapshotStatus.MANAGING),
    'backup': (BackupStatus.CREATING,)}
_GOING: dict[str, tuple[str, ...]] = {
    'volume': (VolumeStatus.DELETING, VolumeStatus.UNMANAGING),
    'snapshot': (SnapshotStatus.DELETING, SnapshotStatus.UNMANAGING),
    'backup': (BackupStatus.DELETING,)}


def explain(tx: Transaction, conf: cfg.ConfigOpts, project_id: str,
            ) -> Iterator[str]:
    """Yield sentences about what a project may have and has.

    Of what is under way, the oldest ten of each kind are named.
    """
    for name, standing in quotas.standings(tx, conf, project_id).items():
        if standing.in_use or name in RESOURCES[:5]:
            yield _standing(name, standing)
    found = list(db.parts(tx, project_id))
    for noun in _COMING:
        yield from _counted(conf, noun, found)
    for noun, statuses in _COMING.items():
        yield from map(_coming(tx), db.those(
            tx, project_id, noun, statuses, NAMED))
    for noun, statuses in _GOING.items():
        yield from map(_going, db.those(
            tx, project_id, noun, statuses, NAMED))
    yield from _uncounted(found)


def _standing(name: str, standing: quotas.Standing) -> str:
    if standing.limit < 0:
        return f'{name}: {standing.in_use} in use, without a limit.'
    left = standing.limit - standing.in_use
    return (f'{name}: {standing.in_use} of {standing.limit} in use, '
            + (f'{left} left.' if left > 0 else
               'nothing left: more is refused.'))


def _counted(conf: cfg.ConfigOpts, noun: str, found: list[db.Part],
             ) -> Iterator[str]:
    mine = [part for part in found if part.noun == noun and part.counts]
    if not mine:
        return
    sizes = 'backup_gigabytes' if noun == 'backup' else 'gigabytes'
    counted = f'{sum(part.size for part in mine)} GiB count as {sizes}'
    if noun == 'snapshot' and conf.quota.no_snapshot_gb_quota:
        counted = 'their GiB do not count ([quota] no_snapshot_gb_quota)'
    yield (f'{noun}s that count: ' + ', '.join(
        f'{part.number} {part.status}' for part in mine) + f'; {counted}.')


def _coming(tx: Transaction) -> typing.Callable[[db.One], str]:
    def tell(one: db.One) -> str:
        text = (f'Reserved: {one.noun} {one.id} is {one.status} and counts '
                f'{one.size} GiB since it was asked for')
        if one.status != VolumeStatus.EXTENDING:
            return f'{text}. If that fails, it counts until it is deleted.'
        back = [one.size - row.arguments['old_size']
                for row in db_operations.open_of(tx, one.id)
                if 'old_size' in row.arguments]
        return text + (f'. If that fails, {back[0]} GiB are given back.'
                       if back else '.')
    return tell


def _going(one: db.One) -> str:
    return (f'Comes free: {one.noun} {one.id} is {one.status}; its {one.size} '
            'GiB count until it is gone.')


def _uncounted(found: list[db.Part]) -> Iterator[str]:
    numbers: dict[str, int] = {}
    for part in found:
        if not part.counts:
            numbers[part.noun] = numbers.get(part.noun, 0) + part.number
    if numbers:
        yield ('Not counted, for the service made it for backups: '
               + ' and '.join(f'{number} {noun}{"s" * (number > 1)}'
                              for noun, number in numbers.items()) + '.')
