"""``blockstore-volume``: the volume services of one host.

One process may serve several back ends; production runs one process for
each, with ``[volume] enabled_backends`` naming it alone.
"""

import sys

from blockstore.cmd import assembly
from blockstore.rpc import transport as rpc_transport
from blockstore.volume.manager import VolumeManager


def main() -> int:
    """Run until a signal ends it."""
    conf = assembly.prepare('blockstore-volume')
    database = assembly.database(conf)
    transport = rpc_transport.get_transport(conf)
    return assembly.serve(conf, [
        VolumeManager(conf, database, transport, backend)
        for backend in conf.volume.enabled_backends])


if __name__ == '__main__':
    sys.exit(main())
