"""What a database means by an error: in each other's way, or not there.

oslo.db knows most of it; PostgreSQL's codes tell the rest.
"""

from oslo_db import exception as db_exception
import sqlalchemy as sa

#: All that a database's driver, SQLAlchemy or oslo.db raises.
ERRORS = (db_exception.DBError, sa.exc.SQLAlchemyError)
#: Serialization failure and deadlock, as PostgreSQL numbers them.
_CONFLICTS = ('40001', '40P01')
#: The classes of a lost connection, and of a server that stops or starts.
_LOST = ('08', '57P')


def is_passing(error: BaseException) -> bool:
    """Tell whether the same may well succeed a moment later."""
    return (is_conflict(error) or is_lost(error)
            or any(isinstance(one, sa.exc.TimeoutError)
                   for one in _causes(error)))


def is_repeatable(error: BaseException) -> bool:
    """Tell whether to do the same again at once is likely to help.

    Not when all connections are lent: that was waited for already, and
    whoever asks has to come less often.
    """
    return is_conflict(error) or is_lost(error)


def is_conflict(error: BaseException) -> bool:
    """Tell whether the server rolled back for the sake of another one."""
    return (isinstance(error, db_exception.DBDeadlock)
            or _state(error) in _CONFLICTS)


def is_lost(error: BaseException) -> bool:
    """Tell whether there was no connection, or it broke."""
    return (isinstance(error, db_exception.DBConnectionError)
            or _state(error).startswith(_LOST)
            or _could_not_connect(error))


def _state(error: BaseException) -> str:
    """Return PostgreSQL's code of what went wrong, if there is one."""
    for one in _causes(error):
        code = getattr(getattr(one, 'orig', None), 'pgcode', None)
        if code:
            return str(code)
    return ''


def _could_not_connect(error: BaseException) -> bool:
    """psycopg2 gives no code when it cannot even connect."""
    return any(isinstance(one, sa.exc.OperationalError)
               and one.statement is None and one.orig is not None
               and type(one.orig).__module__ == 'psycopg2'
               and getattr(one.orig, 'pgcode', None) is None
               for one in _causes(error))


def _causes(error: BaseException) -> tuple[BaseException, ...]:
    """Return an error and what oslo.db has wrapped in it."""
    inner = getattr(error, 'inner_exception', None)
    return (error,) if inner is None else (error, inner)
