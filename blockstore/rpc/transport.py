"""The transport of this process, and what goes through it.

``local://`` stays in the process (:mod:`blockstore.rpc.local`), ``rabbit://``
goes through RabbitMQ with defaults fit for production: quorum queues, stable
queue names, fanout through streams and a small prefetch.  A value in the
configuration file always wins over these defaults.

oslo.messaging registers some options on the global configuration only, so
``conf`` has to be :data:`blockstore.conf.CONF`.

>>> transport = get_transport(conf)
>>> volume.VolumeClient(transport, conf)
"""

import os
from typing import Any
import zlib

from oslo_concurrency import lockutils
from oslo_config import cfg
import oslo_messaging
from oslo_messaging import transport as messaging_transport
from oslo_utils import fileutils

from blockstore import context as blockstore_context
from blockstore.conf import upgrade_levels
from blockstore.objects import base as objects
from blockstore.rpc import failures
from blockstore.rpc import local
from blockstore.rpc import versions

EXCHANGE = 'blockstore'
LOCAL_URL = 'local://'

_RABBIT = 'oslo_messaging_rabbit'
_RABBIT_DEFAULTS = {
    'rabbit_quorum_queue': True,
    'rabbit_transient_quorum_queue': True,
    'use_queue_manager': True,
    'rabbit_stream_fanout': True,
    'rabbit_qos_prefetch_count': 10,
}


class RequestContextSerializer(
        oslo_messaging.Serializer):  # type: ignore[misc]
    """Carries the request context, plain JSON, and versioned objects.

    :param conf: says how old the objects are that receivers know.
    """

    def __init__(self, conf: cfg.ConfigOpts | None = None) -> None:
        super().__init__()
        pin = upgrade_levels.AUTO if conf is None else (
            conf.upgrade_levels.objects)
        self._known = versions.SHAPES.get(pin, {})

    def serialize_entity(self, ctxt: Any, entity: Any) -> Any:
        """Give a value as JSON; objects with their name and version."""
        return objects.pack(entity, self._known)

    def deserialize_entity(self, ctxt: Any, entity: Any) -> Any:
        """Give a value as it was sent."""
        return objects.unpack(entity)

    def serialize_context(
            self, ctxt: blockstore_context.RequestContext) -> dict[str, Any]:
        """Give a context as a dictionary without secrets."""
        return ctxt.to_dict()

    def deserialize_context(
            self, ctxt: dict[str, Any]) -> blockstore_context.RequestContext:
        """Rebuild a context and put it into the current thread."""
        return blockstore_context.RequestContext.from_dict(ctxt)


def get_transport(conf: cfg.ConfigOpts,
                  url: str | None = None
                  ) -> messaging_transport.RPCTransport:
    """Open the RPC transport.

    :param conf: the global configuration object.
    :param url: a transport URL; None takes ``transport_url``.
    :raises oslo_messaging.DriverLoadFailure: no such transport.
    """
    oslo_messaging.set_transport_defaults(EXCHANGE)
    parsed = oslo_messaging.TransportURL.parse(conf, url)
    if parsed.transport == 'local':
        return _LocalTransport(local.LocalDriver(
            conf, parsed, default_exchange=conf.control_exchange,
            allowed_remote_exmods=failures.ALLOWED_MODULES))
    if parsed.transport == 'rabbit':
        _set_rabbit_defaults(conf)
        _lead_a_group_if_nobody_does()
    return oslo_messaging.get_rpc_transport(
        conf, parsed, allowed_remote_exmods=failures.ALLOWED_MODULES)


def get_notification_transport(
        conf: cfg.ConfigOpts, url: str | None,
        transport_class: type[messaging_transport.NotificationTransport],
        ) -> messaging_transport.NotificationTransport:
    """Open the transport that notifications go through.

    :param url: a transport URL; None takes that of RPC.
    :param transport_class: what to make of oslo.messaging's driver.
    """
    oslo_messaging.set_transport_defaults(EXCHANGE)
    parsed = oslo_messaging.TransportURL.parse(conf, url)
    if parsed.transport == 'rabbit':
        _set_rabbit_defaults(conf)
        _lead_a_group_if_nobody_does()
    return messaging_transport._get_transport(
        conf, parsed, transport_cls=transport_class)


def stays_local(transport: Any) -> bool:
    """Tell whether a transport's messages stay in the process."""
    return isinstance(transport, _LocalTransport)


class _LocalTransport(
        messaging_transport.RPCTransport):  # type: ignore[misc]
    """The transport of one process: sending never blocks or fails."""


def _set_rabbit_defaults(conf: cfg.ConfigOpts) -> None:
    # Imported late: it loads the clients of every broker there is.
    from oslo_messaging import opts
    for group, options in opts.list_opts():
        if group == _RABBIT:
            conf.register_opts(options, group=group)
    for name, value in _RABBIT_DEFAULTS.items():
        conf.set_default(name, value, group=_RABBIT)
    conf.set_default('processname', _process_name(conf), group=_RABBIT)
    if not lockutils.get_lock_path(conf):
        path = os.path.join(conf.service.state_path, 'locks')
        fileutils.ensure_tree(path)
        conf.set_default('lock_path', path, group='oslo_concurrency')


def _lead_a_group_if_nobody_does() -> None:
    """Make sure that the process group's leader can be looked at.

    The queue manager names reply queues by it.  A daemon that was started by
    a script which has ended has a leader that is gone: every call would fail
    with "no such file: /proc/…".
    """
    if os.path.isdir('/proc/self') and not os.path.exists(
            f'/proc/{os.getpgrp()}'):
        os.setpgid(0, 0)


def _process_name(conf: cfg.ConfigOpts) -> str:
    """Name this daemon among all on this host, the same after a restart.

    The queue manager numbers the reply queues of one process name; two
    daemons under one name would take each other's replies. What tells two
    ``blockstore-volume`` of one host apart is their configuration files.
    """
    program = os.path.basename(conf.prog or 'blockstore')
    files = ' '.join([*conf.config_file, *conf.config_dir])
    return f'{program}.{conf.service.host}.{zlib.crc32(files.encode()):08x}'
