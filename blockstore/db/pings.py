"""Ask a server whether a connection lives, but not each time it is used.

The pool asks before it lends a connection.  One that was in use a moment ago
is lent as it is: should the server have gone since, its first statement says
so, which is a passing failure like any other (:mod:`blockstore.db.retry`).
"""

import time
import typing
import weakref

import sqlalchemy as sa
from sqlalchemy import event

# Seconds for which a connection is taken to live on.
_FRESH = 1.0


def spare(engine: sa.Engine) -> None:
    """Have an engine's pool ask only connections that were idle."""
    used: weakref.WeakKeyDictionary[typing.Any, float] = (
        weakref.WeakKeyDictionary())
    ask = engine.dialect.do_ping

    def checked_in(connection: typing.Any, record: typing.Any) -> None:
        if connection is not None:
            used[connection] = time.monotonic()

    def ping(connection: typing.Any) -> bool:
        if time.monotonic() - used.get(connection, -_FRESH) < _FRESH:
            return True
        return ask(connection)

    event.listen(engine, 'checkin', checked_in)
    # Of this engine's own dialect object.
    engine.dialect.do_ping = ping  # type: ignore[method-assign,assignment]
