"""Publishes events as notifications.

``[oslo_messaging_notifications] driver`` says how; without one nobody is
told and nothing is done.  A notification is made in the transaction that
makes it true, from the rows as they are at its end, and published when that
is durable.  Messages to a broker wait in an outbox: no work is ever held up
or failed by a broker, or by a consumer, that is away.

With a database to remember them in (:mod:`blockstore.notifications.backlog`)
notifications outlive their process, and are sent at least once.  Without one,
what cannot be told is logged and counted, and lost.

>>> publisher = Publisher(conf)
>>> publisher.remember(database)
>>> worker.watch(publisher)
"""

import functools
import threading
import typing

from oslo_config import cfg
from oslo_log import log as logging
import oslo_messaging
from oslo_messaging import transport as messaging_transport
from oslo_messaging.notify import notifier as messaging_notifier
from oslo_utils import strutils

from blockstore import metrics
from blockstore.db import failures
from blockstore.db.engine import Database
from blockstore.db.engine import Transaction
from blockstore.lifecycle import events
from blockstore.notifications import payloads
from blockstore.notifications.backlog import Backlog
from blockstore.notifications.told import Delivery
from blockstore.notifications.told import Told
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
            'notifications', conf.observability.notification_queue,
            self._dropped)
        self._backlog: Backlog | None = None
        self._lock = threading.Lock()
        self._made: list[typing.Any] | None = None
        self._sending = threading.local()

    def remember(self, database: Database) -> None:
        """Keep what is to be told in a database; called before the start.

        And in each process after it was forked.
        """
        if self._drivers and self._backlog is None:
            self._backlog = Backlog(self._conf, database, self._publish)

    def start(self) -> None:
        """Send what dead processes have left; nothing else is needed.

        The first notification starts what sends it.
        """
        if self._backlog is not None:
            self._backlog.start()

    def stop(self, deadline: float) -> None:
        """Send what waits, if the broker is there."""
        left = self._outbox.drain(deadline)
        if self._backlog is not None:
            left = self._backlog.stop(deadline)
            if left:
                LOG.info('%d notifications are left for others, or for the '
                         'next start, to send', left)
        elif left:
            metrics.NOTIFICATIONS_FAILED.labels('stopped').inc(left)
            LOG.warning('%d notifications were not sent before the end', left)

    def tell(self, tx: Transaction, event: events.Event) -> None:
        """Publish an event as soon as it is true."""
        if self._drivers:
            tx.gather(self._look, event)

    def _look(self, tx: Transaction, told_of: list[events.Event]) -> None:
        """See what is to be told, while the transaction still shows it."""
        try:
            with tx.aside():
                messages = [told for event in told_of
                            if (told := self._describe(tx, event))]
                if self._backlog is not None:
                    self._backlog.write(tx, messages)
        except Exception as error:
            if failures.is_passing(error):
                # All of the transaction is undone, and may be repeated.
                raise
            # The boundary of telling: whatever goes wrong in it is logged
            # and counted, and the work goes on.
            _failed(told_of, error)
            return
        for told in messages:
            tx.after_commit(functools.partial(self._publish, told))

    def _describe(self, tx: Transaction, event: events.Event) -> Told | None:
        """Return what is told of an event, if anything is."""
        found = payloads.of(tx, event.noun, event.resource_id)
        if found is None or found.hidden:
            return None
        noun = event.publisher or event.noun
        host = event.host or found.host or self._conf.service.host
        details = {key: strutils.mask_password(value)
                   if isinstance(value, str) else value
                   for key, value in event.details.items()}
        return Told(event.type, f'{noun}.{host}', event.is_error,
                    event.context, {**found.payload, **details})

    def _publish(self, told: Told) -> None:
        """Hand a notification to all drivers."""
        if self._backlog is not None:
            self._backlog.hold(told)
        delivery = self._sending.delivery = Delivery(told, self._over)
        good = False
        try:
            for one in self._notifiers():
                sender = one.prepare(publisher_id=told.publisher_id)
                tell = sender.error if told.is_error else sender.info
                tell(told.context, told.event_type, told.payload)
            good = True
        except Exception as error:  # noqa: BLE001
            # The same boundary: a notifier is a plug-in, and the thread that
            # sends goes on with the next.
            self._dropped(told.event_type, error)
        finally:
            del self._sending.delivery
            delivery.end(good)

    def _over(self, id_: str, sent: bool) -> None:
        if self._backlog is not None:
            self._backlog.over(id_, sent)

    def _dropped(self, name: str, error: Exception | None) -> None:
        """Note that a notification was not sent."""
        trace = error if LOG.isEnabledFor(logging.DEBUG) else None
        if self._backlog is not None:
            LOG.info('The notification %s is sent later: %s', name,
                     error or 'too many wait for the broker', exc_info=trace)
            return
        metrics.NOTIFICATIONS_FAILED.labels(
            'failed' if error else 'full').inc()
        LOG.warning('Nobody is told of %s: %s', name,
                    error or 'too many notifications wait for the broker',
                    exc_info=trace)

    def _notifiers(self) -> list[typing.Any]:
        with self._lock:
            if self._made is None:
                transport = rpc_transport.get_notification_transport(
                    self._conf, self._conf[GROUP].transport_url,
                    _PatientTransport)
                transport.outbox = self._outbox
                transport.sending = self._sending
                self._made = [oslo_messaging.Notifier(
                    transport, driver=driver,
                    serializer=rpc_transport.RequestContextSerializer())
                    for driver in self._drivers]
            return self._made


class _PatientTransport(
        messaging_transport.NotificationTransport):  # type: ignore[misc]
    """A transport that takes every message, and sends it when it can."""

    outbox: outbox.Outbox
    #: ``delivery``: what this thread hands out.
    sending: threading.local

    def _send_notification(self, target: typing.Any, ctxt: typing.Any,
                           message: typing.Any, version: float,
                           retry: int | None = None) -> None:
        delivery: Delivery = self.sending.delivery
        # The same each time that it is sent.
        message = {**message, 'message_id': delivery.told.id,
                   'timestamp': str(delivery.told.at)}

        def send() -> None:
            good = False
            try:
                self._driver.send_notification(target, ctxt, message, version,
                                               retry=retry)
                good = True
            finally:
                delivery.end(good)
            metrics.NOTIFICATIONS.labels(message['priority']).inc()

        delivery.begin()
        if not self.outbox.put(str(message['event_type']), send):
            delivery.end(good=False)


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


def _failed(told_of: list[events.Event], error: Exception) -> None:
    metrics.NOTIFICATIONS_FAILED.labels('made').inc(len(told_of))
    for event in told_of:
        LOG.warning('Nobody is told of %s of %s: %s', event.type,
                    event.resource_id, error, exc_info=error)
