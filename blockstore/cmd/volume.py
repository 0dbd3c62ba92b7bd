"""``blockstore-volume``: the volume services of one host.

One process may serve several back ends; production runs one process for
each, so that each can be started, stopped and limited alone::

    blockstore-volume --backend fast
"""

import sys
import typing

from oslo_config import cfg

from blockstore import exceptions
from blockstore.cmd import assembly
from blockstore.conf import CONF
from blockstore.db.engine import Database
from blockstore.lifecycle import events
from blockstore.notifications.publisher import Publisher
from blockstore.remote.attachments import AttachmentRequests
from blockstore.remote.volumes import VolumeRequests
from blockstore.rpc import transport as rpc_transport
from blockstore.rpc.clients import Clients
from blockstore.volume.drivers import loader
from blockstore.volume.manager import VolumeManager

CLI_OPTS: list[cfg.Opt] = [
    cfg.MultiStrOpt(
        'backend', default=[], metavar='NAME',
        help='Serve this back end of [volume] enabled_backends alone; may '
             'be given more than once. Not given: all of them.'),
]


def backends(conf: cfg.ConfigOpts) -> list[str]:
    """Return the back ends that this process serves.

    :raises exceptions.Invalid: one was asked for that is not enabled.
    """
    enabled: list[str] = conf.volume.enabled_backends
    unknown = sorted(set(conf.backend) - set(enabled))
    if unknown:
        raise exceptions.Invalid(
            f'not in [volume] enabled_backends: {", ".join(unknown)}',
            remedy=f'enable it, or name one of {", ".join(enabled)}')
    return list(dict.fromkeys(conf.backend)) or enabled


def manager(conf: cfg.ConfigOpts, database: Database,
            transport: typing.Any, backend: str,
            listener: events.Listener = events.SILENCE) -> VolumeManager:
    """Put the manager and what answers other services together."""
    host = loader.host_of(conf, backend)
    clients = Clients(transport, conf, database, listener)
    made = VolumeManager(
        conf, database, transport, backend,
        VolumeRequests(conf, database, clients, host),
        AttachmentRequests(conf, database, clients, host))
    clients.volume.answer_here(host, made.run_now)
    return made


def main() -> int:
    """Run until a signal ends it."""
    CONF.register_cli_opts(CLI_OPTS)
    conf = assembly.prepare('blockstore-volume')
    try:
        served = backends(conf)
    except exceptions.Invalid as error:
        print(f'blockstore-volume: {error}; {error.remedy}', file=sys.stderr)
        return 2
    database = assembly.migrated(conf)
    transport = rpc_transport.get_transport(conf)
    publisher = Publisher(conf)
    return assembly.serve(conf, [
        manager(conf, database, transport, backend, publisher)
        for backend in served], publisher)


if __name__ == '__main__':
    sys.exit(main())
