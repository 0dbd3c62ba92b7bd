"""The in-process transport: ``local://`` carries RPC between threads.

It keeps what a broker guarantees and drops what only a broker can do:

* a message is copied through JSON, so that caller and callee never share an
  object, and what cannot cross a broker cannot cross here either;
* a topic's listeners take turns; a server's name picks one listener; a fanout
  reaches all; a remote exception is rebuilt by the rules of every other
  transport;
* nobody polls: each wait ends when its message arrives;
* a cast to a topic that nobody listens on is dropped, a call fails at once;
* a listener that stops still hands over what it had accepted.

``local://one`` and ``local://two`` are two buses that know nothing of each
other.  Server and client must live in one process.

>>> oslo_messaging.get_rpc_transport(conf, 'local://')
"""

import collections
from collections.abc import Callable
from collections.abc import Iterable
import queue
import threading
from typing import Any

import oslo_messaging
from oslo_messaging._drivers import base
from oslo_messaging._drivers import common
from oslo_serialization import jsonutils

Address = tuple[str | None, str]
_Reply = queue.SimpleQueue[tuple[str, str | None]]


class _Incoming(base.RpcIncomingMessage):  # type: ignore[misc]
    """One message on its way into a server."""

    def __init__(self, context: dict[str, Any], message: dict[str, Any],
                 reply_to: _Reply | None,
                 again: Callable[[], None]) -> None:
        super().__init__(context, message)
        self._reply_to = reply_to
        self._again = again

    def reply(self, reply: Any = None, failure: Any = None) -> None:
        """Send the answer, or the exception, to the waiting caller."""
        if self._reply_to is None:
            return
        if failure is None:
            self._reply_to.put((jsonutils.dumps(reply), None))
        else:
            self._reply_to.put(
                ('null', common.serialize_remote_exception(failure)))

    def requeue(self) -> None:
        """Put the message back behind the others of its listener."""
        self._again()

    def heartbeat(self) -> None:
        """Do nothing: the callee cannot die without the caller."""


class _Listener(base.PollStyleListener):  # type: ignore[misc]
    """The mailbox of one server or one pool of notification listeners."""

    def __init__(self, bus: '_Bus', addresses: Iterable[Address],
                 server: str | None, pool: str | None) -> None:
        super().__init__()
        self.addresses = tuple(addresses)
        self.server = server
        self.pool = pool
        self._bus = bus
        self._mail: collections.deque[tuple[str, _Reply | None]] = (
            collections.deque())
        self._changed = threading.Condition()
        self._stopped = False
        bus.join(self)

    def put(self, text: str, reply_to: _Reply | None) -> None:
        """Accept a message."""
        with self._changed:
            self._mail.append((text, reply_to))
            self._changed.notify()

    @base.batch_poll_helper  # type: ignore[untyped-decorator]
    def poll(self, timeout: float | None = None) -> _Incoming | None:
        """Wait for a message; None when stopped and empty, or timed out."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._mail or self._stopped, timeout)
            if not self._mail:
                return None
            text, reply_to = self._mail.popleft()
        context, message = jsonutils.loads(text)
        return _Incoming(context, message, reply_to,
                         lambda: self.put(text, reply_to))

    def stop(self) -> None:
        """Take no more messages and wake whoever polls."""
        self._bus.leave(self)
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


class _Bus:
    """Who listens where, on one local URL."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[Address, list[_Listener]] = {}
        self._turns: collections.Counter[tuple[Address, str | None]] = (
            collections.Counter())

    def join(self, listener: _Listener) -> None:
        with self._lock:
            for address in listener.addresses:
                self._listeners.setdefault(address, []).append(listener)

    def leave(self, listener: _Listener) -> None:
        with self._lock:
            for address in listener.addresses:
                present = self._listeners.get(address, [])
                if listener in present:
                    present.remove(listener)
                if not present:
                    self._listeners.pop(address, None)

    def deliver(self, address: Address, server: str | None, fanout: bool,
                text: str, reply_to: _Reply | None) -> int:
        """Put a message into the right mailboxes; tell into how many.

        Under the lock, so that a listener that has left gets nothing more.
        """
        with self._lock:
            chosen = self._choose(address, server, fanout)
            for listener in chosen:
                listener.put(text, reply_to)
            return len(chosen)

    def _choose(self, address: Address, server: str | None,
                fanout: bool) -> list[_Listener]:
        present = [listener for listener in self._listeners.get(address, ())
                   if server is None or listener.server == server]
        if fanout:
            return present
        pools: dict[str | None, list[_Listener]] = {}
        for listener in present:
            pools.setdefault(listener.pool, []).append(listener)
        chosen = []
        for pool, members in pools.items():
            turn = self._turns[address, pool]
            self._turns[address, pool] = turn + 1
            chosen.append(members[turn % len(members)])
        return chosen


_buses: dict[str, _Bus] = {}
_buses_lock = threading.Lock()


class LocalDriver(base.BaseDriver):  # type: ignore[misc]
    """oslo.messaging's driver for ``local://[name]``."""

    def __init__(self, conf: Any, url: Any,
                 default_exchange: str | None = None,
                 allowed_remote_exmods: list[str] | None = None) -> None:
        super().__init__(conf, url, default_exchange, allowed_remote_exmods)
        with _buses_lock:
            self._bus = _buses.setdefault(str(url), _Bus())

    def require_features(self, requeue: bool = True) -> None:
        """Accept: a message can be put back."""

    def _address(self, target: Any, suffix: str = '') -> Address:
        return (target.exchange or self._default_exchange,
                target.topic + suffix)

    def send(self, target: Any, ctxt: dict[str, Any],
             message: dict[str, Any], wait_for_reply: bool | None = None,
             timeout: float | None = None,
             call_monitor_timeout: float | None = None,
             retry: int | None = None,
             transport_options: Any = None) -> Any:
        """Deliver a message; for a call, wait for its answer.

        :param timeout: seconds to wait for the answer; None: for ever.
        :raises oslo_messaging.MessageDeliveryFailure: nobody listens.
        :raises oslo_messaging.MessagingTimeout: no answer in time.
        """
        reply_to: _Reply | None = (
            queue.SimpleQueue() if wait_for_reply else None)
        reached = self._bus.deliver(
            self._address(target), target.server, bool(target.fanout),
            jsonutils.dumps([ctxt, message]), reply_to)
        if reply_to is None:
            return None
        if not reached:
            raise oslo_messaging.MessageDeliveryFailure(
                f'nobody listens on {target.topic}')
        try:
            text, failure = reply_to.get(timeout=timeout)
        except queue.Empty:
            raise oslo_messaging.MessagingTimeout(
                f'no answer from {target.topic} in {timeout} s') from None
        if failure is not None:
            raise common.deserialize_remote_exception(
                failure, self._allowed_remote_exmods)
        return jsonutils.loads(text)

    def send_notification(self, target: Any, ctxt: dict[str, Any],
                          message: dict[str, Any], version: float,
                          retry: int | None = None) -> None:
        """Give a notification to one listener of each pool, or to nobody."""
        self._bus.deliver(self._address(target), None, False,
                          jsonutils.dumps([ctxt, message]), None)

    def listen(self, target: Any, batch_size: int,
               batch_timeout: float | None) -> Any:
        """Open the mailbox of one server of a topic."""
        listener = _Listener(self._bus, [self._address(target)],
                             target.server, None)
        return base.PollStyleListenerAdapter(listener, batch_size,
                                             batch_timeout)

    def listen_for_notifications(
            self, targets_and_priorities: Iterable[tuple[Any, str]],
            pool: str | None, batch_size: int,
            batch_timeout: float | None) -> Any:
        """Open a mailbox for notifications of some priorities."""
        addresses = [self._address(target, f'.{priority}')
                     for target, priority in targets_and_priorities]
        listener = _Listener(self._bus, addresses, None, pool)
        return base.PollStyleListenerAdapter(listener, batch_size,
                                             batch_timeout)

    def cleanup(self) -> None:
        """Do nothing: a bus without listeners holds nothing."""
