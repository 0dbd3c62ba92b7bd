"""What must hold whenever nobody works: the promises, as questions.

Everything is looked at from outside, beside the service: the rows with plain
SQL, the files and the processes with the system's means, the store with the
library that any reader of a store would use.

What is looked at is a *subject*: one process with everything in it, or a
fleet of daemons on several hosts.
"""

import collections
from collections.abc import Mapping
from collections.abc import Sequence
import pathlib
import typing

import sqlalchemy as sa

from blockstore.backup.store import names
from blockstore.backup.store.repository import Repository
from blockstore.backup.stores.posix import PosixStore
from blockstore.db import documents
from blockstore.db import engine
from blockstore.tests.crash import backends

# What of the store's own goes with the last backup.
_GOES = (names.CHUNKS, names.SEGMENTS, names.DOOMED, names.JOURNALS)
_NOUNS = ('volumes', 'snapshots', 'backups')
_TRANSIENT = frozenset({
    'creating', 'extending', 'reverting', 'restoring-backup', 'deleting',
    'backing-up', 'restoring', 'reserved', 'attaching', 'detaching',
    'managing', 'unmanaging', 'error_managing_deleting'})


class Subject(typing.Protocol):
    """What can be looked at."""

    #: The URL of its database.
    database_url: str
    #: Where its backups are.
    store: pathlib.Path

    @property
    def backends(self) -> Sequence[backends.Backend]:
        """Return where its volumes are."""

    def quota(self) -> Mapping[str, typing.Any]:
        """Return what its quota counts, as the API tells it."""

    def words(self) -> str:
        """Return all that it has logged."""


class Checks:
    """The state of a service, seen from outside."""

    def __init__(self, service: Subject) -> None:
        self.service = service
        self._database = engine.Database(service.database_url)
        self._backend = PosixStore(str(service.store))
        self.repository = Repository(self._backend)

    def close(self):
        """Let go of the database."""
        self._database.dispose()

    # Facts.

    def rows(self, table, where='NOT deleted'):
        """Return rows as dictionaries."""
        with self._database.read() as tx:
            return [dict(row) for row in tx.execute(sa.text(
                f'SELECT * FROM {table} WHERE {where}')).mappings()]

    def ids(self, table, where='NOT deleted'):
        """Return the ids of rows."""
        return {row['id'] for row in self.rows(table, where)}

    def objects(self):
        """Return what the back ends consist of."""
        return [one for backend in self.service.backends
                for one in backend.driver(self._book(backend),
                                          ).list_objects()]

    def snapshot_bytes(self, snapshot_id, length):
        """Return the first bytes of a snapshot."""
        row, = self.rows('snapshots', f"id = '{snapshot_id}'")
        for backend in self.service.backends:
            found = backend.snapshot_bytes(self._book(backend), row, length)
            if found is not None:
                return found
        raise AssertionError(f'no back end knows snapshot {snapshot_id}')

    def chunk_files(self):
        """Return name → identity of the chunks that are in the store."""
        return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns)
                for path in (self.service.store / names.CHUNKS).rglob('*')
                if path.is_file()}

    def _book(self, backend):
        return documents.DatabaseBook(self._database, backend.name)

    # Questions.

    def problems(self):
        """List everything that should not be so while nobody works.

        While somebody does work, only what that is.
        """
        return [*self._statuses(), *self._operations()] or [
            *self._owners(), *self._store(), *self._quota(),
            *self._reaped()]

    def _statuses(self):
        promised = {row['volume_id'] for row in self.rows(
            'volume_attachments', 'NOT deleted AND attach_status IN '
            "('reserved', 'attaching')")}
        for noun in _NOUNS:
            for row in self.rows(noun):
                name = f'{noun} {row["id"]} ({row["status"]})'
                # What is promised to a client waits for that client.
                if row['status'] in _TRANSIENT and not (
                        row['status'] in ('reserved', 'attaching')
                        and row['id'] in promised):
                    yield f'{name} is in between'
                if row['status'].startswith('error') and not (
                        row['status_reason'] or row.get('fail_reason')):
                    yield f'{name} has no reason'
                for column in ('temp_snapshot_id', 'temp_volume_id'):
                    if row.get(column):
                        yield f'{name} still has a {column}'
                if noun == 'volumes' and row['backup_id']:
                    yield f'{name} is held by backup {row["backup_id"]}'

    def _operations(self):
        for row in self.rows('operations', '1 = 1'):
            if row['state'] in ('pending', 'running'):
                yield (f'{row["kind"]} of {row["resource_id"]} is '
                       f'{row["state"]} at "{row["step"]}"')
            elif row['state'] == 'failed' and not (
                    row['error_code'] and row['error_message']):
                yield f'{row["kind"]} {row["id"]} failed without a reason'

    def _owners(self):
        """Every object has a row, every row its object."""
        volumes, snapshots = self.ids('volumes'), self.ids('snapshots')
        attached = collections.Counter(
            row['volume_id'] for row in self.rows('volume_attachments')
            if row['connection_info'] not in (None, 'null'))
        found = collections.defaultdict(list)
        for one in self.objects():
            found[one.kind].append(one.id)
            if one.id not in volumes | snapshots:
                yield f'the {one.kind} {one.detail} belongs to nobody'
        exports = collections.Counter(found['export'])
        if exports != attached:
            yield f'exports {dict(exports)}, attachments {dict(attached)}'
        yield from self._missing('volume', volumes, found)
        yield from self._missing('snapshot', snapshots, found)
        for backend in self.service.backends:
            yield from backend.problems(
                self._book(backend),
                {row['id'] for row in self.rows('volumes')
                 if row['id'] in attached
                 and row['host'].partition('#')[0] == backend.name})

    def _missing(self, noun, ids, found):
        for id_ in ids - set(found[noun]):
            row, = self.rows(f'{noun}s', f"id = '{id_}'")
            if not row['status'].startswith('error'):
                yield f'{noun} {id_} is not on the back end'

    def _store(self):
        """The store has the backups that the rows tell of, all whole."""
        stored = {record.id for record in self.repository.catalogue()}
        wanted = self.ids('backups', "NOT deleted AND status = 'available'")
        if stored != wanted:
            yield f'stored backups {stored} instead of {wanted}'
        unfinished = list(self.repository.unfinished())
        if unfinished:
            yield f'journals are left of {unfinished}'
        report = self.repository.verify(all_bytes=True)
        if not report.ok:
            yield f'the store is damaged: {report}'

    def pruned(self):
        """Prune without grace; list what then is left but not needed."""
        for _ in range(2):
            self.repository.prune(grace=0)
        self._backend.tidy(self._backend.now())
        left = [str(path.relative_to(self.service.store)) for path
                in pathlib.Path(self.service.store, '.incoming').rglob('*')]
        orphans = self.repository.verify().orphans
        if orphans:
            left.append(f'{orphans} orphans')
        if not self.ids('backups'):
            left += [name for name in self._backend.list()
                     if not name.startswith(names.OWN)
                     or name.startswith(_GOES)]
        return left

    def _quota(self):
        counted = {'volumes': 0, 'snapshots': 0, 'gigabytes': 0,
                   'backups': 0, 'backup_gigabytes': 0}
        for noun, size, total in (
                ('volumes', 'size', 'gigabytes'),
                ('snapshots', 'volume_size', 'gigabytes'),
                ('backups', 'size', 'backup_gigabytes')):
            for row in self.rows(noun):
                if row.get('use_quota', 1):
                    counted[noun] += 1
                    counted[total] += row[size]
        shown = self.service.quota()
        for name, amount in counted.items():
            standing = shown[name]
            if (standing['in_use'], standing['reserved']) != (amount, 0):
                yield f'quota of {name}: {standing}, rows: {amount}'

    def _reaped(self):
        return [line for line in self.service.words().splitlines()
                if 'no operation was left to end it' in line
                or 'which is over' in line]
