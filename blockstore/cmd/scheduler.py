"""``blockstore-scheduler``: the scheduler service of one host."""

import sys

from blockstore.cmd import assembly
from blockstore.rpc import transport as rpc_transport
from blockstore.scheduler.manager import SchedulerManager


def main() -> int:
    """Run until a signal ends it."""
    conf = assembly.prepare('blockstore-scheduler')
    return assembly.serve(conf, [SchedulerManager(
        conf, assembly.migrated(conf), rpc_transport.get_transport(conf))])


if __name__ == '__main__':
    sys.exit(main())
