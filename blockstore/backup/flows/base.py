"""What the backup operations share.

A :class:`Work` is one run of one operation: its claim, its rows and the ways
to the volume service and the store.  Every step of a flow may be run again.
"""

from collections.abc import Iterator
import contextlib
import dataclasses
import time
import typing

from oslo_config import cfg

from blockstore import exceptions
from blockstore.backup.bandwidth import Bandwidth
from blockstore.backup.store.repository import Repository
from blockstore.db import models
from blockstore.db import rows
from blockstore.db import volumes as db_volumes
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction
from blockstore.lifecycle import messages
from blockstore.lifecycle import operations
from blockstore.lifecycle import transitions
from blockstore.lifecycle.operations import Claim
from blockstore.lifecycle.snapshots import SNAPSHOTS
from blockstore.lifecycle.snapshots import SnapshotStatus
from blockstore.rpc.clients import Clients
from blockstore.volume import connections
from blockstore.volume.connections.base import Connection

# Seconds for which a backup that waits keeps its place: who gives it up may
# wait long to get one again, and holds its temporary object all the while.
_PATIENCE = 2.0


@dataclasses.dataclass(frozen=True)
class Parts:
    """What every handler of the backup service needs.

    :ivar reading: what all backups of this daemon read from volumes.
    :ivar writing: what all its restores write to volumes.
    """

    conf: cfg.ConfigOpts
    database: Database
    clients: Clients
    repository: Repository
    host: str
    reading: Bandwidth
    writing: Bandwidth

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts, database: Database,
                  clients: Clients, repository: Repository) -> 'Parts':
        """Put the parts of a daemon together."""
        return cls(conf, database, clients, repository, conf.service.host,
                   Bandwidth(lambda: conf.backup.read_bandwidth),
                   Bandwidth(lambda: conf.backup.write_bandwidth))


@dataclasses.dataclass(frozen=True)
class Work:
    """One run of an operation on a backup."""

    parts: Parts
    claim: Claim
    backup: models.Backup
    volume: models.Volume

    @property
    def owner(self) -> str:
        """The volume service that owns the volume."""
        if self.volume.host is None:
            raise exceptions.NotFound(
                f'volume {self.volume.id} has no back end')
        return self.volume.host.partition('#')[0]

    def connector(self, mode: str, purpose: str, host: str | None = None,
                  ) -> dict[str, typing.Any]:
        """Return what a host, this one by default, asks a connection with.

        It names the same connection in each attempt of one host, so that an
        attempt finds what the one before has opened; and the operation, so
        that the call of a worker that has lost it is refused, however late
        it comes.
        """
        initiator = connections.initiator_name()
        return {'host': host or self.parts.host,
                **({'initiator': initiator} if initiator else {}),
                'attachment_id': self.backup.id,
                'mode': mode, 'purpose': purpose,
                'operation': {'id': self.claim.id,
                              'owner': self.claim.owner}}

    def take_connection(self, close: typing.Callable[[str], None] | None,
                        ) -> None:
        """Note, before it is opened, that this host has the connection.

        :param close: closes the connection of the host that had it when the
            attempt before this one was cut off.  That host may still be
            there, frozen in the middle of a write, and must not go on.
            None: it stays open to the end, for the bytes that are read are
            those of the moment when it was opened.
        """
        former = self.claim.facts.get('connected_host')
        if former == self.parts.host:
            return
        kept = self.claim.facts.get('former_hosts', [])
        if former is not None and close is not None:
            close(former)
        elif former is not None:
            kept = [*kept, former]
        self.claim.keep(connected_host=self.parts.host, former_hosts=kept)

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """Have the operation tried again if the volume service is away.

        To be put around what asks it something.  What is done already stays
        done; after ``[operations] max_attempts`` the operation fails.

        :raises exceptions.TryLater: instead of Unavailable.
        """
        try:
            yield
        except exceptions.Unavailable as error:
            if (self.claim.operation.attempt
                    >= self.parts.conf.operations.max_attempts):
                raise
            raise exceptions.TryLater(error.message) from error

    def wait(self, operation_id: str) -> models.Operation:
        """Wait for an operation that this one started.

        When that takes its time, another backup may work meanwhile.
        """
        patient_until = time.monotonic() + _PATIENCE
        with contextlib.ExitStack() as aside:
            def check() -> None:
                self.claim.check()
                if time.monotonic() > patient_until and not stepped:
                    stepped.append(True)
                    aside.enter_context(self.claim.aside())

            stepped: list[bool] = []
            return operations.wait(
                self.parts.database, operation_id, check=check,
                timeout=self.parts.conf.operations.wait_timeout)

    def row(self) -> models.Backup:
        """Return the backup's row as it is now."""
        with self.parts.database.read() as tx:
            row: models.Backup = existing(tx, models.Backup, 'backup',
                                          self.backup.id)
            return row


def begin(parts: Parts, claim: Claim, status: str, volume_id: str | None,
          ) -> Work:
    """Return the work of a claim.

    :raises exceptions.Cancelled: the backup has another status: it was
        deleted by force, or an administrator has ended the work.
    """
    with parts.database.read() as tx:
        backup = existing(tx, models.Backup, 'backup',
                          claim.operation.resource_id)
        if backup.status != status:
            raise exceptions.Cancelled(
                f'backup {backup.id} is {backup.status} now')
        volume = existing(tx, models.Volume, 'volume',
                          volume_id or backup.volume_id)
        return Work(parts, claim, backup, volume)


def existing(tx: Transaction, model: type[typing.Any], noun: str, id_: str,
             ) -> typing.Any:
    """Return a row, or raise NotFound."""
    row = rows.get(tx, model, id_)
    if row is None:
        raise exceptions.NotFound(f'{noun} {id_} is gone')
    return row


@contextlib.contextmanager
def opened(info: dict[str, typing.Any], *, writable: bool = False,
           ) -> Iterator[Connection]:
    """Open a connection for the time of a block."""
    connection = connections.open_connection(info, writable=writable)
    try:
        yield connection
    finally:
        connection.close()


def tell(tx: Transaction, claim: Claim, action: messages.Action,
         error: exceptions.BlockstoreError) -> None:
    """Leave a user message that fits the kind of failure."""
    detail = messages.Detail.UNKNOWN
    if isinstance(error, exceptions.StoreError):
        detail = _STORE_FAILED[action]
    elif isinstance(error, exceptions.DriverError | exceptions.Unavailable):
        detail = messages.Detail.BACKUP_DEVICE_ERROR
    elif isinstance(error, exceptions.Cancelled):
        detail = messages.Detail.CANCELLED
    messages.add(tx, claim.context, claim.operation.project_id, action,
                 detail, 'backup', claim.operation.resource_id)


_STORE_FAILED = {
    messages.Action.BACKUP_CREATE: messages.Detail.BACKUP_DRIVER_ERROR,
    messages.Action.BACKUP_DELETE: messages.Detail.BACKUP_DELETE_ERROR,
    messages.Action.BACKUP_RESTORE: messages.Detail.BACKUP_RESTORE_ERROR,
}


def release_source(tx: Transaction, backup: models.Backup, outcome: str,
                   ) -> None:
    """End a backup's hold on its volume (R-111) or its snapshot."""
    db_volumes.release_from_backup(tx, backup.volume_id, backup.id, outcome)
    if backup.snapshot_id is not None:
        transitions.try_move(
            tx, SNAPSHOTS, models.Snapshot, backup.snapshot_id,
            SnapshotStatus.AVAILABLE, sources=(SnapshotStatus.BACKING_UP,))
