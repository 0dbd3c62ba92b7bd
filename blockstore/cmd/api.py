"""``blockstore-api``: the REST API by worker processes."""

import sys
import time

from blockstore.api import response
from blockstore.api.auth import noauth
from blockstore.cmd import assembly
from blockstore.notifications.publisher import Publisher
from blockstore.rpc import transport as rpc_transport
from blockstore.service import wsgi

#: Seconds for what a worker has left to say when it ends.
_LAST_WORDS = 5.0


def main() -> int:
    """Run until a signal ends it."""
    conf = assembly.prepare('blockstore-api')
    noauth.check_exposure(conf)

    publisher = Publisher(conf)

    def application() -> response.App:
        # In a worker: neither database nor transport may exist before.
        return assembly.wsgi(conf, assembly.database(conf),
                             rpc_transport.get_transport(conf), publisher)

    wsgi.serve_granian(application, conf, lambda: publisher.stop(
        time.monotonic() + _LAST_WORDS))
    return 0


if __name__ == '__main__':
    sys.exit(main())
