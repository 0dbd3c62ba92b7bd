"""``blockstore-api``: the REST API by worker processes."""

import sys

from blockstore.api import response
from blockstore.api.auth import noauth
from blockstore.cmd import assembly
from blockstore.rpc import transport as rpc_transport
from blockstore.service import wsgi


def main() -> int:
    """Run until a signal ends it."""
    conf = assembly.prepare('blockstore-api')
    noauth.check_exposure(conf)

    def application() -> response.App:
        # In a worker: neither database nor transport may exist before.
        return assembly.wsgi(conf, assembly.database(conf),
                             rpc_transport.get_transport(conf))

    wsgi.serve_granian(application, conf)
    return 0


if __name__ == '__main__':
    sys.exit(main())
