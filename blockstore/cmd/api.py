"""``blockstore-api``: the REST API by worker processes.

:mod:`blockstore.wsgi` has the same application for other WSGI servers.
"""

import functools
import sys
import tempfile
import time

from oslo_config import cfg

from blockstore import metrics
from blockstore.api import response
from blockstore.api.auth import strategies
from blockstore.cmd import assembly
from blockstore.cmd import common
from blockstore.cmd import web
from blockstore.notifications.publisher import Publisher
from blockstore.rpc import transport as rpc_transport
from blockstore.service import workers

#: Seconds for what a worker has left to say when it ends.
_LAST_WORDS = 5.0


def application(conf: cfg.ConfigOpts, publisher: Publisher) -> response.App:
    """Make the application; in a worker, after the fork.

    Neither database nor transport may exist before.
    """
    return web.application(conf, assembly.database(conf),
                           rpc_transport.get_transport(conf), publisher)


def say_last_words(publisher: Publisher) -> None:
    """Send the notifications that wait, when a worker ends."""
    publisher.stop(time.monotonic() + _LAST_WORDS)


def main() -> int:
    """Run until a signal ends it."""
    conf = assembly.prepare('blockstore-api')
    strategies.check(conf)
    assembly.migrated(conf).dispose()
    publisher = Publisher(conf)
    with tempfile.TemporaryDirectory(prefix='blockstore-api-') as counts:
        # Whichever worker is scraped tells what all of them have counted.
        metrics.share(counts)
        workers.serve(functools.partial(application, conf, publisher), conf,
                      functools.partial(say_last_words, publisher),
                      functools.partial(common.read_again, conf))
    return 0


if __name__ == '__main__':
    sys.exit(main())
