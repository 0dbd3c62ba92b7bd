"""How an exception crosses RPC and stays what it was.

On the server :class:`Guard` stands before an endpoint.  What the service
raises on purpose (:mod:`blockstore.exceptions`) is an answer and is sent as
the nearest class of that module; anything else is logged with its traceback
and sent as a plain internal error.  On the client :func:`restore` gives the
caller the same class, message, code, blockers and remedy back, without the
remote traceback in the message.  So a caller sees one family of exceptions,
whatever the transport.

A caller that has not our classes gets oslo.messaging's ``RemoteError``: its
``exc_type`` is the name of the class and its ``value`` a JSON object with
``message``, ``code``, ``blockers`` and ``remedy``.
"""

from collections.abc import Callable
from collections.abc import Mapping
import functools
import json
from typing import Any

from kombu import exceptions as kombu_exceptions
from oslo_db import exception as db_exception
from oslo_log import log as logging
import oslo_messaging

from blockstore import errors
from blockstore import exceptions
from blockstore.rpc.methods import base

LOG = logging.getLogger(__name__)

#: Modules whose exceptions a client may rebuild.
ALLOWED_MODULES = [exceptions.__name__]

#: What a call may raise. oslo.messaging lets the errors of its broker's
#: client through while it connects.
CALL_ERRORS = (exceptions.BlockstoreError, oslo_messaging.MessagingException,
               oslo_messaging.RemoteError, kombu_exceptions.KombuError,
               OSError)


#: What a dispatcher raises that does not know a message.
_TOO_OLD = ('UnsupportedVersion', 'NoSuchMethod')


def _plain(error: exceptions.BlockstoreError) -> exceptions.BlockstoreError:
    """Rebuild an error as the nearest class that both sides know."""
    return exceptions.family(error)(
        error.message, code=error.code, blockers=error.blockers,
        remedy=error.remedy)


def portable(error: exceptions.BlockstoreError) -> exceptions.BlockstoreError:
    """Make an error ready for oslo.messaging's serialization.

    That takes the positional arguments from ``args``, the named ones from
    the attribute ``kwargs``, and for others the text.
    """
    plain = _plain(error)
    plain.__class__ = _TELLING[type(plain)]
    vars(plain)['kwargs'] = {'code': error.code, 'remedy': error.remedy,
                             'blockers': list(error.blockers)}
    return plain


def _telling(known: type[exceptions.BlockstoreError],
             ) -> type[exceptions.BlockstoreError]:
    """Make a class of the same name whose text tells all."""
    def text(error: exceptions.BlockstoreError) -> str:
        return json.dumps({
            'message': error.message, 'code': error.code,
            'blockers': list(error.blockers), 'remedy': error.remedy})
    return type(known.__name__, (known,),
                {'__module__': known.__module__, '__str__': text})


_TELLING = {one: _telling(one) for one in vars(exceptions).values()
            if isinstance(one, type)
            and issubclass(one, exceptions.BlockstoreError)}


def too_old(message: str) -> exceptions.Unavailable:
    """Make the error of a service that does not know what is asked."""
    return exceptions.Unavailable(
        message, code=errors.RPC_VERSION,
        remedy='upgrade the service, or do without until it is; '
               'blockstore-manage service list shows the versions')


def restore(error: Exception, method: str) -> exceptions.BlockstoreError:
    """Turn what a call raised into one of our own exceptions.

    :param error: our own exception as rebuilt by the transport, or the
        transport's own failure.
    :param method: the method that was called, for the message.
    """
    if isinstance(error, exceptions.BlockstoreError):
        return _plain(error)
    if isinstance(error, oslo_messaging.RemoteError):
        if error.exc_type in _TOO_OLD:
            return too_old(f'the service is too old for {method}: '
                           f'{error.value}')
        return exceptions.BlockstoreError(
            f'{method} failed: {error.exc_type}: {error.value}')
    return exceptions.Unavailable(
        f'{method} got no answer: {error}',
        remedy='see whether the service is up, then try again')


class Guard:
    """An endpoint that raises nothing but portable exceptions.

    Where the endpoint has ``METHODS``, only what stands there can be called,
    with the arguments that stand there.

    :param endpoint: an object with a ``target`` and public methods that take
        the context first.
    """

    def __init__(self, endpoint: Any) -> None:
        self.target = endpoint.target
        self._endpoint = endpoint
        self._methods: Mapping[str, base.Method] | None = getattr(
            endpoint, 'METHODS', None)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._endpoint, name)
        if self._methods is None:
            return _guarded(found)
        if name not in self._methods:
            raise AttributeError(name)
        return _guarded(_checked(self._methods[name], found))


def _checked(method: base.Method, run: Callable[..., Any],
             ) -> Callable[..., Any]:
    @functools.wraps(run)
    def call(context: Any, **arguments: Any) -> Any:
        method.check(arguments)
        return run(context, **arguments)
    return call


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    @oslo_messaging.expected_exceptions(  # type: ignore[untyped-decorator]
        exceptions.BlockstoreError)
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except exceptions.BlockstoreError as error:
            answer = portable(error)
        except db_exception.DBError as error:
            LOG.warning('RPC method %s: %s', method.__name__, error)
            answer = portable(exceptions.Unavailable(
                f'{method.__name__}: the database could not do this now',
                code=errors.DATABASE_BUSY, remedy='try again'))
        except Exception as error:
            # The boundary to callers, who know no other family than ours: a
            # defect is logged here, and answered as one.
            LOG.exception('RPC method %s failed', method.__name__)
            answer = portable(exceptions.BlockstoreError(
                f'{method.__name__} failed: {type(error).__name__}',
                remedy='look for the request id in the log of the service'))
        raise answer
    result: Callable[..., Any] = call
    return result
