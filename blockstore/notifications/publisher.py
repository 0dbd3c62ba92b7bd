"""Publishes events as notifications.

``[oslo_messaging_notifications] driver`` says how; without one nobody is
told and nothing is done.  A notification is made in the transaction that
makes it true, from the rows as they are at its end, and published when that
is durable.  Messages to a broker wait in an outbox: no work is ever held up
or failed by a broker, or by a consumer, that is away.  What cannot be told is
logged and counted, and lost.

>>> worker.watch(Publisher(conf))
"""

import threading
import typing

from oslo_config import cfg
from oslo_log import log as logging
import oslo_messaging
from oslo_messaging import transport as messaging_transport
from oslo_messaging.notify import notifier as messaging_notifier
from oslo_utils import strutils

from blockstore import metrics
from blockstore.db.engine import Transaction
from blockstore.lifecycle import events
from blockstore.notifications import payloads
from blockstore.rpc import outbox
from blockstore.rpc import transport as rpc_transport
from blockstore.service import base

LOG = logging.getLogger(__name__)
GROUP = 'oslo_messaging_notifications'
_BY_BROKER = ('messaging', 'messagingv2')


class Publisher(base.Service):
    """Tells the world; a listener to events.

    It may be made before a process forks: what has threads or connections is
    made with the first notification.
    """

    name = 'notifications'

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        self._drivers = _drivers(conf)
        self._outbox = outbox.Outbox(
            'notifications', conf.observability.notification_queue, _dropped)
        self._lock = threading.Lock()
        self._made: list[typing.Any] | None = None

    def start(self) -> None:
        """Nothing to do: the first notification starts what it needs."""

    def stop(self, deadline: float) -> None:
        """Send what waits, if the broker is there."""
        lost = self._outbox.drain(deadline)
        if lost:
            metrics.NOTIFICATIONS_FAILED.labels('stopped').inc(lost)
            LOG.warning('%d notifications were not sent before the end', lost)

    def tell(self, tx: Transaction, event: events.Event) -> None:
        """Publish an event as soon as it is true."""
        if not self._drivers:
            return
        tx.before_commit(lambda: self._look(tx, event))

    def _look(self, tx: Transaction, event: events.Event) -> None:
        """See what is to be told, while the transaction still shows it."""
        try:
            # Of its own: what fails here must not spoil what is told of.
            with tx.connection.begin_nested():
                found = payloads.of(tx, event.noun, event.resource_id)
        except Exception as error:  # noqa: BLE001
            # The boundary of telling: whatever goes wrong in it is logged
            # and counted, and the work goes on.
            _failed(event, error)
            return
        if found is not None and not found.hidden:
            tx.after_commit(lambda: self._publish(event, found))

    def _publish(self, event: events.Event, found: payloads.Described,
                 ) -> None:
        noun = event.publisher or event.noun
        host = event.host or found.host or self._conf.service.host
        details = {key: strutils.mask_password(value)
                   if isinstance(value, str) else value
                   for key, value in event.details.items()}
        try:
            for one in self._notifiers():
                sender = one.prepare(publisher_id=f'{noun}.{host}')
                tell = sender.error if event.is_error else sender.info
                tell(event.context, event.type, {**found.payload, **details})
        except Exception as error:  # noqa: BLE001
            # The same boundary.
            _failed(event, error)

    def _notifiers(self) -> list[typing.Any]:
        with self._lock:
            if self._made is None:
                transport = rpc_transport.get_notification_transport(
                    self._conf, self._conf[GROUP].transport_url,
                    _PatientTransport)
                transport.outbox = self._outbox
                self._made = [oslo_messaging.Notifier(
                    transport, driver=driver,
                    serializer=rpc_transport.RequestContextSerializer())
                    for driver in self._drivers]
            return self._made


class _PatientTransport(
        messaging_transport.NotificationTransport):  # type: ignore[misc]
    """A transport that takes every message, and sends it when it can."""

    outbox: outbox.Outbox

    def _send_notification(self, target: typing.Any, ctxt: typing.Any,
                           message: typing.Any, version: float,
                           retry: int | None = None) -> None:
        def send() -> None:
            self._driver.send_notification(target, ctxt, message, version,
                                           retry=retry)
            metrics.NOTIFICATIONS.labels(message['priority']).inc()
        self.outbox.put(str(message['event_type']), send)


def _drivers(conf: cfg.ConfigOpts) -> list[str]:
    """Return the names of the drivers by which somebody is told."""
    # What lists options publicly loads the clients of every broker there is.
    conf.register_opts(messaging_notifier._notifier_opts, group=GROUP)
    return [name for name in conf[GROUP].driver if name != 'noop'
            and not (name in _BY_BROKER and _is_local(conf))]


def _is_local(conf: cfg.ConfigOpts) -> bool:
    """Tell whether messages would stay here, where nobody listens."""
    url = oslo_messaging.TransportURL.parse(conf, conf[GROUP].transport_url)
    return bool(url.transport == 'local')


def _failed(event: events.Event, error: Exception) -> None:
    metrics.NOTIFICATIONS_FAILED.labels('made').inc()
    LOG.warning('Nobody is told of %s of %s: %s', event.type,
                event.resource_id, error, exc_info=error)


def _dropped(name: str, error: Exception | None) -> None:
    if error is None:
        metrics.NOTIFICATIONS_FAILED.labels('full').inc()
        LOG.warning('Nobody is told of %s: too many notifications wait for '
                    'the broker', name)
        return
    metrics.NOTIFICATIONS_FAILED.labels('failed').inc()
    LOG.warning('The notification %s was not delivered: %s', name, error,
                exc_info=(error if LOG.isEnabledFor(logging.DEBUG) else None))
