"""Rows of backups from what the store knows: for a database that was lost.

Rows that are there are left alone.  Running it again changes nothing.
"""

import dataclasses
import datetime
import typing

from blockstore.backup.store import manifest
from blockstore.backup.store.repository import Repository
from blockstore.db import models
from blockstore.db import rows
from blockstore.db.engine import Database
from blockstore.lifecycle.backups import BackupStatus

_GIB = 1024 ** 3


@dataclasses.dataclass(frozen=True)
class RebuildReport:
    """What was done.

    :ivar added: ids of backups whose rows were missing.
    :ivar known: how many backups had a row.
    :ivar deleted: ids of backups in the store whose rows are marked as
        deleted: the store has them still; rows are left as they are.
    """

    added: tuple[str, ...]
    known: int
    deleted: tuple[str, ...]


def rebuild(database: Database, repository: Repository, *, host: str,
            dry_run: bool = False) -> RebuildReport:
    """Add a row for each backup in the store that has none.

    :param host: the backup host that shall own the rows.
    :param dry_run: only tell.
    """
    added: list[str] = []
    deleted: list[str] = []
    known = 0
    for record in repository.catalogue():
        with database.write() as tx:
            row = rows.even_deleted(tx, models.Backup, record.id)
            if row is None:
                added.append(record.id)
                if not dry_run:
                    rows.insert(tx, models.Backup,
                                **_values(record, host))
                    rows.set_metadata(
                        tx, models.BackupMetadata, record.id,
                        record.header.metadata.get('metadata', {}))
            elif row.deleted:
                deleted.append(record.id)
            else:
                known += 1
    return RebuildReport(tuple(added), known, tuple(deleted))


def _values(record: manifest.BackupRecord, host: str,
            ) -> dict[str, typing.Any]:
    header, told = record.header, record.header.metadata
    created_at = told.get('created_at')
    return {
        'id': record.id, 'project_id': header.project_id,
        'user_id': told.get('user_id'), 'volume_id': header.volume_id,
        'snapshot_id': told.get('snapshot_id'),
        'display_name': told.get('name'),
        'display_description': told.get('description'),
        'size': max(told.get('size') or 0, -(-record.size // _GIB)),
        'status': BackupStatus.AVAILABLE,
        'status_reason': 'found in the store',
        'parent_id': record.parent_id, 'container': header.container,
        'data_timestamp': header.data_timestamp,
        'object_count': record.object_count, 'host': host,
        'service': 'blockstore',
        'created_at': (datetime.datetime.fromisoformat(created_at)
                       if created_at else header.data_timestamp)}
