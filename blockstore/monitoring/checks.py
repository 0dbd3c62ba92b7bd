"""What a service depends on, and how to see that it is there."""

import ssl
import typing

from oslo_config import cfg
import oslo_messaging

from blockstore import exceptions
from blockstore.db import schema
from blockstore.db.engine import Database
from blockstore.rpc import transport as rpc_transport
from blockstore.service import base

_SECONDS = 3.0


def of(conf: cfg.ConfigOpts, database: Database, transport: typing.Any,
       ) -> dict[str, base.Check]:
    """Return the checks that every service has in common."""
    checks: dict[str, base.Check] = {
        'database': lambda: schema.check(database)}
    if not rpc_transport.stays_local(transport):
        checks['broker'] = lambda: reach_broker(conf)
    return checks


def reach_broker(conf: cfg.ConfigOpts) -> None:
    """Log in at one of the hosts of ``transport_url``.

    :raises exceptions.Unavailable: none of them lets us in.
    """
    url = oslo_messaging.TransportURL.parse(conf)
    if url.transport != 'rabbit':
        return
    # Imported late: a process without a broker does without its client.
    from kombu import connection
    connection_to: typing.Any = connection.Connection
    failures = []
    for host in url.hosts:
        broker = connection_to(
            hostname=host.hostname, port=host.port or 5672,
            userid=host.username, password=host.password,
            virtual_host=url.virtual_host or '/', ssl=_encryption(conf),
            connect_timeout=_SECONDS)
        try:
            broker.connect()
        except Exception as error:  # noqa: BLE001
            # A broker's client may raise anything; the next host is tried.
            failures.append(f'{host.hostname}: {error}')
        else:
            return
        finally:
            broker.release()
    raise exceptions.Unavailable(
        f'no broker can be reached: {"; ".join(failures)}')


def _encryption(conf: cfg.ConfigOpts) -> typing.Any:
    options = conf.oslo_messaging_rabbit
    if not options.ssl:
        return False
    return {'ca_certs': options.ssl_ca_file or None,
            'certfile': options.ssl_cert_file or None,
            'keyfile': options.ssl_key_file or None,
            'cert_reqs': (ssl.CERT_REQUIRED if options.ssl_ca_file
                          else ssl.CERT_NONE)}
