"""``blockstore-backup``: the backup service of one host."""

import sys

from blockstore.backup.manager import BackupManager
from blockstore.cmd import assembly
from blockstore.rpc import transport as rpc_transport


def main() -> int:
    """Run until a signal ends it."""
    conf = assembly.prepare('blockstore-backup')
    return assembly.serve(conf, [BackupManager(
        conf, assembly.migrated(conf), rpc_transport.get_transport(conf))])


if __name__ == '__main__':
    sys.exit(main())
