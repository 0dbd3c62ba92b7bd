"""``blockstore-backup``: the backup service of one host."""

import sys
import typing

from oslo_config import cfg

from blockstore.backup.manager import BackupManager
from blockstore.cmd import assembly
from blockstore.db.engine import Database
from blockstore.lifecycle import events
from blockstore.notifications.publisher import Publisher
from blockstore.remote.backups import BackupRequests
from blockstore.rpc import transport as rpc_transport
from blockstore.rpc.clients import Clients


def manager(conf: cfg.ConfigOpts, database: Database,
            transport: typing.Any,
            listener: events.Listener = events.SILENCE) -> BackupManager:
    """Put the manager and what answers other services together."""
    return BackupManager(
        conf, database, transport, BackupRequests(
            conf, database, Clients(transport, conf, database, listener)))


def main() -> int:
    """Run until a signal ends it."""
    conf = assembly.prepare('blockstore-backup')
    publisher = Publisher(conf)
    return assembly.serve(conf, [manager(
        conf, assembly.migrated(conf), rpc_transport.get_transport(conf),
        publisher)], publisher)


if __name__ == '__main__':
    sys.exit(main())
