"""``blockstore-all``: every service in one process.

SQLite in the state path and RPC within the process, unless the configuration
says otherwise.  The database is made or migrated at the start.
"""

import sys

from oslo_config import cfg

from blockstore.cmd import assembly
from blockstore.cmd import backup
from blockstore.cmd import scheduler
from blockstore.cmd import volume
from blockstore.cmd import web
from blockstore.db import migration
from blockstore.notifications.publisher import Publisher
from blockstore.rpc import transport as rpc_transport
from blockstore.service import base
from blockstore.service import wsgi


def services(conf: cfg.ConfigOpts, publisher: Publisher,
             ) -> list[base.Service]:
    """Return the services of one process, HTTP last: it stops first."""
    database = assembly.database(conf)
    migration.sync(database)
    transport = rpc_transport.get_transport(conf, rpc_transport.LOCAL_URL)
    return [
        *(volume.manager(conf, database, transport, backend, publisher)
          for backend in conf.volume.enabled_backends),
        backup.manager(conf, database, transport, publisher),
        scheduler.manager(conf, database, transport, publisher),
        wsgi.WaitressServer(web.application(
            conf, database, transport, publisher), conf)]


def main() -> int:
    """Run until a signal ends it."""
    conf = assembly.prepare('blockstore-all')
    publisher = Publisher(conf)
    return assembly.serve(conf, services(conf, publisher), publisher)


if __name__ == '__main__':
    sys.exit(main())
